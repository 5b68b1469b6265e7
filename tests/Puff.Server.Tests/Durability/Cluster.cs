using System.Text.Json.Nodes;
using Puff.Server.Tests.Cli;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>Several processes on one store: version-checked increments through all of them, while one is killed and started again.</summary>
internal static class Cluster
{
    private const string Name = "counters";
    private const int Counters = 4;
    private const int Nodes = 3;
    private const int IncrementsPerLife = 40;

    public static async Task RunAsync(string folder, string[] settings, int deaths, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var http = ClusterClient.CreateHttp();
        int started = 0;

        // A cache of its own for each; when a process dies, the next one starts with another's.
        Task<PuffProcess> StartAsync() => PuffProcess.ServeAsync(
            environment ?? new Dictionary<string, string>(), folder, [.. settings, "--cache-dir", $"cache-{Interlocked.Increment(ref started)}"]);
        var nodes = await Task.WhenAll(Enumerable.Range(0, Nodes).Select(_ => StartAsync()));
        try
        {
            var first = new ClusterClient(http, nodes[0].Url, Name);
            await first.WriteAsync(new JsonObject { ["upsert_rows"] = Rows(Enumerable.Range(1, Counters).Select(i => (i, 0L))) });
            var acknowledged = new long[Counters + 1];
            var unknown = new long[Counters + 1];
            for (int death = 0; death <= deaths; death++)
            {
                await LiveAsync(http, nodes, acknowledged, unknown, kills: death < deaths);
                nodes[^1] = death < deaths ? await StartAsync() : nodes[^1];
                await AgreeAsync(http, nodes, acknowledged, unknown);
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    /// <summary>Increments through every node until enough are done; then perhaps the last node dies in the middle of it.</summary>
    private static async Task LiveAsync(HttpClient http, PuffProcess[] nodes, long[] acknowledged, long[] unknown, bool kills)
    {
        int left = IncrementsPerLife;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = Enumerable.Range(0, Nodes * Counters).Select(i => Task.Run(async () =>
        {
            int counter = 1 + i % Counters;
            var client = new ClusterClient(http, nodes[i % Nodes].Url, Name);
            while (!enough.Task.IsCompleted)
            {
                bool? done = await IncrementAsync(client, counter);
                Interlocked.Add(ref acknowledged[counter], done == true ? 1 : 0);
                Interlocked.Add(ref unknown[counter], done is null ? 1 : 0);
                if (done is null)
                {
                    return;
                }

                if (done.Value && Interlocked.Decrement(ref left) == 0)
                {
                    enough.SetResult();
                }
            }
        })).ToArray();
        if (kills)
        {
            // Half of the increments are done, the others are under way.
            while (Volatile.Read(ref left) > IncrementsPerLife / 2 && !running.All(r => r.IsCompleted))
            {
                await Task.Yield();
            }

            await nodes[^1].KillAsync();
            await nodes[^1].DisposeAsync();
        }

        await Task.WhenAll(running);
        Assert.True(enough.Task.IsCompleted, "the surviving nodes stopped answering");
    }

    /// <summary>Reads and, if nobody was faster, adds one. Null: the node died, and nobody knows.</summary>
    private static async Task<bool?> IncrementAsync(ClusterClient client, int counter)
    {
        try
        {
            long value = (await client.ReadAllAsync())[counter].GetProperty("n").GetInt64();
            var answer = await client.WriteAsync(new JsonObject
            {
                ["patch_rows"] = Rows([(counter, value + 1)]),
                ["patch_condition"] = new JsonArray("n", "Eq", value),
            });
            return answer.GetProperty("rows_affected").GetInt64() == 1;
        }
        catch (HttpRequestException gone) when (gone.StatusCode is null)
        {
            return null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>All nodes say the same, and every counter is what was acknowledged, plus at most what nobody knows about.</summary>
    private static async Task AgreeAsync(HttpClient http, PuffProcess[] nodes, long[] acknowledged, long[] unknown)
    {
        var answers = new List<long[]>();
        foreach (var node in nodes)
        {
            var rows = await new ClusterClient(http, node.Url, Name).ReadAllAsync();
            answers.Add(rows.Values.Select(r => r.GetProperty("n").GetInt64()).ToArray());
        }

        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        for (int counter = 1; counter <= Counters; counter++)
        {
            Assert.InRange(answers[0][counter - 1], acknowledged[counter], acknowledged[counter] + unknown[counter]);
        }
    }

    private static JsonArray Rows(IEnumerable<(int Id, long Value)> counters) =>
        new(counters.Select(c => (JsonNode)new JsonObject { ["id"] = c.Id, ["n"] = c.Value }).ToArray());
}
