using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Queries;
using Xunit;

namespace Puff.Engine.Tests.Schema;

/// <summary>A zero vector has no cosine distance: it is refused where it is written and where it is asked with. Under the Euclidean metric it is a vector like any.</summary>
public sealed class ZeroVectorTests
{
    [Theory]
    [InlineData("[3]f32")]
    [InlineData("[3]f16")]
    [InlineData("[3]i8")]
    public void Under_cosine_distance_a_zero_vector_is_not_written(string type)
    {
        var builder = Make.Builder(Make.Vector("v", type));
        var attribute = builder.ResolveForWrite("v", Value.Null)!;
        Assert.Contains("zero vector", Make.Error(ErrorKind.Invalid, () => builder.Coerce(attribute, Value.Vector([0f, -0f, 0]))), StringComparison.Ordinal);
        builder.Coerce(attribute, Value.Vector([0f, 0, 1]));
        builder.Coerce(attribute, Value.Null);
    }

    [Fact]
    public void What_the_column_rounds_to_zero_is_a_zero_vector()
    {
        var builder = Make.Builder(Make.Vector("v", "[2]f16"));
        Make.Error(ErrorKind.Invalid, () => builder.Coerce(builder.ResolveForWrite("v", Value.Null)!, Value.Vector([1e-30f, 0])));
    }

    [Fact]
    public void Under_euclidean_distance_a_zero_vector_is_written()
    {
        var builder = new SchemaBuilder(NamespaceSchema.Empty, isNewNamespace: true);
        builder.Apply(new SchemaUpdate([Make.Vector("v", "[2]f32")]), DistanceMetric.EuclideanSquared);
        Assert.Equal([0, 0], builder.Coerce(builder.ResolveForWrite("v", Value.Null)!, Value.Vector([0f, 0])).AsVectorF32);
    }

    [Theory]
    [InlineData(DistanceMetric.CosineDistance)]
    [InlineData(DistanceMetric.EuclideanSquared)]
    public void A_query_with_a_zero_vector_depends_on_the_metric(DistanceMetric metric)
    {
        using var space = new QueryFixture(metric, ("v", TypeKind.VectorF32, 2));
        space.Add(QueryFixture.Row(1, ("v", Value.Vector([1f, 2]))));
        foreach (var rank in new[] { QueryFixture.Ann("v", 0, -0f), QueryFixture.Ann("v", 0, -0f) with { Exact = true } })
        {
            var request = new QueryRequest { RankBy = rank, Limit = 1, Filters = QueryFixture.Where("id", FilterOperator.Eq, Value.UInt(1)) };
            if (metric == DistanceMetric.CosineDistance)
            {
                Assert.Contains("zero vector", Make.Error(ErrorKind.Invalid, () => space.Query(request)), StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(5, Assert.Single(space.Query(request).Rows!).Distance);
            }
        }
    }
}
