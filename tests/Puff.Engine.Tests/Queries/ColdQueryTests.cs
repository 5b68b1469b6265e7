using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>Queries on nodes that have nothing of a namespace, on a store that maps nothing: how many dependent steps they take, and that they are right.</summary>
public sealed class ColdQueryTests
{
    private const string Name = "docs";
    private const int Dimensions = 256;
    private static readonly string[] Words = ["amber", "birch", "cedar", "daisy", "elder", "fern", "grass", "hazel", "iris", "jasmine"];

    public static TheoryData<string> Shapes => ["vector", "text", "filter", "order", "lookup", "aggregate", "distance", "all attributes"];

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task A_small_namespace_takes_one_step(string shape)
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        var cold = await AskAsync(fixture, Request(shape));
        Assert.Equal(1, cold.Cost.Reads.Steps);
        Assert.InRange(cold.Cost.Reads.Requests, 3, 2 + OpeningObject.Requests);
        Assert.Equal(0, cold.Cost.CacheHitRatio);
        await AssertSameAsync(fixture, shape, cold);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Without_an_opening_object_it_takes_two(string shape)
    {
        await using var fixture = await FillAsync(300, 20);
        var cold = await AskAsync(fixture, Request(shape));
        Assert.Equal(2, cold.Cost.Reads.Steps);
        await AssertSameAsync(fixture, shape, cold);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task A_larger_namespace_takes_at_most_three(string shape)
    {
        await using var fixture = await FillAsync(4_500, Dimensions);
        await PrepareAsync(fixture);
        var cold = await AskAsync(fixture, Request(shape, Dimensions));
        Assert.True(cold.Cost.Reads.Steps <= 3, string.Join('\n', cold.Cost.Reads.Kinds));
        Assert.True(cold.Cost.Reads.Requests <= 60, string.Join('\n', cold.Cost.Reads.Kinds));
        await AssertSameAsync(fixture, shape, cold, Dimensions);
    }

    [Fact]
    public async Task A_computed_distance_reads_the_vectors_of_its_rows_only()
    {
        await using var fixture = await FillAsync(4_500, Dimensions);
        await PrepareAsync(fixture);
        var cold = await AskAsync(fixture, Request("distance", Dimensions));
        long bytes = cold.Cost.Reads.Kinds.Where(k => k.Kind == "vectors").Sum(k => k.Bytes);

        // Five rows, at worst in a block each; all vectors of the segment have 1.5 MB.
        Assert.InRange(bytes, 1, 5 * LocalCopy.BlockBytes);
    }

    [Fact]
    public async Task A_warm_query_asks_for_the_newest_writes_only()
    {
        await using var fixture = await FillAsync(300, 20);
        var store = new ExtentObjectStore(new RemoteStore(fixture.Store), new ExtentStoreOptions { HedgedShare = 0 });
        await using var engine = await fixture.OpenAsync(store);
        foreach (string shape in Shapes.Select(s => s.Data))
        {
            await engine.QueryAsync(Name, Request(shape));
            var warm = await engine.QueryAsync(Name, Request(shape));
            Assert.Equal((1, 1, 1), (warm.Cost.Reads.Steps, (int)warm.Cost.Reads.Requests, (int)warm.Cost.CacheHitRatio));
            Assert.Equal("wal", Assert.Single(warm.Cost.Reads.Kinds).Kind);
            Assert.Equal(0, (await engine.QueryAsync(Name, Request(shape), Consistency.Eventual)).Cost.Reads.Requests);
        }
    }

    [Fact]
    public async Task An_old_opening_object_is_less_useful_and_never_wrong()
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        await using (var writer = await fixture.OpenAsync())
        {
            await writer.WriteAsync(Name, new WriteRequest { Upserts = [.. Enumerable.Range(250, 100).Select(i => Row(i + 7, 20) with { Id = Value.Int(i) })] });
        }

        await fixture.FlushAsync(Name);
        foreach (string shape in Shapes.Select(s => s.Data))
        {
            var cold = await AskAsync(fixture, Request(shape));
            Assert.Equal(2, cold.Cost.Reads.Steps);
            await AssertSameAsync(fixture, shape, cold);
        }
    }

    [Fact]
    public async Task A_damaged_opening_object_changes_no_answer()
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        string key = (await fixture.KeysAsync("")).Single(k => k.EndsWith("/open", StringComparison.Ordinal));
        var got = await fixture.Store.GetAsync(key, default, StorePurpose.User, TestContext.Current.CancellationToken);
        byte[] good = got.Content!.Span.ToArray();
        got.Content.Release();
        var random = new Random(5);
        for (int i = 0; i < 60; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i < 20 ? random.Next(100) : random.Next(bad.Length)] ^= (byte)(1 + random.Next(255));
            bad = i % 4 == 0 ? bad[..random.Next(bad.Length)] : bad;
            await fixture.Store.PutAsync(key, bad, PutCondition.None, StorePurpose.User, TestContext.Current.CancellationToken);
            string shape = Shapes.ElementAt(i % Shapes.Count()).Data;
            await AssertSameAsync(fixture, shape, await AskAsync(fixture, Request(shape)));
        }
    }

    [Fact]
    public async Task A_store_that_fails_and_shortens_gives_errors_and_never_a_wrong_answer()
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        var random = new Random(6);
        int answers = 0;
        for (int i = 0; i < 60; i++)
        {
            var remote = new RemoteStore(fixture.Store)
            {
                Before = _ => random.Next(12) == 0 ? throw new StoreException("busy", transient: true, outcomeUnknown: false) : default,
                After = (_, result) => result.Content is { Length: > 0 } && random.Next(8) == 0
                    ? RemoteStore.With(result, bytes => bytes[..random.Next(bytes.Length)])
                    : result,
            };
            string shape = Shapes.ElementAt(i % Shapes.Count()).Data;
            try
            {
                await using var engine = await fixture.OpenAsync(new ExtentObjectStore(remote, new ExtentStoreOptions { HedgedShare = 0 }));
                await AssertSameAsync(fixture, shape, await engine.QueryAsync(Name, Request(shape)));
                answers++;
            }
            catch (PuffException error)
            {
                Assert.Equal(ErrorKind.Unavailable, error.Kind);
            }
        }

        Assert.InRange(answers, 20, 60);
    }

    [Fact]
    public async Task A_branch_opens_with_what_its_source_had_for_that_and_inspection_shows_it()
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        await using (var writer = await fixture.OpenAsync(new ExtentObjectStore(new RemoteStore(fixture.Store), new ExtentStoreOptions { HedgedShare = 0 })))
        {
            await writer.WriteAsync("branch", new WriteRequest { BranchFromNamespace = Name });
            var report = await writer.InspectManifestAsync("branch", TestContext.Current.CancellationToken);
            Assert.Contains(report.Tables.Single(t => t.Title == "opening object").Rows, r => r[0].Contains($"/{Name}/seg/", StringComparison.Ordinal));
        }

        await using var engine = await fixture.OpenAsync(new ExtentObjectStore(new RemoteStore(fixture.Store), new ExtentStoreOptions { HedgedShare = 0 }));
        var cold = await engine.QueryAsync("branch", Request("vector"));
        Assert.Equal(1, cold.Cost.Reads.Steps);
        await AssertSameAsync(fixture, "vector", cold);
    }

    [Fact]
    public async Task Check_knows_the_opening_object()
    {
        await using var fixture = await FillAsync(300, 20);
        await PrepareAsync(fixture);
        await using var engine = await fixture.OpenAsync();
        var report = await engine.CheckAsync(Name, TestContext.Current.CancellationToken);
        Assert.Empty(report.Problems);
        Assert.DoesNotContain(report.Unreferenced, k => k.EndsWith("/open", StringComparison.Ordinal));
    }

    private static QueryRequest Request(string shape, int dimensions = 20)
    {
        var all = new AttributeSelection(false, ["title", "number"], null);
        return shape switch
        {
            "vector" => new QueryRequest { RankBy = QueryFixture.Ann("vector", Vector(5, dimensions)), Limit = 5, Select = all },
            "text" => new QueryRequest { RankBy = new ScoreRank(new Bm25Score("title", "cedar fern hazel", null, false)), Limit = 5, Select = all },
            "filter" => new QueryRequest
            {
                RankBy = QueryFixture.Order(("id", false)), Filters = QueryFixture.Where("number", FilterOperator.Lt, Value.Int(40)), Limit = 5, Select = all,
            },
            "order" => new QueryRequest { RankBy = QueryFixture.Order(("number", true)), Limit = 5, Select = all },
            "lookup" => new QueryRequest
            {
                RankBy = QueryFixture.Order(("id", false)), Filters = QueryFixture.Where("id", FilterOperator.Eq, Value.Int(77)), Limit = 5, Select = all,
            },
            "aggregate" => new QueryRequest
            {
                AggregateBy = [new Aggregation("sum", AggregateFunction.Sum, "number")], GroupBy = [new GroupKey("color", "color", false)], Limit = 20,
            },
            "distance" => new QueryRequest
            {
                RankBy = QueryFixture.Order(("id", false)), Limit = 5,
                ComputeAttributes = [new ComputedVectorDistance("near", "vector", new VectorOperand(Vector(5, dimensions), dimensions, false))],
            },
            _ => new QueryRequest { RankBy = QueryFixture.Order(("id", true)), Limit = 5, Select = new AttributeSelection(true, null, null) },
        };
    }

    private static float[] Vector(int seed, int dimensions)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, dimensions).Select(_ => (random.NextSingle() * 2) - 1)];
    }

    private static DocumentRow Row(int number, int dimensions) => new(
        Value.Int(number),
        [
            new("vector", Value.Vector(Vector(number, dimensions))),
            new("title", Value.String(string.Join(' ', Words.Where((_, i) => (number * 7 + 3) >> i % 5 % 3 == 0 || (number + i) % 4 == 0)))),
            new("number", Value.Int(number * 37 % 1_000)),
            new("color", Value.String(Words[number % 7])),
        ]);

    private static async Task<EngineFixture> FillAsync(int documents, int dimensions)
    {
        var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        for (int first = 0; first < documents; first += 1_500)
        {
            await engine.WriteAsync(Name, new WriteRequest
            {
                Upserts = [.. Enumerable.Range(first, Math.Min(1_500, documents - first)).Select(i => Row(i, dimensions))],
                DistanceMetric = DistanceMetric.CosineDistance,
                Schema = new SchemaUpdate([new AttributeUpdate("title") { Type = "string", FullText = new FullTextUpdate(true) }]),
            });
            await fixture.FlushAsync(Name);
        }

        await fixture.MergeAsync(Name);
        return fixture;
    }

    private static async Task PrepareAsync(EngineFixture fixture)
    {
        var store = new RemoteStore(fixture.Store);
        var context = fixture.NewContext(store);
        var keys = context.KeysOf(Name);
        var current = await new ManifestStore(context, keys).ReadAsync(null, TestContext.Current.CancellationToken);
        await new OpeningWriter(store).WriteAsync(keys, current!.Manifest, TestContext.Current.CancellationToken);
    }

    private static async Task<QueryResult> AskAsync(EngineFixture fixture, QueryRequest request)
    {
        await using var engine = await fixture.OpenAsync(new ExtentObjectStore(new RemoteStore(fixture.Store), new ExtentStoreOptions { HedgedShare = 0 }));
        return await engine.QueryAsync(Name, request);
    }

    private static async Task AssertSameAsync(EngineFixture fixture, string shape, QueryResult cold, int dimensions = 20)
    {
        await using var local = await fixture.OpenAsync();
        var expected = await local.QueryAsync(Name, Request(shape, dimensions));
        Assert.Equal(Text(expected), Text(cold));
    }

    private static string Text(QueryResult result) => result.Groups is { } groups
        ? string.Join(' ', groups.SelectMany(g => g.Keys.Concat(g.Aggregations)).Select(v => Puff.TestKit.Queries.PlainValues.Text(v.Value)))
        : string.Join(' ', result.Rows!.Select(r => $"{r.Id}:{r.Distance}:{r.Attributes.Count}"));
}
