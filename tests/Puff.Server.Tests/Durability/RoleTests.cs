using System.Text.Json.Nodes;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>Processes of different roles on one store.</summary>
public sealed class RoleTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly HttpClient http = ClusterClient.CreateHttp();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        http.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task An_index_node_indexes_what_a_query_node_writes_and_both_answer()
    {
        string[] settings = ["--store", "data", "--index-entries", "5", "--index-delay", "10ms", "--index-poll", "100ms", "--lease-time", "3s"];
        await using PuffProcess query = await PuffProcess.ServeAsync(folder.Path, ["--role", "query", .. settings]);
        var client = new ClusterClient(http, query.Url, "docs");
        for (int id = 0; id < 6; id++)
        {
            await client.WriteAsync(new JsonObject { ["upsert_rows"] = new JsonArray(new JsonObject { ["id"] = id }) });
        }

        await UntilAsync(query, "puff_index_jobs_announced_total", value => value > 0);
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*.rows*", SearchOption.AllDirectories));

        await using PuffProcess index = await PuffProcess.ServeAsync(folder.Path, ["--role", "index", .. settings]);
        await UntilAsync(index, "puff_index_jobs_done_total", value => value == 1);
        await UntilAsync(index, "puff_index_queue_jobs", value => value == 0);
        Assert.Equal(1, await ReadAsync(index, "puff_index_flushes_total"));
        Assert.NotEmpty(Directory.EnumerateFiles(folder.Path, "*.rows*", SearchOption.AllDirectories));
        Assert.Equal(6, (await client.ReadAllAsync()).Count);
        Assert.Equal(6, (await new ClusterClient(http, index.Url, "docs").ReadAllAsync()).Count);
        Assert.Equal(0, await query.StopAsync());
        Assert.Equal(0, await index.StopAsync());
    }

    /// <summary>Waits for something that must come; the test's patience is the bound.</summary>
    private async Task UntilAsync(PuffProcess node, string metric, Func<double, bool> condition)
    {
        while (await ReadAsync(node, metric) is not { } value || !condition(value))
        {
            await Task.Delay(20, Cancel);
        }
    }

    private async Task<double?> ReadAsync(PuffProcess node, string metric)
    {
        string text = await http.GetStringAsync(node.Url + "/metrics", Cancel);
        string? line = Array.Find(text.Split('\n'), l => l.StartsWith(metric + " ", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[(metric.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
