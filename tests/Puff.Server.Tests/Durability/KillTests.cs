using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>kill -9 on the real binary, again and again, under load, while it indexes and merges. PUFF_TEST_KILL_ROUNDS asks for more rounds.</summary>
public sealed class KillTests
{
    private static readonly string[] Aggressive = ["--index-entries", "3", "--index-delay", "1ms", "--merge-fan-in", "2"];

    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("PUFF_TEST_KILL_ROUNDS") ?? "8", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_half_applied()
    {
        using var folder = new TemporaryFolder();
        using var http = ClusterClient.CreateHttp();
#pragma warning disable RS0030 // A fixed seed.
        var random = new Random(20_260_101);
#pragma warning restore RS0030
        string[] names = ["kill-a", "kill-b"];
        var writers = Enumerable.Range(1, 6).Select(i => new LedgerWriter(i, seed: i)).ToArray();
        for (int round = 0; round < Rounds; round++)
        {
            await using (var server = await PuffProcess.ServeAsync(folder.Path, ["--store", "data", .. Aggressive]))
            {
                var clients = names.Select(n => new ClusterClient(http, server.Url, n)).ToArray();
                await CheckAsync(clients, writers, round);
                int left = 5 + random.Next(200);
                var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var running = writers.Select((w, i) => Task.Run(() => w.RunAsync(clients[i % 2], () =>
                {
                    if (Interlocked.Decrement(ref left) == 0)
                    {
                        enough.SetResult();
                    }
                }))).ToArray();
                await Task.WhenAny(enough.Task, Task.WhenAll(running));
                await server.KillAsync();
                await Task.WhenAll(running);
                Assert.True(enough.Task.IsCompleted, $"the server went by itself: {server.Messages}");
            }

            var check = await PuffProcess.RunAsync(folder.Path, "", "check", "--store", "data");
            Assert.True(check.Code == 0, $"round {round}: {check.Results}{check.Messages}");
        }

        // The deaths fell into indexing: there are segments.
        Assert.NotEmpty(Directory.EnumerateFiles(folder.Path, "*.rows*", SearchOption.AllDirectories));
        await using var last = await PuffProcess.ServeAsync(folder.Path, "--store", "data");
        await CheckAsync(names.Select(n => new ClusterClient(http, last.Url, n)).ToArray(), writers, Rounds);
        Assert.Equal(0, await last.StopAsync());
    }

    [Fact]
    public async Task Three_nodes_on_one_folder_lose_no_increment_although_one_keeps_dying()
    {
        using var folder = new TemporaryFolder();
        await Cluster.RunAsync(folder.Path, ["--store", "data", .. Aggressive], deaths: Math.Max(2, Rounds / 4));
    }

    private static async Task CheckAsync(ClusterClient[] clients, LedgerWriter[] writers, int round)
    {
        foreach (var (client, parity) in clients.Select((c, i) => (c, i)))
        {
            var mine = writers.Where((_, i) => i % 2 == parity).ToArray();
            if (round == 0)
            {
                // A document of nobody's, so that the namespace exists and may be patched from the start.
                var nobodys = new JsonObject { ["id"] = 0, ["version"] = 0, ["twin"] = 0, ["text"] = "" };
                await client.WriteAsync(new JsonObject { ["upsert_rows"] = new JsonArray(nobodys) });
            }

            var found = await client.ReadAllAsync();
            Assert.All(mine, writer => Assert.True(writer.FindFault(found) is null, $"round {round}: {writer.FindFault(found)}"));
        }
    }
}
