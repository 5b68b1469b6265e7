using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Formats;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Segments;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

/// <summary>SparseKNN from inverted indexes, against the same documents without any: rows, their order and every score are equal.</summary>
public sealed class SparseQueryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Many_segments_with_deletes_and_a_tail_equal_a_scan(int seed)
    {
        var random = new Xorshift(seed);
        using var indexed = Space();
        using var scanned = Space();
        for (int set = 0, id = 1; set < 1 + seed; set++)
        {
            var documents = SparseSamples.Documents(1 + random.Next(set == 0 ? 9_000 : 700), seed * 100 + set, dimensions: 120)
                .Select((value, i) => Row((ulong)(id++ * 7_919L % 1_000_003), ("words", value), ("group", Value.Int(i % 100)))).ToArray();
            int[] dead = [.. Enumerable.Range(0, documents.Length).Where(_ => random.Next(6) == 0)];
            indexed.Add(documents, isTail: set == seed, dead);
            scanned.Add(documents, isTail: true, dead);
        }

        for (int i = 0; i < 40; i++)
        {
            var request = Request(random);
            Assert.Equal(Rows(scanned, request), Rows(indexed, request));
        }
    }

    [Fact]
    public void The_plan_says_how_a_set_was_answered()
    {
        using var space = Space();
        space.Add([.. SparseSamples.Documents(500, 1).Select((v, i) => Row((ulong)i, ("words", v)))], isTail: false);
        space.Add([.. SparseSamples.Documents(5, 2).Select((v, i) => Row((ulong)(1_000 + i), ("words", v)))], isTail: true);
        string plan = space.Explain(new QueryRequest { RankBy = new ScoreRank(new SparseScore("words", Words(("0", 1), ("1", 2)))), Limit = 3 });
        Assert.Contains("set 0: sparse by inverted index: 2 posting lists, ", plan, StringComparison.Ordinal);
        Assert.Contains("set 1: sparse by scan", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flushes_and_merges_build_indexes_that_answer_like_the_tail()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 3 };
        var engine = await fixture.OpenAsync();
        var random = new Xorshift(5);
        var declared = new SchemaUpdate([new AttributeUpdate("words") { Type = "{}f16", SparseKnn = true }]);
        for (int round = 0; round < 5; round++)
        {
            var rows = SparseSamples.Documents(400, 50 + round, dimensions: 90)
                .Select((value, i) => EngineFixture.Row((ulong)((round * 350) + i), ("words", value), ("group", Value.Int(i % 7)))).ToArray();
            await engine.WriteAsync("docs", EngineFixture.Upsert(rows) with { Schema = declared });
            await engine.WriteAsync("docs", new WriteRequest { Deletes = [Value.Int(round * 350), Value.Int(round * 3 + 1)] });
            var requests = Enumerable.Range(0, 15).Select(_ => Request(random)).ToArray();
            string[] before = [.. (await Task.WhenAll(requests.Select(r => AnswerAsync(engine, r))))];
            Assert.True(await fixture.FlushAsync("docs"));
            Assert.Equal(before, await AnswersOfAnotherNodeAsync());
            await fixture.MergeAsync("docs");
            Assert.Equal(before, await AnswersOfAnotherNodeAsync());
            string plan = await (await fixture.OpenAsync()).ExplainAsync(
                "docs", new MultiQueryRequest([requests[0] with { RankBy = new ScoreRank(new SparseScore("words", Words(("0", 1)))) }]));
            Assert.Contains("sparse by inverted index", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("sparse by scan", plan, StringComparison.Ordinal);

            async Task<string[]> AnswersOfAnotherNodeAsync()
            {
                var other = await fixture.OpenAsync();
                return await Task.WhenAll(requests.Select(r => AnswerAsync(other, r)));
            }
        }

        Assert.Contains(await fixture.KeysAsync("puff/ns/docs/seg/"), key => key.EndsWith(".sparse", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_segment_older_than_the_option_is_scanned_until_a_merge()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 2 };
        var engine = await fixture.OpenAsync();
        var request = new QueryRequest { RankBy = new ScoreRank(new SparseScore("words", Words(("0", 1), ("1", 2)))), Limit = 100 };
        foreach (bool isIndexed in new[] { false, true })
        {
            var schema = new SchemaUpdate([new AttributeUpdate("words") { Type = "{}f16", SparseKnn = isIndexed }]);
            var rows = SparseSamples.Documents(200, isIndexed ? 1 : 2, dimensions: 20)
                .Select((value, i) => EngineFixture.Row((ulong)(i + (isIndexed ? 1_000 : 0)), ("words", value))).ToArray();
            await engine.WriteAsync("docs", EngineFixture.Upsert(rows) with { Schema = schema });
            Assert.True(await fixture.FlushAsync("docs"));
        }

        string[] answers = [await AnswerAsync(engine, request), await AnswerAsync(await fixture.OpenAsync(), request)];
        string plan = await (await fixture.OpenAsync()).ExplainAsync("docs", new MultiQueryRequest([request]));
        Assert.Contains("set 0: sparse by scan", plan, StringComparison.Ordinal);
        Assert.Contains("set 1: sparse by inverted index", plan, StringComparison.Ordinal);
        Assert.Equal(1, await fixture.MergeAsync("docs"));
        plan = await (await fixture.OpenAsync()).ExplainAsync("docs", new MultiQueryRequest([request]));
        Assert.DoesNotContain("sparse by scan", plan, StringComparison.Ordinal);
        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        Assert.Equal(answers[0], await AnswerAsync(await fixture.OpenAsync(), request));
    }

    [Fact]
    public async Task A_damaged_index_is_reported_with_its_key()
    {
        var schema = new NamespaceSchema(IdKind.UInt, null, [SparseSamples.Attribute]);
        var documents = SparseSamples.Documents(300, 4)
            .Select((value, i) => new ModelDocument(DocumentId.FromUInt((ulong)i), new Dictionary<int, Value> { [SparseSamples.Attribute.Id] = value }))
            .ToArray();
        await using var store = new MemoryObjectStore();
        var descriptor = await SegmentChecks.BuildAsync(store, "seg/1", schema, documents, TestContext.Current.CancellationToken);
        byte[] bytes = await StoredObjects.ReadAsync(store, descriptor.KeyOf("sparse"));
        bytes[1_000] ^= 16;
        await StoredObjects.WriteAsync(store, descriptor.KeyOf("sparse"), bytes);
        var segment = await SegmentReader.OpenAsync(store, descriptor, TestContext.Current.CancellationToken);
        using var snapshot = new NamespaceSnapshot("docs", schema, [new SegmentDocumentSet(segment, segment.BaseLive, [])], 1, LastWriteAt, segment.Release);
        var plain = new SparseScore("weights", Words(("0", 1)));
        foreach (ScoreExpression expression in new ScoreExpression[] { plain, new SumScore([plain, plain]) })
        {
            var request = new QueryRequest { RankBy = new ScoreRank(expression), Limit = 3 };
            var error = Assert.Throws<PuffException>(() => QueryExecutor.Execute(snapshot, request, TestContext.Current.CancellationToken));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains("seg/1.sparse", error.Message, StringComparison.Ordinal);
        }

        var problem = Assert.Single(await SegmentVerifier.VerifyAsync(store, descriptor, [], TestContext.Current.CancellationToken));
        Assert.Equal("seg/1.sparse", problem.Key);
    }

    private static QueryFixture Space() => new(null, ("words", TypeKind.SparseF16, 0), ("group", TypeKind.Int, 0));

    private static SparseVector Words(params (string Key, float Weight)[] entries) => VectorQueryTests.Sparse(entries).AsSparse;

    private static QueryRequest Request(Xorshift random)
    {
        var sparse = new SparseScore("words", SparseSamples.Next(random, 120, 30, negative: random.Next(3) == 0).AsSparse);
        ScoreExpression expression = random.Next(6) switch
        {
            0 => new SumScore([new ProductScore(2, sparse), new SparseScore("words", SparseSamples.Next(random, 120, 5, negative: false).AsSparse)]),
            1 => new SaturateScore(new MaxScore([sparse, new ConstantScore(0.5)]), new ScoreNumber(3), 1.5),
            _ => sparse,
        };
        Filter? filter = random.Next(4) switch
        {
            0 => Where("group", FilterOperator.Lt, Value.Int(random.Next(8))),
            1 => Where("group", FilterOperator.Eq, Value.Int(random.Next(7))),
            _ => null,
        };
        return new QueryRequest { RankBy = new ScoreRank(expression), Filters = filter, Limit = random.Next(3) == 0 ? 10_000 : 1 + random.Next(20) };
    }

    private static async Task<string> AnswerAsync(PuffEngine engine, QueryRequest request) => Text(await engine.QueryAsync("docs", request));

    private static string Rows(QueryFixture space, QueryRequest request) => Text(space.Query(request));

    private static string Text(QueryResult result) => string.Join('\n', result.Rows!.Select(r => $"{r.Id} {r.Distance:R}"));
}
