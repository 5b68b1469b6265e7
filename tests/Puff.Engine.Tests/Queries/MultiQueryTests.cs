using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

public sealed class MultiQueryTests
{
    private static readonly QueryRequest Ascending = new() { RankBy = Order(("a", false)), Limit = 3, Select = new(false, ["a"], null) };
    private static readonly QueryRequest Near = new() { RankBy = Ann("v", 1, 1), Limit = 3, Select = new(false, ["b"], null) };
    private static readonly QueryRequest Counting = new() { AggregateBy = [new("n", AggregateFunction.Count, null)] };

    [Fact]
    public void Results_come_in_request_order_and_may_be_of_different_kinds()
    {
        using var space = Space();
        var result = space.Query(new MultiQueryRequest([Near, Counting, Ascending]) { Limit = 1 });
        Assert.Equal(3, result.Results.Count);
        Assert.Equal([1UL, 2, 3], result.Results[0].Rows!.Select(r => r.Id.AsUInt));
        Assert.Equal(4, result.Results[1].Aggregations!.Single().Value.AsInt);
        Assert.Equal([1UL, 4, 3], result.Results[2].Rows!.Select(r => r.Id.AsUInt));
        Assert.Equal(result.Results.Sum(r => r.Cost.LogicalBytesReturned), result.Cost.LogicalBytesReturned);
        Assert.Equal(4, result.Cost.ApproxNamespaceSize);
    }

    [Fact]
    public void The_number_of_queries_is_bounded()
    {
        using var space = Space();
        Fails(space, "1 to 16", new MultiQueryRequest([]));
        Fails(space, "1 to 16", new MultiQueryRequest([.. Enumerable.Repeat(Near, 17)]));
        Assert.Equal(16, space.Query(new MultiQueryRequest([.. Enumerable.Repeat(Near, 16)])).Results.Count);
    }

    [Fact]
    public void Fusion_adds_reciprocal_ranks_and_unites_attributes()
    {
        using var space = Space();
        var rows = space.Query(new MultiQueryRequest([Near, Ascending]) { Fusion = new RankFusion() }).Results.Single().Rows!;

        // Near: 1 2 3, ascending: 1 4 3. Documents 2 and 4 tie at rank 2 of one list.
        Assert.Equal([1UL, 3, 2, 4], rows.Select(r => r.Id.AsUInt));
        float[] expected = [2f / 61, 2f / 63, 1f / 62, 1f / 62];
        Assert.All(rows.Zip(expected), pair => Assert.Equal(pair.Second, pair.First.Distance!.Value, 1e-7f));
        Assert.Equal(["b", "a"], rows[1].Attributes.Select(a => a.Key));
        Assert.Equal(["b"], rows[2].Attributes.Select(a => a.Key));
    }

    [Fact]
    public void Weights_constant_and_limit_shape_the_fusion()
    {
        using var space = Space();
        var request = new MultiQueryRequest([Near, Ascending]) { Fusion = new RankFusion(1, [2, 1]), Limit = 2 };
        var result = space.Query(request);
        Assert.Equal([(1UL, 1.5f), (3, 0.75f)], result.Results.Single().Rows!.Select(r => (r.Id.AsUInt, r.Distance!.Value)));
        Assert.Equal(result.Results[0].Cost, result.Cost);
        Fails(space, "weights", request with { Fusion = new RankFusion(60, [1]) });
        Fails(space, "weights", request with { Fusion = new RankFusion(60, [1, -1]) });
        Fails(space, "rank_constant", request with { Fusion = new RankFusion(-1) });
        Fails(space, "limit is 0", request with { Limit = 0 });
        Fails(space, "cannot be fused", new MultiQueryRequest([Near, Counting]) { Fusion = new RankFusion() });
    }

    [Fact]
    public void A_failing_query_fails_the_request_and_is_named()
    {
        using var space = Space();
        Fails(space, "queries[1]: limit is 0", new MultiQueryRequest([Near, Ascending with { Limit = 0 }]));
    }

    [Fact]
    public void Explain_tells_the_facts()
    {
        using var space = Space();
        string plan = space.Explain(new MultiQueryRequest([Near, Ascending]) { Fusion = new RankFusion() });
        foreach (string fact in new[]
                 {
                     "namespace \"test\" as of log entry 7: 4 documents in 1 segments and 1 tails", "query 2", "ANN on \"v\" ([2]f32)", "vectors scored: 4",
                     "rows scanned exactly: 4", "k: 3 (offset 0)", "by \"a\" asc, \"id\" asc", "constant 60; 4 rows", "dependent steps: 0",
                 })
        {
            Assert.Contains(fact, plan, StringComparison.Ordinal);
        }

        Assert.Contains("aggregate: Count", space.Explain(Counting), StringComparison.Ordinal);
    }

    [Fact]
    public void Recall_of_three_rows_is_one()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("v", TypeKind.VectorF16, 2));
        space.Add(
            Row(1, ("v", Value.Vector([(Half)0.5f, (Half)0]))),
            Row(2, ("v", Value.Vector([(Half)1f, (Half)1]))),
            Row(3, ("v", Value.Vector([(Half)9f, (Half)9]))));
        var request = new RecallRequest { Samples = 1, TopK = 2, IncludeGroundTruth = true };
        var result = space.Recall(request, new Random(5));
        Assert.Equal((1.0, 2.0, 2.0), (result.AverageRecall, result.AverageExhaustiveCount, result.AverageAnnCount));
        var sample = result.GroundTruth!.Single();
        Assert.Equal(0f, sample.NearestNeighbors[0].Distance);
        Assert.Equal(sample.QueryVector, sample.NearestNeighbors[0].Attributes.Single().Value.AsVectorF16.Select(e => (float)e));
        Assert.Null(space.Recall(request with { IncludeGroundTruth = false }, new Random(5)).GroundTruth);
        var ranked = space.Recall(request with { RankBy = Ann("v", 9, 9) }, new Random(5));
        Assert.Equal([3UL, 2], ranked.GroundTruth!.Single().NearestNeighbors.Select(r => r.Id.AsUInt));
    }

    [Fact]
    public void Recall_samples_without_repeats_and_from_live_documents_only()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("v", TypeKind.VectorF32, 1));
        var documents = Enumerable.Range(0, 200).Select(i => Row((ulong)i, ("v", Value.Vector([(float)i])))).ToArray();
        int[] dead = [.. Enumerable.Range(0, 150).Where(i => i % 3 == 0)];
        space.Add(documents[..150], isTail: false, dead).Add([], isTail: false).Add(documents[150..], isTail: true);
        var request = new RecallRequest { Samples = 140, TopK = 1, IncludeGroundTruth = true };
        var vectors = space.Recall(request, new Random(6)).GroundTruth!.Select(s => (int)s.QueryVector[0]).ToArray();
        Assert.Equal(140, vectors.Distinct().Count());
        Assert.All(vectors, v => Assert.True(v >= 150 || v % 3 != 0));
        Assert.Equal(150, space.Recall(request with { Samples = 1_000 }, new Random(6)).GroundTruth!.Count);
    }

    [Fact]
    public void Recall_needs_a_vector_attribute()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0));
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<PuffException>(() => space.Recall(new RecallRequest(), new Random(1))).Kind);
        using var empty = new QueryFixture(DistanceMetric.EuclideanSquared, ("v", TypeKind.VectorF32, 2));
        Assert.Equal(new RecallResult(1, 0, 0, null), empty.Recall(new RecallRequest(), new Random(1)));
    }

    private static void Fails(QueryFixture space, string part, MultiQueryRequest request)
    {
        var error = Assert.Throws<PuffException>(() => space.Query(request));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private static QueryFixture Space() =>
        new QueryFixture(DistanceMetric.EuclideanSquared, ("v", TypeKind.VectorF32, 2), ("a", TypeKind.Int, 0), ("b", TypeKind.Int, 0)).Add(
            Place(1, 1, 1), Place(2, 2, 9), Place(3, 3, 5), Place(4, 4, 3));

    private static Puff.TestKit.FakeDocument Place(ulong id, float x, long a) =>
        Row(id, ("v", Value.Vector([x, x])), ("a", Value.Int(a)), ("b", Value.Int(-a)));
}
