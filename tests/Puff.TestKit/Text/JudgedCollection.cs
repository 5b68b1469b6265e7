using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Puff.TestKit.Text;

/// <summary>
/// Documents, queries, and which documents are relevant to which query: `documents.ndjson.gz` and `queries.ndjson.gz` with `id`, `text`, perhaps `title` and
/// `language`, and `judgements.tsv.gz` with query, document and grade behind a header.
/// </summary>
internal sealed class JudgedCollection
{
    private readonly Dictionary<string, Dictionary<int, int>> grades = new(StringComparer.Ordinal);

    private JudgedCollection(IReadOnlyList<string> documents, IReadOnlyList<(string Id, string Text)> queries)
    {
        Documents = documents;
        Queries = queries;
    }

    /// <summary>Title and text of each.</summary>
    public IReadOnlyList<string> Documents { get; }

    public IReadOnlyList<(string Id, string Text)> Queries { get; }

    /// <param name="folder">With the three files.</param>
    /// <param name="language">Only this one; null for all.</param>
    public static JudgedCollection Read(string folder, string? language)
    {
        var documents = Rows(folder, "documents", language);
        var collection = new JudgedCollection([.. documents.Select(d => d.Text)], [.. Rows(folder, "queries", language)]);
        var numbers = documents.Select((d, i) => (d.Id, i)).ToDictionary(d => d.Id, d => d.i, StringComparer.Ordinal);
        foreach (string line in Lines(Path.Combine(folder, "judgements.tsv.gz")).Skip(1))
        {
            string[] fields = line.Split('\t');
            if (numbers.TryGetValue(fields[1], out int document))
            {
                collection.grades.TryAdd(fields[0], []);
                collection.grades[fields[0]][document] = int.Parse(fields[2], CultureInfo.InvariantCulture);
            }
        }

        return collection;
    }

    /// <summary>The mean over all judged queries of the normalised discounted cumulative gain of ten results (Järvelin and Kekäläinen 2002).</summary>
    /// <param name="search">The ten best documents of a query.</param>
    public double MeanNdcg(Func<string, IEnumerable<int>> search)
    {
        var values = new List<double>();
        foreach (var (id, text) in Queries)
        {
            if (grades.TryGetValue(id, out var judged))
            {
                double ideal = Gain(judged.Values.OrderDescending());
                values.Add(Gain(search(text).Select(d => judged.GetValueOrDefault(d))) / ideal);
            }
        }

        return values.Average();
    }

    private static double Gain(IEnumerable<int> gradesInOrder) => gradesInOrder.Take(10).Select((grade, rank) => grade / Math.Log2(rank + 2)).Sum();

    private static List<(string Id, string Text)> Rows(string folder, string name, string? language)
    {
        var rows = new List<(string, string)>();
        foreach (string line in Lines(Path.Combine(folder, $"{name}.ndjson.gz")))
        {
            using var row = JsonDocument.Parse(line);
            var root = row.RootElement;
            if (language is null || root.GetProperty("language").GetString() == language)
            {
                string title = root.TryGetProperty("title", out var value) ? value.GetString() + " " : string.Empty;
                rows.Add((root.GetProperty("id").ToString(), title + root.GetProperty("text").GetString()));
            }
        }

        return rows;
    }

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
