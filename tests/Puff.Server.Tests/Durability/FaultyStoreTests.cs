using System.Globalization;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>
/// Processes on a bucket behind a network that spoils requests: what clients saw must be linearizable, and afterwards all nodes and `puff check` agree.
/// PUFF_TEST_SOAK_MINUTES makes the first test as long as one likes.
/// </summary>
public sealed class FaultyStoreTests
{
    private const string Name = "registers";
    private const int Clients = 6;

    private static readonly string[] Aggressive = ["--index-entries", "5", "--index-delay", "20ms", "--merge-fan-in", "3", "--log-level", "none"];

    private static readonly double SoakMinutes = double.Parse(
        Environment.GetEnvironmentVariable("PUFF_TEST_SOAK_MINUTES") ?? "0", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Histories_through_a_spoiled_network_are_linearizable()
    {
        await using var cluster = await FaultyCluster.StartAsync(nodes: 2, Aggressive);
        using var http = ClusterClient.CreateHttp();
        var registers = new RegisterClient(http, Name, registers: 3);
        await registers.CreateAsync(cluster.Urls[0]);
        cluster.SetFaultRate(0.06);
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(SoakMinutes);
        do
        {
            int wanted = registers.Acknowledged + 60;
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
            {
                for (int step = client; registers.Acknowledged < wanted; step++)
                {
                    await registers.StepAsync(cluster.Urls[client % cluster.Urls.Count], 1 + step % registers.Registers);
                }
            })));
        }
        while (DateTime.UtcNow < end);

        Assert.True(cluster.Faults > 10, $"only {cluster.Faults} requests were spoiled");
        cluster.SetFaultRate(0);
        await AgreeAsync(cluster, registers);
    }

    [Fact]
    public async Task A_node_cut_off_from_the_store_says_so_and_catches_up_later()
    {
        await using var cluster = await FaultyCluster.StartAsync(nodes: 2, Aggressive);
        using var http = ClusterClient.CreateHttp();
        var registers = new RegisterClient(http, Name, registers: 2);
        await registers.CreateAsync(cluster.Urls[0]);
        Assert.True(await registers.StepAsync(cluster.Urls[1], 1));

        cluster.Cut(node: 1, isCut: true);
        Assert.False(await registers.StepAsync(cluster.Urls[1], 1));
        for (int i = 0; i < 20; i++)
        {
            Assert.True(await registers.StepAsync(cluster.Urls[0], 1 + i % 2));
        }

        // Neither an old value nor "absent": the node does not know, and says that.
        Assert.Null(await registers.ReadAsync(cluster.Urls[1]));
        cluster.Cut(node: 1, isCut: false);
        await AgreeAsync(cluster, registers);
    }

    [Fact]
    public async Task A_node_whose_packets_vanish_says_so_while_others_go_on()
    {
        await using var cluster = await FaultyCluster.StartAsync(nodes: 2, Aggressive);
        using var http = ClusterClient.CreateHttp();
        var registers = new RegisterClient(http, Name, registers: 2);
        await registers.CreateAsync(cluster.Urls[0]);
        Assert.True(await registers.StepAsync(cluster.Urls[1], 1));

        cluster.Silence(node: 1, isSilent: true);
        var lost = registers.ReadAsync(cluster.Urls[1]);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(await registers.StepAsync(cluster.Urls[0], 1 + i % 2));
        }

        Assert.Null(await lost);
        cluster.Silence(node: 1, isSilent: false);
        await AgreeAsync(cluster, registers);
    }

    private static async Task AgreeAsync(FaultyCluster cluster, RegisterClient registers)
    {
        foreach (string url in cluster.Urls)
        {
            Assert.True(await registers.ReadAsync(url) is not null, $"{url} does not answer although its store does: {cluster.Messages}");
        }

        for (int register = 1; register <= registers.Registers; register++)
        {
            Assert.Null(RegisterHistory.FindFault(0, [.. registers.HistoryOf(register)]));
        }

        Outcome check = await cluster.CheckAsync();
        Assert.True(check.Code == 0, check.Messages + check.Results);
    }

    /// <summary>Nodes on one fresh part of a bucket, each with a line of its own to it.</summary>
    private sealed class FaultyCluster(S3TestAccess access, string store, TemporaryFolder folder) : IAsyncDisposable
    {
        private readonly List<FaultProxy> lines = [];
        private readonly List<PuffProcess> nodes = [];

        public IReadOnlyList<string> Urls => [.. nodes.Select(n => n.Url)];

        public long Faults => lines.Sum(l => l.Faults);

        public string Messages => string.Concat(nodes.Select(n => n.Messages));

        public static async Task<FaultyCluster> StartAsync(int nodes, string[] settings)
        {
            var access = S3TestAccess.Good();
            await ServeOnS3Tests.MakeBucketAsync(access);
            var cluster = new FaultyCluster(access, $"s3://{S3TestAccess.Bucket}/tests/{Guid.NewGuid():n}", new TemporaryFolder());
            for (int i = 0; i < nodes; i++)
            {
                var line = await FaultProxy.StartAsync(access.Endpoint, seed: i);
                cluster.lines.Add(line);
                string[] arguments = ["--store", cluster.LocationOver(line.Endpoint), .. settings];
                cluster.nodes.Add(await PuffProcess.ServeAsync(ServeOnS3Tests.Variables(access), cluster.Folder, arguments));
            }

            return cluster;
        }

        public void SetFaultRate(double rate) => lines.ForEach(l => l.FaultRate = rate);

        public void Cut(int node, bool isCut) => lines[node].IsCut = isCut;

        public void Silence(int node, bool isSilent) => lines[node].IsSilent = isSilent;

        /// <summary>After a soak there is much to be read again.</summary>
        public Task<Outcome> CheckAsync() =>
            PuffProcess.RunAsync(
                PuffProcess.Patience + TimeSpan.FromMinutes(SoakMinutes), ServeOnS3Tests.Variables(access), Folder, "", "check", "--store", LocationOver(access.Endpoint));

        public async ValueTask DisposeAsync()
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }

            foreach (var line in lines)
            {
                await line.DisposeAsync();
            }

            folder.Dispose();
        }

        private string Folder => folder.Path;

        private string LocationOver(string endpoint) => $"{store}?endpoint={Uri.EscapeDataString(endpoint)}";
    }
}
