using System.Diagnostics;
using System.Globalization;

namespace Puff.Workloads.Text;

/// <summary>The peer: SQLite's FTS5 through the `sqlite3` shell, in memory-mapped mode on a file of its own.</summary>
internal static class SqlitePeer
{
    private const int MeasuredQueries = 100;

    public static async Task RunAsync(TextData data, string folder)
    {
        string database = Path.Combine(folder, "fts5.sqlite");
        if (!File.Exists(database))
        {
            await FillAsync(data, database);
        }

        double start = await AskAsync(database, []);
        double megabytes = new FileInfo(database).Length / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sqlite   {megabytes:F0} MB, start of the shell {start:F1} ms"));
        await MeasureAsync(database, data.Short, "1-5 words, k 10", start);
        await MeasureAsync(database, data.Three, "3 words, k 10", start);
        await MeasureAsync(database, data.Long, "13 words, k 10", start);
    }

    private static async Task MeasureAsync(string database, IReadOnlyList<string> queries, string name, double start)
    {
        string[] asked = [.. queries.Take(MeasuredQueries)];
        await AskAsync(database, asked);
        double milliseconds = await AskAsync(database, asked) - start;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sqlite   {name,-24} mean {milliseconds * 1_000 / asked.Length,8:F0} us"));
    }

    private static async Task FillAsync(TextData data, string database)
    {
        var clock = Stopwatch.StartNew();
        await RunAsync(database, async input =>
        {
            await input.WriteLineAsync("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING fts5(body, content=''); BEGIN;");
            for (int i = 0; i < data.Documents; i++)
            {
                await input.WriteLineAsync($"INSERT INTO t(rowid, body) VALUES({i + 1}, '{data.Document(i).Replace("'", "''", StringComparison.Ordinal)}');");
            }

            await input.WriteLineAsync("COMMIT; INSERT INTO t(t) VALUES('optimize');");
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sqlite   filled and optimized in {clock.Elapsed.TotalSeconds:F1} s"));
    }

    /// <summary>Milliseconds from the start of the shell to its end.</summary>
    private static async Task<double> AskAsync(string database, string[] queries)
    {
        var clock = Stopwatch.StartNew();
        await RunAsync(database, async input =>
        {
            await input.WriteLineAsync("PRAGMA mmap_size=4000000000;");
            foreach (string query in queries)
            {
                string words = string.Join(" OR ", query.Split(' ').Select(w => '"' + w.Replace("\"", string.Empty, StringComparison.Ordinal) + '"'));
                await input.WriteLineAsync(
                    $"SELECT rowid, bm25(t) FROM t WHERE t MATCH '{words.Replace("'", "''", StringComparison.Ordinal)}' ORDER BY rank LIMIT 10;");
            }
        });
        return clock.Elapsed.TotalMilliseconds;
    }

    private static async Task RunAsync(string database, Func<StreamWriter, Task> write)
    {
        var start = new ProcessStartInfo("sqlite3") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(database);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        await write(process.StandardInput);
        process.StandardInput.Close();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"sqlite3 ended with {process.ExitCode}");
        }
    }
}
