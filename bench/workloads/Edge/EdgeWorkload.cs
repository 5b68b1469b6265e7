using System.Diagnostics;
using System.Net;
using Puff.Edge;
using Puff.Edge.Client;

namespace Puff.Workloads.Edge;

/// <summary>
/// Goal: pairs a second into and out of the edge store over the network, each durable before its answer, and the latency of a call with one item. Method:
/// a server in
/// its own process on a fresh SQLite store; one stream sends ahead of its answers; beside it, when they are installed, redis with appendfsync always
/// (pipelined)
/// and etcd (64 calls at once), on the same disk with the same pairs.
/// </summary>
internal static class EdgeWorkload
{
    public const string ServerArgument = "edge-serve";

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        int count = options.Number("pairs", 200_000);
        int valueBytes = options.Number("value-bytes", 100);
        using var folder = options.Folder();
        string value = new('v', valueBytes);
        var pairs = Enumerable.Range(0, count).Select(n => KeyValuePair.Create($"key:{n:D12}", value)).ToArray();
        Console.WriteLine($"{count:N0} pairs, keys of 16 bytes, values of {valueBytes}; each answer after an fsync that covers it");

        await MeasurePuffAsync(folder.Path, pairs, options);
        await EdgePeers.MeasureRedisAsync(Path.Combine(folder.Path, "redis"), pairs);
        await EdgePeers.MeasureEtcdAsync(Path.Combine(folder.Path, "etcd"), pairs.AsMemory(0, Math.Min(count, options.Number("etcd-pairs", 20_000))));
    }

    /// <summary>The server's side, in its own process: prints its address and waits for its input to end.</summary>
    public static async Task ServeAsync(Options options)
    {
        string folder = options.Text("dir", ".");
        await using KvStore kv = KvStore.Open(EdgeEngine.Sqlite, Path.Combine(folder, "kv_store.db"));
        await using BlobStore blobs = BlobStore.Open(EdgeEngine.Sqlite, Path.Combine(folder, "blob_store.db"));
        await using EdgeServer server = await EdgeServer.StartAsync(kv, blobs, new EdgeServerOptions { Addresses = [new IPEndPoint(IPAddress.Loopback, 0)] });
        Console.WriteLine(server.Urls[0]);
        await Console.In.ReadToEndAsync();
    }

    private static async Task MeasurePuffAsync(string folder, KeyValuePair<string, string>[] pairs, Options options)
    {
        ProcessStartInfo start = SelfProcess.Command(ServerArgument, options.With("dir", folder));
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        long began = Stopwatch.GetTimestamp();
        using Process server = Process.Start(start)!;
        string url = await server.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server did not start");
        Report("start until it listens", $"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms");
        using var channel = new EdgeChannel(new Uri(url));
        var client = new KvClient(channel);
        for (int round = 1; round <= 2; round++)
        {
            Report($"puff set, one stream, round {round}", Rate(pairs.Length, await TimeAsync(() => CountAsync(client.SetAsync(ToAsync(pairs))))));
            TimeSpan getting = await TimeAsync(() => CountAsync(client.GetAsync(ToAsync(pairs.Select(pair => pair.Key)))));
            Report($"puff get, one stream, round {round}", Rate(pairs.Length, getting));
        }

        await ReportCallsAsync("puff get, one item a call", n => client.GetAsync(pairs[n].Key), 3_000);
        await ReportCallsAsync("puff set, one item a call", n => client.SetAsync(pairs[n].Key, "new"), 1_000);
        server.StandardInput.Close();
        await server.WaitForExitAsync();
    }

    public static async Task ReportCallsAsync(string what, Func<int, Task> call, int count)
    {
        for (int n = 0; n < 200; n++)
        {
            await call(n);
        }

        var samples = new List<double>(count);
        for (int n = 0; n < count; n++)
        {
            long start = Stopwatch.GetTimestamp();
            await call(n);
            samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        Report(what, $"p50 {Percentiles.Of(samples, 0.5):F3} ms  p99 {Percentiles.Of(samples, 0.99):F3} ms");
    }

    public static void Report(string what, string figure) => Console.WriteLine($"{what,-36} {figure}");

    public static string Rate(int count, TimeSpan time) => $"{count / time.TotalSeconds:N0}/s";

    public static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        long start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start);
    }

    private static async Task CountAsync<T>(IAsyncEnumerable<T> answers)
    {
        await foreach (T _ in answers)
        {
        }
    }

    private static async IAsyncEnumerable<T> ToAsync<T>(IEnumerable<T> items)
    {
        foreach (T item in items)
        {
            yield return item;
        }

        await Task.CompletedTask;
    }
}
