using System.Net;
using System.Net.Http.Json;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>
/// Three nodes on one bucket behind HAProxy with the documented configuration, under load: a rolling restart and the death of a node fail no strong read after
/// the client's retries, and lose no acknowledged write.
/// </summary>
public sealed class LoadBalancerTests : IAsyncLifetime
{
    private const int Nodes = 3;
    private const int Namespaces = 6;

    /// <summary>Writes each client has acknowledged between two events.</summary>
    private const int Progress = 8;

    private readonly TemporaryFolder folder = new();
    private readonly HttpClient http = ClusterClient.CreateHttp();
    private readonly int[] ports = LoadBalancer.FreePorts(Nodes);
    private readonly PuffProcess?[] nodes = new PuffProcess?[Nodes];
    private S3TestAccess access = null!;
    private string store = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        access = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(access);
        store = ServeOnS3Tests.Location(access);
        await Task.WhenAll(Enumerable.Range(0, Nodes).Select(StartAsync));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes.OfType<PuffProcess>())
        {
            await node.DisposeAsync();
        }

        http.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_rolling_restart_and_the_death_of_a_node_fail_no_read_and_lose_no_write()
    {
        await using var balancer = await LoadBalancer.StartAsync(folder.Path, ports, http);
        using var ending = new CancellationTokenSource();
        var loads = Enumerable.Range(0, Namespaces).Select(i => new NamespaceLoad(http, balancer.Url, $"load-{i}")).ToArray();
        var running = loads.SelectMany(load => new[] { load.WriteUntilAsync(ending.Token), load.ReadUntilAsync(ending.Token) }).ToArray();
        await AdvanceAsync(loads, running);

        for (int i = 0; i < Nodes; i++)
        {
            Assert.Equal(0, await nodes[i]!.StopAsync());
            await AdvanceAsync(loads, running);
            await StartAsync(i);
            await AdvanceAsync(loads, running);
        }

        // Who stops in order is noticed before it refuses, and the balancer repeats what only reads: no client sees anything of it.
        Assert.All(loads, load => Assert.Equal(0, load.ReadRepeats));
        await nodes[1]!.KillAsync();
        await AdvanceAsync(loads, running);
        await StartAsync(1);
        await AdvanceAsync(loads, running);
        await ending.CancelAsync();
        await Task.WhenAll(running);

        foreach (var load in loads)
        {
            foreach (var node in nodes)
            {
                await load.CheckAsync(node!.Url);
            }
        }
    }

    [Fact]
    public async Task A_namespace_stays_with_its_node_and_only_the_share_of_a_dead_one_moves()
    {
        await using var balancer = await LoadBalancer.StartAsync(folder.Path, ports, http);
        string[] names = [.. Enumerable.Range(0, 40).Select(i => $"tenant-{i}")];
        var before = await PlacesAsync(balancer, names);
        Assert.Equal(Nodes, before.Values.Distinct().Count());
        Assert.Equal(before, await PlacesAsync(balancer, names));

        string dead = before[names[0]];
        await nodes[dead[0] - 'a']!.KillAsync();
        var after = await PlacesAsync(balancer, names);

        Assert.All(names, name => Assert.True(before[name] == dead ? after[name] != dead : after[name] == before[name], name));
    }

    /// <summary>Waits until every namespace has progressed through the balancer: what happened is over and dealt with.</summary>
    private static async Task AdvanceAsync(NamespaceLoad[] loads, Task[] running)
    {
        long[] aims = [.. loads.Select(load => load.Acknowledged + Progress)];
        while (!loads.Select((load, i) => load.Acknowledged >= aims[i]).All(done => done))
        {
            if (Array.Find(running, task => task.IsCompleted) is { } ended)
            {
                await ended;
            }

            await Task.Delay(20, Cancel);
        }
    }

    /// <summary>Which node answers a read of each name, the path of a read and that of a write being the same to the balancer.</summary>
    private async Task<SortedDictionary<string, string>> PlacesAsync(LoadBalancer balancer, string[] names)
    {
        var places = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            using var read = await http.PostAsJsonAsync($"{balancer.Url}/v2/namespaces/{name}/query", new { top_k = 1 }, Cancel);
            Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
            using var look = await http.GetAsync($"{balancer.Url}/v1/namespaces/{name}/schema", Cancel);
            places.Add(name, Assert.Single(read.Headers.GetValues("x-puff-node")));
            Assert.Equal(places[name], Assert.Single(look.Headers.GetValues("x-puff-node")));
        }

        return places;
    }

    private async Task StartAsync(int i) => nodes[i] = await PuffProcess.ServeAsync(
        ServeOnS3Tests.Variables(access), folder.Path, "--listen", $"127.0.0.1:{ports[i]}", "--store", store, "--cache-dir", $"cache-{i}",
        "--index-entries", "10", "--index-delay", "200ms");
}
