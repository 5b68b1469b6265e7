using Puff.Engine.Filters;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>Late interaction by codes of token vectors against the scan of everything.</summary>
public sealed class LateInteractionTests
{
    private const int Dimensions = 64;
    private const int Count = 5_000;
    private const int Rows = 10;

    private static readonly Filter All = new AndFilter([]);
    private static readonly Filter Tenth = new AttributeFilter("bucket", FilterOperator.Eq, Value.Int(3));

    [Theory]
    [InlineData(DistanceMetric.CosineDistance)]
    [InlineData(DistanceMetric.EuclideanSquared)]
    public async Task Codes_find_what_the_scan_finds_in_segments_and_after_merges(DistanceMetric metric)
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        var space = new Tokens(7);
        for (int first = 0; first < Count; first += Count / 4)
        {
            await engine.WriteAsync("docs", Upsert(space, first, Count / 4, metric));
            Assert.True(await fixture.FlushAsync("docs"));
        }

        // The writer notices flushes of other nodes later; a node that opens the namespace now has segments only.
        engine = await fixture.OpenAsync();
        await CheckAsync(engine, space, 10);
        await engine.WriteAsync("docs", Upsert(space, Count, 40, metric));
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [.. Enumerable.Range(0, Count).Where(i => i % 8 == 0).Select(i => Value.Int(i))] });
        await CheckAsync(engine, space, 20);

        Assert.True(await fixture.FlushAsync("docs"));
        Assert.True(await fixture.MergeAsync("docs") > 0);
        engine = await fixture.OpenAsync();
        await CheckAsync(engine, space, 30);
        string plan = await ExplainAsync(engine, new QueryRequest { RankBy = new VectorRank("tokens", space.Query(31), Exact: false), Limit = Rows });
        Assert.Contains("documents compared by codes: 2048, chosen by 256 leaves of token clusters", plan, StringComparison.Ordinal);
        Assert.Empty((await new StoreChecker(fixture.NewContext()).CheckAsync("docs", default)).Problems);
    }

    [Fact]
    public async Task Few_matches_are_ranked_exactly_at_once_and_all_are_returned()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        var space = new Tokens(8);
        var none = Enumerable.Range(1000, 50).Select(i => EngineFixture.Row((ulong)i, ("bucket", Value.Int(3))));
        var written = Upsert(space, 0, 600, DistanceMetric.CosineDistance);
        await engine.WriteAsync("docs", written with { Upserts = [.. written.Upserts!, .. none] });
        await fixture.FlushAsync("docs");
        engine = await fixture.OpenAsync();

        var rank = new VectorRank("tokens", space.Query(1), Exact: false);
        string few = await ExplainAsync(engine, new QueryRequest { RankBy = rank, Limit = Rows, Filters = Tenth });
        Assert.DoesNotContain("first stage", few, StringComparison.Ordinal);
        string many = await ExplainAsync(engine, new QueryRequest { RankBy = rank, Limit = Rows });
        Assert.Contains("first stage", many, StringComparison.Ordinal);
        Assert.Contains("candidates ranked again by exact distances: 256", many, StringComparison.Ordinal);

        // Documents without vectors are no candidates, and none of the others is lost.
        var all = (await engine.QueryAsync("docs", new QueryRequest { RankBy = rank, Limit = 10_000 })).Rows!;
        Assert.Equal(Enumerable.Range(0, 600).Select(i => (ulong)i), all.Select(r => r.Id.AsUInt).Order());
    }

    /// <summary>Vectors that cannot be scaled, and documents with more vectors than a block of codes or none.</summary>
    [Fact]
    public async Task Zero_vectors_and_documents_of_all_lengths_are_found()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        var space = new Tokens(9);
        var zero = Value.MultiVector(new MultiVector(Dimensions, new float[Dimensions]));
        var longest = Value.MultiVector(new MultiVector(Dimensions, [.. Enumerable.Range(0, 9).SelectMany(i => space.Document(i))]));
        var written = Upsert(space, 10, 500, DistanceMetric.CosineDistance);
        await engine.WriteAsync("docs", written with
        {
            Upserts = [.. written.Upserts!, EngineFixture.Row(1, ("tokens", zero)), EngineFixture.Row(2, ("tokens", longest))],
        });
        await fixture.FlushAsync("docs");
        engine = await fixture.OpenAsync();

        var operand = new VectorOperand(space.Document(0), Dimensions, IsMulti: true);
        var rows = (await engine.QueryAsync("docs", new QueryRequest { RankBy = new VectorRank("tokens", operand, Exact: false), Limit = Rows })).Rows!;
        Assert.Equal(2UL, rows[0].Id.AsUInt);
        Assert.Equal(Rows, rows.Count);
    }

    private static async Task CheckAsync(PuffEngine engine, Tokens space, int seed)
    {
        foreach (var filter in new[] { All, Tenth })
        {
            int hits = 0, total = 0;
            for (int query = 0; query < 5; query++)
            {
                var rank = new VectorRank("tokens", space.Query(seed + query), Exact: false);
                var request = new QueryRequest { RankBy = rank, Limit = Rows, Filters = filter };
                var truth = (await engine.QueryAsync("docs", request with { RankBy = rank with { Exact = true } })).Rows!.ToDictionary(r => r.Id, r => r.Distance);
                var found = (await engine.QueryAsync("docs", request)).Rows!;
                Assert.Equal(Rows, found.Count);
                Assert.Equal(found.OrderBy(r => r.Distance).Select(r => r.Id), found.Select(r => r.Id));
                hits += found.Count(r => truth.TryGetValue(r.Id, out var distance) && distance == r.Distance);
                Assert.All(found, r => Assert.True(!truth.TryGetValue(r.Id, out var distance) || distance == r.Distance));
                total += truth.Count;
                if (query == 0)
                {
                    Assert.Contains("first stage", await ExplainAsync(engine, request), StringComparison.Ordinal);
                }
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"{hits} of {total}");
            Assert.True(hits >= 0.95 * total, $"{hits} of {total} nearest documents were found");
        }
    }

    private static Task<string> ExplainAsync(PuffEngine engine, QueryRequest request) =>
        engine.ExplainAsync("docs", new MultiQueryRequest([request]));

    private static EngineFixture Fixture() => new() { Settings = new EngineSettings { RunIndexer = false, MergeFanIn = 4 } };

    private static WriteRequest Upsert(Tokens space, int first, int count, DistanceMetric metric) => new()
    {
        Upserts = [.. Enumerable.Range(first, count).Select(i => EngineFixture.Row(
            (ulong)i, ("bucket", Value.Int(i % 10)), ("tokens", Value.MultiVector(new MultiVector(Dimensions, space.Document(i))))))],
        DistanceMetric = metric,
        Schema = new SchemaUpdate([new AttributeUpdate("tokens") { Type = $"[][{Dimensions}]f32", Ann = true, LateInteraction = true }]),
    };

    /// <summary>Documents of 8 to 32 tokens, each near one of the few topics of its document.</summary>
    private sealed class Tokens
    {
        private const int Topics = 300;

        private readonly int seed;
        private readonly float[][] topics;

        public Tokens(int seed)
        {
            this.seed = seed;
            var random = new Xorshift(seed);
            topics = [.. Enumerable.Range(0, Topics).Select(_ => Noise(random, 1))];
        }

        public float[] Document(int number)
        {
            var random = new Xorshift(seed + ((number + 1) * 7919));
            int[] own = [.. Enumerable.Range(0, 4).Select(_ => random.Next(Topics))];
            return [.. Enumerable.Range(0, 8 + random.Next(25)).SelectMany(_ => Near(topics[own[random.Next(4)]], random, 0.7f))];
        }

        /// <summary>Eight tokens that are not those of any document, but of the topics of one.</summary>
        public VectorOperand Query(int number)
        {
            var random = new Xorshift(seed + (number * 104_729) + 13);
            float[] document = Document(random.Next(Count));
            float[] query = [.. Enumerable.Range(0, 8).SelectMany(i => Near(document[(i * Dimensions)..((i + 1) * Dimensions)], random, 0.5f))];
            return new VectorOperand(query, Dimensions, IsMulti: true);
        }

        private static float[] Near(float[] center, Xorshift random, float spread)
        {
            float[] noise = Noise(random, spread);
            return [.. center.Zip(noise, (c, n) => c + n)];
        }

        private static float[] Noise(Xorshift random, float spread) =>
            [.. Enumerable.Range(0, Dimensions).Select(_ => spread * ((random.Next(2001) / 1000f) - 1))];
    }
}
