using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Tests.Vectors;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>
/// An index whose measurements say that one leaf is always enough: whatever recall is aimed at, too little is found. Checks of queries notice, and the tree is
/// trained and measured anew. Seeded; time stands still, so that checks need no rest.
/// </summary>
public sealed class RecallRebuildTests
{
    private const int Dimensions = 32;
    private const int Documents = 2_400;
    private const int MostQueries = 400_000;

    private static readonly VectorIndexSettings Small = new()
    {
        CodesFrom = 16, GroupMean = 8, FlatLimit = 1_500, LeafMin = 10, LeafTarget = 24, LeafMax = 48, FanOut = 16, TrainingGrowth = 8, Threads = 2,
    };

    private static readonly float[][] Vectors = TopicVectors.Create(23, Documents + 40, Dimensions);
    private static readonly float[][] Queries = Vectors[Documents..];

    [Fact]
    public async Task Recall_that_stays_low_gets_the_tree_trained_anew_and_is_restored()
    {
        await using var fixture = await SpoiledAsync();
        var asked = new Requests();
        var target = new Namespace(fixture.NewContext(), "docs", asked);
        await target.FreshenAsync();
        Assert.InRange(Recall(target), 0.2, 0.9);

        // Two rises of the aim and the highest one take as many checks each. One check less, and nothing is asked for.
        await SearchAsync(fixture, target, 3 * RecallEstimate.Enough - 1);
        Assert.Empty(asked.Trees);
        await SearchAsync(fixture, target, 1);
        ulong poor = Assert.Single((await ManifestAsync(fixture)).Trees).Id;
        Assert.Equal([poor], asked.Trees);

        Assert.True(await new Merger(fixture.NewContext()).RebuildAsync(target, poor, default));
        var rebuilt = Assert.Single((await ManifestAsync(fixture)).Trees);
        Assert.Equal((1, Documents), (rebuilt.Rebuilds, rebuilt.TrainedOn));
        Assert.NotEqual(poor, rebuilt.Id);
        Assert.InRange(Recall(target), 0.95, 1);

        // The new tree is judged by checks of its own, and found good.
        await SearchAsync(fixture, target, 4 * RecallEstimate.Enough);
        Assert.Equal([poor], asked.Trees);
        Assert.InRange(target.Recall.Recall!.Value, 0.95, 1);
        target.Close();
    }

    [Fact]
    public async Task A_tree_is_replaced_twice_in_a_row_at_most()
    {
        await using var fixture = await SpoiledAsync();
        var target = fixture.OpenNamespace("docs");
        await target.FreshenAsync();
        var merger = new Merger(fixture.NewContext());
        for (int rebuilds = 0; rebuilds < 2; rebuilds++)
        {
            ulong poor = Assert.Single((await ManifestAsync(fixture)).Trees).Id;
            Assert.True(await merger.RebuildAsync(target, poor, default));

            // Asked for once more, perhaps by another node: it is gone.
            Assert.False(await merger.RebuildAsync(target, poor, default));
        }

        var last = Assert.Single((await ManifestAsync(fixture)).Trees);
        Assert.Equal(2, last.Rebuilds);
        Assert.False(await merger.RebuildAsync(target, last.Id, default));
        Assert.Equal(last.Id, Assert.Single((await ManifestAsync(fixture)).Trees).Id);
        target.Close();
    }

    [Fact]
    public async Task A_node_that_indexes_does_it_when_asked()
    {
        await using var fixture = await SpoiledAsync();
        ulong poor = Assert.Single((await ManifestAsync(fixture)).Trees).Id;
        var context = fixture.NewContext();
        using var metrics = new IndexMetrics(() => 0);
        var maintenance = new Maintenance(context, metrics);
        var registry = new NamespaceRegistry(context, maintenance);
        maintenance.Start(registry);
        using (var lease = registry.Open("docs"))
        {
            await lease.Namespace.FreshenAsync();
            lease.Namespace.Observer.RecallStaysLow(lease.Namespace, poor);
            while (!maintenance.IsIdle)
            {
                await Task.Yield();
            }
        }

        await maintenance.StopAsync();
        var rebuilt = Assert.Single((await ManifestAsync(fixture)).Trees);
        Assert.NotEqual(poor, rebuilt.Id);
        Assert.Equal(1, rebuilt.Rebuilds);
    }

    private static async Task<EngineFixture> SpoiledAsync()
    {
        var fixture = new EngineFixture
        {
            Seed = 1, Time = new StillTime(), Settings = new EngineSettings { RunIndexer = false, MergeFanIn = 2, VectorIndex = Small },
        };
        var engine = await fixture.OpenAsync();
        for (int part = 0; part < 2; part++)
        {
            int first = part * Documents / 2;
            await engine.WriteAsync("docs", new WriteRequest
            {
                Upserts = [.. Enumerable.Range(first, Documents / 2).Select(i => EngineFixture.Row((ulong)i, ("vec", Value.Vector(Vectors[i]))))],
                DistanceMetric = DistanceMetric.CosineDistance,
                Schema = new SchemaUpdate([new AttributeUpdate("vec") { Type = $"[{Dimensions}]f32", Ann = true }]),
            });
            await fixture.FlushAsync("docs");
        }

        Assert.Equal(1, await fixture.MergeAsync("docs"));
        await SpoilAsync(fixture);
        return fixture;
    }

    private static async Task SpoilAsync(EngineFixture fixture)
    {
        var store = new ManifestStore(fixture.NewContext(), fixture.NewContext().KeysOf("docs"));
        var current = (await store.ReadAsync(null, default))!;
        var trees = current.Manifest.Trees.Select(t => t with { Calibration = [.. t.Calibration.Select(c => c with { Probes = 1 })] });
        var next = current.Manifest with { Version = current.Manifest.Version + 1, Trees = [.. trees] };
        Assert.NotNull(await store.PublishAsync(next, current, default));
    }

    /// <summary>As many searches as lead to so many checks, each check awaited.</summary>
    private static async Task SearchAsync(EngineFixture fixture, Namespace target, int checks)
    {
        using var metrics = new SearchMetrics();
        var sampling = new RecallSampling(fixture.NewContext(), metrics);
        int done = 0;
        for (int query = 0; done < checks; done++)
        {
            using var snapshot = target.Snapshot();
            while (!target.Behind.IsBusy)
            {
                Assert.InRange(query, 0, MostQueries);
                sampling.Offer(target, snapshot, Request(query++));
            }

            await target.Behind.DrainAsync();
        }
    }

    private static double Recall(Namespace target)
    {
        using var snapshot = target.Snapshot();
        return Queries.Average(q => RecallMeasurement.Run(
            snapshot, new RecallRequest { RankBy = new VectorRank("vec", new VectorOperand(q, Dimensions, IsMulti: false), Exact: false), TopK = 10 },
            new Random(0), byCodes: false, CancellationToken.None).AverageRecall);
    }

    private static QueryRequest Request(int query) => new()
    {
        RankBy = new VectorRank("vec", new VectorOperand(Queries[query % Queries.Length], Dimensions, IsMulti: false), Exact: false), Limit = 10,
    };

    private static async Task<Manifest> ManifestAsync(EngineFixture fixture) =>
        (await new ManifestStore(fixture.NewContext(), fixture.NewContext().KeysOf("docs")).ReadAsync(null, default))!.Manifest;

    private sealed class StillTime : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override DateTimeOffset GetUtcNow() => new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }

    private sealed class Requests : INamespaceObserver
    {
        public List<ulong> Trees { get; } = [];

        public void TailGrew(Namespace changed)
        {
        }

        public void RecallStaysLow(Namespace changed, ulong tree) => Trees.Add(tree);
    }
}
