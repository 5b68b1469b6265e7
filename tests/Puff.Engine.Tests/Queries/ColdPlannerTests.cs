using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Segments;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Kinds of queries whose reads follow on one another: each has its dependent steps and requests on a node that has nothing, and answers as a node that maps
/// everything, also with a cache that is far too small.
/// </summary>
public sealed class ColdPlannerTests(ColdPlannerTests.Filled filled) : IClassFixture<ColdPlannerTests.Filled>
{
    private const string Name = "docs";
    private const int Documents = 4_800;
    private const int TokenDimensions = 32;

    /// <summary>Kind, dependent steps, most requests besides those of opening. Rows of several KiB take two steps: their places, then themselves.</summary>
    public static TheoryData<string, int, int> Kinds => new()
    {
        { "words", 4, 20 },
        { "prefix", 4, 30 },
        { "fuzzy", 4, 40 },
        { "two fields", 4, 30 },
        { "words and a token filter", 4, 30 },
        { "token filter", 2, 20 },
        { "token sequence with a prefix", 3, 30 },
        { "sparse", 3, 30 },
        { "attribute in a score", 4, 20 },
        { "distance of an attribute", 2, 20 },
        { "sum of text, sparse, attribute and filter", 4, 40 },
        { "late interaction", 4, 120 },
        { "late interaction of few", 2, 60 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Every_stage_is_one_step(string kind, int steps, int requests)
    {
        await using var engine = await filled.Fixture.OpenAsync(Remote(new ExtentStoreOptions { HedgedShare = 0 }));
        var cold = await engine.QueryAsync(Name, Request(kind));
        var kinds = cold.Cost.Reads.Kinds;
        Assert.True(cold.Cost.Reads.Steps == steps, string.Join('\n', kinds));
        Assert.True(kinds.Where(k => k.Step > 1).Sum(k => k.Requests) <= requests, string.Join('\n', kinds));
        Assert.Equal(await ExpectedAsync(kind), Text(cold));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_preview_names_the_first_step_and_does_not_take_it(string kind, int steps, int requests)
    {
        Assert.True(steps <= requests);
        var remote = new RemoteStore(new Lasting(filled.Fixture.Store));
        await using var engine = await filled.Fixture.OpenAsync(new ExtentObjectStore(remote, new ExtentStoreOptions { HedgedShare = 0 }));
        var plan = await engine.PreviewColdAsync(Name, Request(kind), TestContext.Current.CancellationToken);
        Assert.All(remote.Gets, g => Assert.EndsWith("/open", g.Key, StringComparison.Ordinal));
        Assert.False(plan.IsHeld);
        Assert.Equal(Text(plan), Text(await engine.PreviewColdAsync(Name, Request(kind), TestContext.Current.CancellationToken)));

        var cold = (await engine.QueryAsync(Name, Request(kind))).Cost.Reads.Kinds;
        Assert.Equal(cold.Where(k => k.Step == 1), plan.Opening);
        Assert.Equal(cold.Where(k => k.Step == 2), plan.First);
        Assert.True((await engine.PreviewColdAsync(Name, null, TestContext.Current.CancellationToken)).IsHeld);
    }

    [Fact]
    public async Task A_cache_that_is_too_small_changes_no_answer()
    {
        using var folder = new TemporaryFolder();
        var tiny = new ExtentStoreOptions { Folder = folder.Path, KeepsBlocks = true, CacheBytes = 12 * LocalCopy.BlockBytes, HedgedShare = 0 };
        await using var store = Remote(tiny);
        await using var engine = await filled.Fixture.OpenAsync(store);
        for (int round = 0; round < 3; round++)
        {
            foreach (string kind in Kinds.Select(k => k.Data.Item1))
            {
                Assert.Equal(await ExpectedAsync(kind), Text(await engine.QueryAsync(Name, Request(kind))));
            }
        }

        Assert.True(store.Statistics.Evictions > 50, $"{store.Statistics.Evictions} evictions");
    }

    private ExtentObjectStore Remote(ExtentStoreOptions options) => new(new RemoteStore(new Lasting(filled.Fixture.Store)), options);

    private async Task<string> ExpectedAsync(string kind)
    {
        await using var local = await filled.Fixture.OpenAsync();
        return Text(await local.QueryAsync(Name, Request(kind)));
    }

    private static QueryRequest Request(string kind)
    {
        var words = new Bm25Score("body", $"{Word(3)} {Word(900)} {Word(12_345)}", null, false);
        var sparse = new SparseScore("weights", Sparse(3));
        var request = new QueryRequest { Limit = 5, Select = new AttributeSelection(false, ["number"], null) };
        return kind switch
        {
            "words" => request with { RankBy = new ScoreRank(words) },
            "prefix" => request with { RankBy = new ScoreRank(words with { Text = $"{Word(3)} {Word(77)[..2]}", LastAsPrefix = true }) },
            "fuzzy" => request with { RankBy = new ScoreRank(words with { Text = Word(55) + "x", Fuzziness = 2 }) },
            "two fields" => request with { RankBy = new ScoreRank(new SumScore([words, new Bm25Score("title", Word(5), null, false)])) },
            "words and a token filter" => request with
            {
                RankBy = new ScoreRank(words), Filters = QueryFixture.Where("title", FilterOperator.ContainsAnyToken, Value.String($"{Word(1)} {Word(2)}")),
            },
            "token filter" => request with
            {
                RankBy = QueryFixture.Order(("id", false)), Filters = QueryFixture.Where("title", FilterOperator.ContainsAllTokens, Value.String(Word(2))),
            },
            "token sequence with a prefix" => request with
            {
                RankBy = QueryFixture.Order(("id", false)),
                Filters = new AttributeFilter("body", FilterOperator.ContainsTokenSequence, new FilterOperand(Value.String($"{Word(0)} {Word(1)[..2]}")))
                {
                    LastAsPrefix = true,
                },
            },
            "sparse" => request with { RankBy = new ScoreRank(sparse) },
            "attribute in a score" => request with { RankBy = new ScoreRank(new SumScore([new AttributeScore("number"), words])) },
            "distance of an attribute" => request with
            {
                RankBy = new ScoreRank(new DecayScore(new DistScore("number", Value.UInt(400)), new ScoreNumber(50), 1)),
            },
            "sum of text, sparse, attribute and filter" => request with
            {
                RankBy = new ScoreRank(new SumScore(
                    [words, sparse, new AttributeScore("number"), new FilterScore(QueryFixture.Where("number", FilterOperator.Lt, Value.UInt(500)))])),
            },
            "late interaction" => request with { RankBy = new VectorRank("tokens", Tokens(7, 4), Exact: false) },
            _ => request with
            {
                RankBy = new VectorRank("tokens", Tokens(7, 4), Exact: false), Filters = QueryFixture.Where("number", FilterOperator.Lt, Value.UInt(20)),
            },
        };
    }

    private static string Text(ColdPlan plan) => $"{string.Join(' ', plan.Opening)} {string.Join(' ', plan.First)} {plan.Rows} {plan.LogEntries}";

    private static string Text(QueryResult result) =>
        string.Join(' ', result.Rows!.Select(r => $"{r.Id}:{r.Distance}:{string.Join(',', r.Attributes.Select(a => a.Value))}"));

    /// <summary>The more frequent the smaller the number; prefixes say nothing of it.</summary>
    private static string Word(int number)
    {
        var random = new Xorshift(number + 11);
        return string.Concat(Enumerable.Range(0, 5 + (number % 4)).Select(_ => (char)('a' + random.Next(26))));
    }

    private static SparseVector Sparse(int seed)
    {
        var random = new Xorshift(seed + 1);
        var keys = Enumerable.Range(0, 12).Select(_ => $"k{random.Next(1 + random.Next(400)):d4}").Distinct().Order(StringComparer.Ordinal).ToList();
        return new SparseVector([.. keys.Select(System.Text.Encoding.UTF8.GetBytes)], [.. keys.Select(_ => (1 + random.Next(100)) / 64f)]);
    }

    private static VectorOperand Tokens(int seed, int count) => new(Numbers(seed, count), TokenDimensions, IsMulti: true);

    private static float[] Numbers(int seed, int count)
    {
        var random = new Xorshift(seed + 5);
        return [.. Enumerable.Range(0, count * TokenDimensions).Select(_ => (random.Next(2001) / 1000f) - 1)];
    }

    /// <summary>Outlives the engines that read it.</summary>
    private sealed class Lasting(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        public override ValueTask DisposeAsync() => default;
    }

    /// <summary>One namespace with everything, its opening object written.</summary>
    public sealed class Filled : IAsyncLifetime
    {
        internal EngineFixture Fixture { get; } = new();

        public async ValueTask InitializeAsync()
        {
            var engine = await Fixture.OpenAsync();
            var text = new FullTextUpdate(true);
            var schema = new SchemaUpdate(
            [
                new AttributeUpdate("body") { Type = "string", FullText = text }, new AttributeUpdate("title") { Type = "string", FullText = text },
                new AttributeUpdate("number") { Type = "uint" }, new AttributeUpdate("weights") { Type = "{}f16", SparseKnn = true },
                new AttributeUpdate("tokens") { Type = $"[][{TokenDimensions}]f32", Ann = true, LateInteraction = true },
            ]);
            for (int first = 0; first < Documents; first += Documents / 2)
            {
                await engine.WriteAsync(Name, new WriteRequest
                {
                    Upserts = [.. Enumerable.Range(first, Documents / 2).Select(Row)], DistanceMetric = DistanceMetric.CosineDistance, Schema = schema,
                });
                await Fixture.FlushAsync(Name);
            }

            await Fixture.MergeAsync(Name);
            var store = new RemoteStore(Fixture.Store);
            var context = Fixture.NewContext(store);
            var keys = context.KeysOf(Name);
            var current = await new ManifestStore(context, keys).ReadAsync(null, TestContext.Current.CancellationToken);
            await new OpeningWriter(store).WriteAsync(keys, current!.Manifest, TestContext.Current.CancellationToken);
        }

        public async ValueTask DisposeAsync() => await Fixture.DisposeAsync();

        private static DocumentRow Row(int number)
        {
            var random = new Xorshift(number + 3);
            string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => Word(random.Next(1 + random.Next(20_000)))));
            return new DocumentRow(
                Value.Int(number),
                [
                    new("body", Value.String($"{Words(10)} {Word(0)} {Word(1)} {Words(20)}")), new("title", Value.String($"{Words(2)} {Word(number % 9)}")),
                    new("number", Value.UInt((ulong)(number * 37 % 1_000))), new("weights", Value.Sparse(Sparse(number))),
                    new("tokens", Value.MultiVector(new MultiVector(TokenDimensions, Numbers(number, 3 + random.Next(5))))),
                ]);
        }
    }
}
