using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

public sealed class VectorQueryTests
{
    private static readonly FakeDocument[] Points =
    [
        Point(7, 0.7f, 0.7f), Point(10, 1, 1), Point(11, 1.1f, 1.1f), Point(6, 0.3f, 0.3f), Point(3, 0.3f, 0.3f),
    ];

    [Fact]
    public void Euclidean_distances_come_nearest_first_and_ties_by_id()
    {
        using var space = Plane(Points);
        var rows = space.Query(new QueryRequest { RankBy = Ann("vector", 0.8f, 0.7f), Limit = 5 }).Rows!;
        Assert.Equal([7UL, 10, 11, 3, 6], rows.Select(r => r.Id.AsUInt));
        float[] expected = [0.01f, 0.13f, 0.25f, 0.41f, 0.41f];
        Assert.All(rows.Zip(expected), pair => Assert.Equal(pair.Second, pair.First.Distance!.Value, 1e-6f));
        Assert.All(rows, row => Assert.Empty(row.Attributes));
    }

    [Fact]
    public void Ties_at_the_boundary_go_to_the_smaller_ids_wherever_they_are()
    {
        // 40 documents tie; the last ones offered have the smallest ids.
        using var space = Plane([.. Enumerable.Range(0, 40).Select(i => Point((ulong)(40 - i), 1, 0))]);
        Assert.Equal([1UL, 2, 3], space.Ids(new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 3 }));
    }

    [Fact]
    public void Diagonal_points_tie_pairwise()
    {
        using var space = Plane([.. Enumerable.Range(1, 30).Select(i => Point((ulong)i, i / 10f, i / 10f))]);
        var rows = space.Query(new QueryRequest { RankBy = Ann("vector", 1.5f, 1.6f), Limit = 5 }).Rows!;
        float[] expected = [0.01f, 0.01f, 0.05f, 0.05f, 0.13f];
        Assert.All(rows.Zip(expected), pair => Assert.Equal(pair.Second, pair.First.Distance!.Value, 1e-6f));
        Assert.Equal([15UL, 16, 14, 17, 18], rows.Select(r => r.Id.AsUInt));
    }

    [Fact]
    public void Cosine_of_identical_orthogonal_and_opposite_directions()
    {
        using var space = new QueryFixture(DistanceMetric.CosineDistance, ("vector", TypeKind.VectorF32, 2));
        space.Add(Point(1, 2, 0), Point(2, -3, 0), Point(3, 0, 5));
        var rows = space.Query(new QueryRequest { RankBy = Ann("vector", 4, 0), Limit = 3 }).Rows!;
        Assert.Equal([(1UL, 0f), (3UL, 1f), (2UL, 2f)], rows.Select(r => (r.Id.AsUInt, r.Distance!.Value)));
    }

    [Fact]
    public void Included_attributes_come_in_schema_order_and_nulls_are_absent()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2), ("hello", TypeKind.String, 0));
        space.Add(Point(1, 0, 0), Row(2, ("vector", Value.Vector([1f, 1])), ("hello", Value.String("world"))));
        var rank = Ann("vector", 0, 0);
        var all = space.Query(new QueryRequest { RankBy = rank, Limit = 9, Select = new(true, null, null) }).Rows!;
        Assert.Equal(["vector"], all[0].Attributes.Select(a => a.Key));
        Assert.Equal(["vector", "hello"], all[1].Attributes.Select(a => a.Key));
        Assert.Equal([1f, 1], all[1].Attributes[0].Value.AsVectorF32);
        var named = space.Query(new QueryRequest { RankBy = rank, Limit = 9, Select = new(false, ["hello", "id"], null) }).Rows!;
        Assert.Empty(named[0].Attributes);
        Assert.Equal("world", named[1].Attributes.Single().Value.AsString);
        var others = space.Query(new QueryRequest { RankBy = rank, Limit = 9, Select = new(false, null, ["vector", "nobody"]) }).Rows!;
        Assert.Equal(["hello"], others[1].Attributes.Select(a => a.Key));
    }

    [Fact]
    public void Selections_that_contradict_are_refused()
    {
        using var space = Plane(Points);
        var request = new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 1 };
        space.Fails(ErrorKind.Invalid, "nobody", request with { Select = new(false, ["nobody"], null) });
        space.Fails(ErrorKind.Invalid, "cannot be combined", request with { Select = new(false, ["vector"], ["vector"]) });
        space.Fails(ErrorKind.Invalid, "cannot be combined", request with { Select = new(true, null, ["vector"]) });
        space.Fails(ErrorKind.Invalid, "cannot be excluded", request with { Select = new(false, null, ["id"]) });
    }

    [Fact]
    public void Operands_that_do_not_fit_are_refused()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2), ("title", TypeKind.String, 0));
        space.Fails(ErrorKind.Invalid, "3 dimensions", new QueryRequest { RankBy = Ann("vector", 1, 2, 3), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "NaN", new QueryRequest { RankBy = Ann("vector", 1, float.NaN), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "string", new QueryRequest { RankBy = Ann("title", 1, 2), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "nobody", new QueryRequest { RankBy = Ann("nobody", 1, 2), Limit = 1 });
        var several = new VectorRank("vector", new VectorOperand([1, 2, 3, 4], 2, true), false);
        space.Fails(ErrorKind.Invalid, "several query vectors", new QueryRequest { RankBy = several, Limit = 1 });
    }

    [Fact]
    public void Exact_search_requires_filters()
    {
        using var space = Plane(Points);
        var exact = Ann("vector", 0.8f, 0.7f) with { Exact = true };
        space.Fails(ErrorKind.Invalid, "kNN requires filters", new QueryRequest { RankBy = exact, Limit = 5 });
        Assert.Equal([10UL, 11], space.Ids(new QueryRequest { RankBy = exact, Limit = 5, Filters = Where("id", FilterOperator.Gte, Value.Int(10)) }));
    }

    [Fact]
    public void One_match_in_ten_thousand_is_found()
    {
        using var space = Plane([.. Enumerable.Range(0, 10_000).Select(i => Point((ulong)i, i, i))]);
        var filter = Where("id", FilterOperator.Eq, Value.Int(8_765));
        Assert.Equal([8_765UL], space.Ids(new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 10, Filters = filter }));
        Assert.Equal(10, space.Ids(new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 10 }).Length);
    }

    [Fact]
    public void The_metric_may_be_repeated_but_not_changed()
    {
        using var space = Plane(Points);
        var request = new QueryRequest { RankBy = Ann("vector", 0.8f, 0.7f), Limit = 1 };
        Assert.Equal([7UL], space.Ids(request with { DistanceMetric = DistanceMetric.EuclideanSquared }));
        space.Fails(ErrorKind.Invalid, "distance_metric", request with { DistanceMetric = DistanceMetric.CosineDistance });
        using var plain = new QueryFixture(null, ("a", TypeKind.Int, 0));
        var listing = new QueryRequest { RankBy = Order(("id", false)), Limit = 1, DistanceMetric = DistanceMetric.CosineDistance };
        plain.Fails(ErrorKind.Invalid, "no vectors", listing);
    }

    [Fact]
    public void Sparse_products_rank_by_score_and_leave_out_zeros()
    {
        using var space = new QueryFixture(null, ("words", TypeKind.SparseF16, 0));
        space.Add(Row(1, ("words", Sparse(("a", 1)))), Row(2, ("words", Sparse(("a", 0.5f), ("b", 2)))), Row(3));
        var rows = space.Query(new QueryRequest { RankBy = SparseRank("words", ("b", 1)), Limit = 5 }).Rows!;
        Assert.Equal([(2UL, 2f)], rows.Select(r => (r.Id.AsUInt, r.Distance!.Value)));
        Assert.Equal([1UL, 2], space.Ids(new QueryRequest { RankBy = SparseRank("words", ("a", 1)), Limit = 5 }));
        var many = Enumerable.Range(0, 1_025).Select(i => ($"{i:0000}", 1f)).ToArray();
        space.Fails(ErrorKind.Invalid, "1025", new QueryRequest { RankBy = SparseRank("words", many), Limit = 5 });
        space.Fails(ErrorKind.Invalid, "{}f16", new QueryRequest { RankBy = Ann("words", 1), Limit = 5 });
    }

    [Fact]
    public void Sparse_search_needs_its_index()
    {
        var words = QueryFixture.Attribute(1, "words", TypeKind.SparseF16) with { SparseKnn = false };
        using var space = new QueryFixture(new NamespaceSchema(IdKind.UInt, null, [words]));
        space.Fails(ErrorKind.Invalid, "sparse_knn", new QueryRequest { RankBy = SparseRank("words", ("b", 1)), Limit = 5 });
    }

    [Fact]
    public void Late_interaction_adds_up_the_best_matches()
    {
        var parts = QueryFixture.Attribute(1, "parts", TypeKind.MultiVectorF32, 2);
        using var space = new QueryFixture(new NamespaceSchema(IdKind.UInt, DistanceMetric.EuclideanSquared, [parts]));
        space.Add(Row(1, ("parts", Multi(0, 0, 10, 10))), Row(2, ("parts", Multi(1, 1))), Row(3));
        var rank = new VectorRank("parts", new VectorOperand([0, 1, 10, 9], 2, true), false);
        var rows = space.Query(new QueryRequest { RankBy = rank, Limit = 5 }).Rows!;
        Assert.Equal([(1UL, 2f), (2UL, 146f)], rows.Select(r => (r.Id.AsUInt, r.Distance!.Value)));

        using var plain = new QueryFixture(new NamespaceSchema(IdKind.UInt, DistanceMetric.EuclideanSquared, [parts with { LateInteraction = false }]));
        plain.Add(Row(1, ("parts", Multi(0, 0, 10, 10))));
        plain.Fails(ErrorKind.Invalid, "late_interaction", new QueryRequest { RankBy = rank, Limit = 5 });
        var all = new AndFilter([]);
        Assert.Equal([1UL], plain.Ids(new QueryRequest { RankBy = rank with { Exact = true }, Limit = 5, Filters = all }));
    }

    [Fact]
    public void Deleted_documents_never_appear()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2));
        space.Add(Points, isTail: false, dead: [0, 2]).Add([Point(20, 0.8f, 0.7f)], isTail: true, dead: [0]);
        Assert.Equal([10UL, 3, 6], space.Ids(new QueryRequest { RankBy = Ann("vector", 0.8f, 0.7f), Limit = 5 }));
    }

    [Fact]
    public void Costs_of_two_fresh_rows()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2), ("word", TypeKind.String, 0));
        space.Add([Point(1, 0, 0), Point(2, 1, 1)], isTail: true);
        var request = new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 5 };
        var cost = space.Query(request).Cost;
        Assert.Equal((2L, 2L, 256_000_000L, 24L, 2L),
            (cost.ExhaustiveSearchCount, cost.ApproxNamespaceSize, cost.LogicalBytesQueried, cost.LogicalBytesReturned, cost.VectorsScored));
        Assert.Equal(LastWriteAt, cost.LastIncludedWriteAt);
        var filtered = space.Query(request with { Filters = Where("id", FilterOperator.Eq, Value.Int(1)) }).Cost;
        Assert.Equal((2L, 12L, 1L), (filtered.ExhaustiveSearchCount, filtered.LogicalBytesReturned, filtered.VectorsScored));
    }

    [Fact]
    public void Costs_of_five_rows_with_attributes()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2), ("word", TypeKind.String, 0));
        space.Add(Row(1, ("vector", Value.Vector([0f, 0])), ("word", Value.String("hello"))), Point(2, 1, 1), Point(3, 2, 2), Point(4, 3, 3), Point(5, 4, 4));
        var request = new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 5, Select = new(true, null, null) };
        var cost = space.Query(request).Cost;
        Assert.Equal(105, cost.LogicalBytesReturned);
        Assert.Equal((3L, 5L), (cost.ExhaustiveSearchCount, cost.ApproxNamespaceSize));
    }

    [Fact]
    public void Computed_distances_and_scores_join_the_rows()
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2), ("clicks", TypeKind.UInt, 0));
        space.Add(Row(1, ("vector", Value.Vector([0.7f, 0.7f])), ("clicks", Value.UInt(4))), Point(2, 1, 1));
        var near = new ComputedVectorDistance("near", "vector", new VectorOperand([0.8f, 0.7f], 2, false));
        var clicks = new ComputedScore("warmth", new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(4), 1));
        var request = new QueryRequest { RankBy = Order(("id", false)), Limit = 5, ComputeAttributes = [near, clicks] };
        var rows = space.Query(request).Rows!;
        Assert.Equal(["near", "warmth"], rows[0].Attributes.Select(a => a.Key));
        Assert.Equal(0.01, rows[0].Attributes[0].Value.AsFloat, 1e-6);
        Assert.Equal(0.5, rows[0].Attributes[1].Value.AsFloat);
        Assert.Equal(0.0, rows[1].Attributes[1].Value.AsFloat);
        space.Fails(ErrorKind.Invalid, "\"clicks\" is reserved or taken", request with { ComputeAttributes = [clicks with { Name = "clicks" }] });
        space.Fails(ErrorKind.Invalid, "needs a full-text index", request with { ComputeAttributes = [new ComputedHighlight("h", "vector")] });
    }

    [Fact]
    public void A_cancelled_query_stops()
    {
        using var space = Plane(Points);
        using var source = new CancellationTokenSource();
        source.Cancel();
        var request = new QueryRequest { RankBy = Ann("vector", 0, 0), Limit = 1 };
        Assert.Throws<OperationCanceledException>(() => QueryExecutor.Execute(space.Snapshot, request, source.Token));
    }

    internal static Value Sparse(params (string Key, float Weight)[] entries) =>
        Value.Sparse(new SparseVector([.. entries.Select(e => System.Text.Encoding.UTF8.GetBytes(e.Key))], [.. entries.Select(e => e.Weight)]));

    internal static ScoreRank SparseRank(string attribute, params (string Key, float Weight)[] entries) =>
        new(new SparseScore(attribute, Sparse(entries).AsSparse));

    private static Value Multi(params float[] data) => Value.MultiVector(new MultiVector(2, data));

    private static FakeDocument Point(ulong id, float x, float y) => Row(id, ("vector", Value.Vector([x, y])));

    private static QueryFixture Plane(FakeDocument[] points) =>
        new QueryFixture(DistanceMetric.EuclideanSquared, ("vector", TypeKind.VectorF32, 2)).Add(points);
}
