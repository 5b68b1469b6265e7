using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Tests.Vectors;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Searches of a long tail by provisional codes, beside exact ones.</summary>
public sealed class TailCodesTests
{
    private const int Dimensions = 32;
    private const int Documents = 1_000;
    private const int Chunk = 192;
    private const int QueryCount = 40;

    private static readonly Filter Everything = new AttributeFilter("id", FilterOperator.Gte, Value.UInt(0));
    private static readonly float[][] Vectors = TopicVectors.Create(5, Documents + 100 + QueryCount, Dimensions);
    private static readonly float[][] Queries = Vectors[^QueryCount..];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_long_tail_is_searched_by_codes_and_answers_exactly_what_lives(bool hasTree)
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        if (hasTree)
        {
            await WriteAsync(engine, Enumerable.Range(10_000, Documents).Select(i => (i, i - 10_000)));
            await fixture.FlushAsync("docs");
            Assert.True(await fixture.MergeAsync("docs") > 0);
        }

        await WriteAsync(engine, Enumerable.Range(0, Documents).Select(i => (i, i)));
        await UntilCodedAsync(engine, Documents / Chunk * Chunk + (hasTree ? 1 : 0));
        await AssertRecallAsync(engine);

        // The nearest are deleted, others get new vectors: both are in the tail, after documents that have codes.
        ulong[] gone = await FindAsync(engine, Queries[0], 50, isExact: true);
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [.. gone.Select(Value.UInt)] });
        await WriteAsync(engine, Enumerable.Range(0, 100).Select(i => (i * 7, Documents + i)));
        await AssertRecallAsync(engine);
        ulong[] all = await FindAsync(engine, Queries[0], 10_000, isExact: true);
        Assert.Equal(all.Order(), (await FindAsync(engine, Queries[0], 10_000, isExact: false)).Order());
        Assert.Equal(await DistancesAsync(engine, isExact: true), await DistancesAsync(engine, isExact: false));
    }

    [Fact]
    public async Task A_short_tail_has_no_codes()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, Enumerable.Range(0, Chunk - 1).Select(i => (i, i)));
        for (int i = 0; i < 3; i++)
        {
            var result = await SearchAsync(engine, Queries[0], 10, isExact: false);
            Assert.Equal((0L, Chunk - 1L), (result.Cost.CodesScanned, result.Cost.VectorsScored));
        }
    }

    [Fact]
    public async Task Some_searches_are_checked_behind_the_queries()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, Enumerable.Range(0, Documents).Select(i => (i, i)));
        await fixture.FlushAsync("docs");
        Assert.True(await fixture.MergeAsync("docs") > 0);
        engine = await fixture.OpenAsync();
        Assert.Equal((null, 0), ((await engine.GetInfoAsync("docs")).SampledRecall, (await engine.GetInfoAsync("docs")).RecallChecks));

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (int i = 0; (await engine.GetInfoAsync("docs")).RecallChecks < 1; i++)
        {
            patience.Token.ThrowIfCancellationRequested();
            await SearchAsync(engine, Queries[i % QueryCount], 10, isExact: false);
        }

        Assert.InRange((await engine.GetInfoAsync("docs")).SampledRecall!.Value, 0.5, 1);
        var plan = await engine.ExplainAsync("docs", new MultiQueryRequest([new QueryRequest { AggregateBy = [new("n", AggregateFunction.Count, null)] }]));
        Assert.Matches(@"\nsearches of this node checked lately: recall [01]\.\d{3} in \d+, aiming at 0\.\d+\n$", plan);
    }

    private static EngineFixture Fixture() => new()
    {
        Seed = 3,
        Settings = new EngineSettings
        {
            RunIndexer = false,
            MergeFanIn = 2,
            VectorIndex = new VectorIndexSettings
            {
                CodesFrom = 16, GroupMean = 4, FlatLimit = 500, LeafMin = 10, LeafTarget = 24, LeafMax = 48, FanOut = 16, TailChunk = Chunk, Threads = 2,
            },
        },
    };

    /// <summary>Codes are made behind searches; the bound is for a broken build, not a speed that is asserted.</summary>
    private static async Task UntilCodedAsync(PuffEngine engine, int coded)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await SearchAsync(engine, Queries[0], 10_000, isExact: false)).Cost.CodesScanned < coded)
        {
            await Task.Delay(5, patience.Token);
        }
    }

    private static async Task AssertRecallAsync(PuffEngine engine)
    {
        double found = 0;
        foreach (float[] query in Queries)
        {
            ulong[] truth = await FindAsync(engine, query, 10, isExact: true);
            found += truth.Intersect(await FindAsync(engine, query, 10, isExact: false)).Count();
        }

        Assert.True(found / (10 * QueryCount) >= 0.95, $"recall {found / (10 * QueryCount):F3}");
    }

    private static async Task<float[]> DistancesAsync(PuffEngine engine, bool isExact) =>
        [.. (await SearchAsync(engine, Queries[1], 10_000, isExact)).Rows!.Select(r => (float)r.Distance!.Value)];

    private static async Task<ulong[]> FindAsync(PuffEngine engine, float[] query, int count, bool isExact) =>
        [.. (await SearchAsync(engine, query, count, isExact)).Rows!.Select(r => r.Id.AsUInt)];

    private static Task<QueryResult> SearchAsync(PuffEngine engine, float[] query, int count, bool isExact) => engine.QueryAsync("docs", new QueryRequest
    {
        RankBy = new VectorRank("vec", new VectorOperand(query, Dimensions, IsMulti: false), isExact), Limit = count, Filters = isExact ? Everything : null,
    });

    private static async Task WriteAsync(PuffEngine engine, IEnumerable<(int Id, int Row)> documents) => await engine.WriteAsync("docs", new WriteRequest
    {
        Upserts = [.. documents.Select(d => EngineFixture.Row((ulong)d.Id, ("vec", Value.Vector(Vectors[d.Row]))))],
        DistanceMetric = DistanceMetric.EuclideanSquared,
        Schema = new SchemaUpdate([new AttributeUpdate("vec") { Type = $"[{Dimensions}]f32", Ann = true }]),
    });
}
