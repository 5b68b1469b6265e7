using System.Diagnostics;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads;

/// <summary>
/// Goal: the latency of one durable commit by a lone writer on the directory store. Method: small writes one after the other, in process;
/// beside it what the disk itself needs to create, fill, fsync and link one file.
/// </summary>
internal static class CommitLatency
{
    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        using var folder = options.Folder();
        int commits = options.Number("commits", 2000);
        await using var store = await DirectoryObjectStore.OpenAsync(Path.Combine(folder.Path, "store"));
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
        var samples = new List<double>(commits);
        for (int i = 0; i < commits; i++)
        {
            var request = new WriteRequest { Upserts = [new DocumentRow(Value.Int(i), [new("text", Value.String("a small document"))])] };
            long start = Stopwatch.GetTimestamp();
            await engine.WriteAsync("docs", request);
            samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        var bare = BareFsync(Path.Combine(folder.Path, "bare"), commits);
        Console.WriteLine($"commit   p50 {Percentiles.Of(samples, 0.5):F3} ms  p99 {Percentiles.Of(samples, 0.99):F3} ms");
        Console.WriteLine($"bare     p50 {Percentiles.Of(bare, 0.5):F3} ms  p99 {Percentiles.Of(bare, 0.99):F3} ms  (write one 4 KiB file and fsync it)");
        Console.WriteLine($"ratio    {Percentiles.Of(samples, 0.5) / Percentiles.Of(bare, 0.5):F2} at p50");
    }

    private static List<double> BareFsync(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        byte[] content = new byte[4096];
        var samples = new List<double>(count);
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using (var file = new FileStream(Path.Combine(folder, i.ToString("D8", System.Globalization.CultureInfo.InvariantCulture)), FileMode.CreateNew))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return samples;
    }
}
