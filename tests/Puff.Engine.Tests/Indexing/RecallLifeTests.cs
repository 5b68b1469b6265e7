using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Tests.Vectors;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>
/// Recall through the front door, by comparing ANN with kNN, after everything that happens to an index in its life. Each look is
/// that of a node that was just started. Everything is seeded.
/// </summary>
public sealed class RecallLifeTests
{
    private const int Dimensions = 32;
    private const int Initial = 2_400;
    private const int Later = 2_400;
    private const int Replacements = 800;
    private const int QueryCount = 40;
    private const double Promised = 0.95;

    private static readonly VectorIndexSettings Small = new()
    {
        CodesFrom = 16, GroupMean = 8, FlatLimit = 1_500, LeafMin = 10, LeafTarget = 24, LeafMax = 48, FanOut = 16, TrainingGrowth = 8, TailChunk = 256,
        Threads = 2,
    };

    // An exact search over everything wants a filter, to be sure that it is meant.
    private static readonly Filter Everything = new AttributeFilter("id", FilterOperator.Gte, Value.UInt(0));

    private static readonly float[][] Vectors = TopicVectors.Create(21, Initial + Later + Replacements + QueryCount, Dimensions);
    private static readonly float[][] Queries = Vectors[^QueryCount..];

    [Fact]
    public async Task Recall_is_kept_by_flushes_merges_splits_restarts_and_churn()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, Enumerable.Range(0, Initial / 2).Select(i => (i, i)));
        await AssertRecallAsync(fixture, "tail");
        await fixture.FlushAsync("docs");
        await AssertRecallAsync(fixture, "flush");
        await WriteAsync(engine, Enumerable.Range(Initial / 2, Initial / 2).Select(i => (i, i)));
        await fixture.FlushAsync("docs");
        await AssertRecallAsync(fixture, "second flush");
        Assert.True(await fixture.MergeAsync("docs") > 0);
        await AssertRecallAsync(fixture, "merge that trains");
        int trained = Assert.Single((await ManifestAsync(fixture)).Trees).Nodes;

        for (int part = 0; part < 4; part++)
        {
            await WriteAsync(engine, Enumerable.Range(Initial + part * Later / 4, Later / 4).Select(i => (i, i)));
            await fixture.FlushAsync("docs");
            await AssertRecallAsync(fixture, $"flush {part} onto a tree");
        }

        Assert.True(await fixture.MergeAsync("docs") > 0);
        Assert.True(Assert.Single((await ManifestAsync(fixture)).Trees).Nodes > trained);
        await AssertRecallAsync(fixture, "merge that splits");
        await ChurnAsync(fixture, engine);
    }

    [Fact]
    public async Task Queries_whose_nearest_five_hundred_are_gone_get_full_results()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, Enumerable.Range(0, Initial).Select(i => (i, i)));
        await fixture.FlushAsync("docs");
        await WriteAsync(engine, Enumerable.Range(Initial, Later).Select(i => (i, i)));
        await fixture.FlushAsync("docs");
        await fixture.MergeAsync("docs");
        foreach (float[] query in Queries[..2])
        {
            await DeleteAsync(engine, await FindAsync(engine, query, 500, isExact: true));
            await AssertRecallAsync(fixture, "500 deleted in the tail", [query]);
            await fixture.FlushAsync("docs");
            await AssertRecallAsync(fixture, "500 deleted", [query]);
            Assert.Equal(1_000, (await FindAsync(await fixture.OpenAsync(), query, 1_000, isExact: false)).Distinct().Count());
        }
    }

    /// <summary>30 % of the documents change in three rounds: half of them get other vectors, half are deleted.</summary>
    private static async Task ChurnAsync(EngineFixture fixture, PuffEngine engine)
    {
        const int Changed = (Initial + Later) * 15 / 100;
        var random = new Random(22);
        int[] victims = [.. Enumerable.Range(0, Initial + Later).OrderBy(_ => random.Next())];
        for (int round = 0; round < 3; round++)
        {
            int first = round * Changed / 3, end = (round + 1) * Changed / 3;
            await WriteAsync(engine, Enumerable.Range(first, end - first).Select(i => (victims[i], Initial + Later + i)));
            await DeleteAsync(engine, victims[(Changed + first)..(Changed + end)].Select(i => (ulong)i));
            await AssertRecallAsync(fixture, $"churn {round} in the tail");
            await fixture.FlushAsync("docs");
            await AssertRecallAsync(fixture, $"churn {round} flushed");
        }

        await fixture.MergeAsync("docs");
        await AssertRecallAsync(fixture, "churn merged");
    }

    private static EngineFixture Fixture() => new()
    {
        Seed = 1, Settings = new EngineSettings { RunIndexer = false, MergeFanIn = 2, VectorIndex = Small },
    };

    private static async Task WriteAsync(PuffEngine engine, IEnumerable<(int Id, int Row)> documents) => await engine.WriteAsync("docs", new WriteRequest
    {
        Upserts = [.. documents.Select(d => EngineFixture.Row((ulong)d.Id, ("vec", Value.Vector(Vectors[d.Row])), ("bucket", Value.Int(d.Id % 10))))],
        DistanceMetric = DistanceMetric.CosineDistance,
        Schema = new SchemaUpdate([new AttributeUpdate("vec") { Type = $"[{Dimensions}]f32", Ann = true }]),
    });

    private static async Task DeleteAsync(PuffEngine engine, IEnumerable<ulong> ids) =>
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [.. ids.Select(Value.UInt)] });

    private static async Task AssertRecallAsync(EngineFixture fixture, string moment, float[][]? queries = null)
    {
        await using var reader = await fixture.OpenAsync();
        foreach (var filter in new[] { null, EngineFixture.Eq("bucket", Value.Int(3)) })
        {
            double recall = 0;
            foreach (float[] query in queries ?? Queries)
            {
                ulong[] truth = await FindAsync(reader, query, 10, isExact: true, filter);
                ulong[] found = await FindAsync(reader, query, 10, isExact: false, filter);
                Assert.Equal(10, found.Distinct().Count());
                recall += truth.Intersect(found).Count() / 10.0 / (queries ?? Queries).Length;
            }

            string text = $"{moment}{(filter is null ? "" : ", filtered")}: recall {recall:F3}";
            TestContext.Current.TestOutputHelper?.WriteLine(text);
            Assert.True(recall >= Promised, text);
        }
    }

    private static async Task<ulong[]> FindAsync(PuffEngine engine, float[] query, int count, bool isExact, Filter? filter = null)
    {
        var rank = new VectorRank("vec", new VectorOperand(query, Dimensions, IsMulti: false), isExact);
        var result = await engine.QueryAsync("docs", new QueryRequest { RankBy = rank, Limit = count, Filters = isExact ? filter ?? Everything : filter });
        return [.. result.Rows!.Select(r => r.Id.AsUInt)];
    }

    private static async Task<Manifest> ManifestAsync(EngineFixture fixture) =>
        (await new ManifestStore(fixture.NewContext(), fixture.NewContext().KeysOf("docs")).ReadAsync(null, default))!.Manifest;
}
