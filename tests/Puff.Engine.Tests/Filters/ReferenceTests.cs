using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Filters;

public sealed class ReferenceTests
{
    private static readonly Documents Sample = new Documents(new AttributeUpdate("pattern") { Type = "string", Regex = true, Filterable = true })
        .Add("version", 2, "tags", new[] { "a" }, "tag", "a", "pattern", "x")
        .Add("version", 3, "tags", new[] { "b" }, "tag", "b", "empty", Value.EmptyArray)
        .Add();

    [Theory]
    [InlineData(FilterOperator.Lt, 0, 1, true)]
    [InlineData(FilterOperator.Lt, 1, 0, false)]
    [InlineData(FilterOperator.Lt, 2, 0, true)]
    [InlineData(FilterOperator.Lt, 0, 2, false)]
    [InlineData(FilterOperator.Lte, 2, 2, true)]
    [InlineData(FilterOperator.Gt, 0, 2, true)]
    [InlineData(FilterOperator.Gte, 2, 2, true)]
    [InlineData(FilterOperator.Eq, 0, 0, true)]
    [InlineData(FilterOperator.Eq, 2, 2, true)]
    [InlineData(FilterOperator.Eq, 0, 2, false)]
    [InlineData(FilterOperator.NotEq, 0, 1, true)]
    [InlineData(FilterOperator.Lt, 0, null, false)]
    [InlineData(FilterOperator.Eq, 2, null, true)]
    public void Compare_with_the_incoming_row(FilterOperator @operator, int stored, int? incoming, bool expected) =>
        Assert.Equal(expected, Sample.Holds(Reference("version", @operator, "version"), stored, incoming));

    [Theory]
    [InlineData("tags", FilterOperator.Contains, "tag", 0, 0, true)]
    [InlineData("tags", FilterOperator.Contains, "tag", 0, 1, false)]
    [InlineData("tags", FilterOperator.Contains, "tag", 0, 2, false)]
    [InlineData("tags", FilterOperator.NotContains, "tag", 0, 2, true)]
    [InlineData("tags", FilterOperator.ContainsAny, "tags", 0, 0, true)]
    [InlineData("tags", FilterOperator.ContainsAny, "tags", 0, 1, false)]
    [InlineData("tags", FilterOperator.NotContainsAny, "tags", 0, null, true)]
    [InlineData("tags", FilterOperator.In, "tag", 1, 1, true)]
    [InlineData("tags", FilterOperator.In, "empty", 1, 1, false)]
    [InlineData("tag", FilterOperator.In, "tags", 1, 1, true)]
    [InlineData("tag", FilterOperator.NotIn, "tags", 1, 2, true)]
    [InlineData("tag", FilterOperator.In, "tags", 1, 2, false)]
    [InlineData("tags", FilterOperator.AnyLt, "tag", 0, 1, true)]
    [InlineData("tags", FilterOperator.AnyLt, "tag", 0, 2, false)]
    [InlineData("tags", FilterOperator.Eq, "tags", 1, 1, true)]
    [InlineData("id", FilterOperator.Eq, "id", 1, 1, true)]
    [InlineData("id", FilterOperator.Eq, "id", 1, 2, false)]
    public void References_stand_wherever_a_value_may(string attribute, FilterOperator @operator, string reference, int stored, int? incoming, bool expected) =>
        Assert.Equal(expected, Sample.Holds(Reference(attribute, @operator, reference), stored, incoming));

    [Theory]
    [InlineData("version", FilterOperator.Eq, "nowhere")]
    [InlineData("nowhere", FilterOperator.Eq, "version")]
    [InlineData("version", FilterOperator.Eq, "tag")]
    [InlineData("version", FilterOperator.Lt, "id")]
    [InlineData("version", FilterOperator.In, "version")]
    [InlineData("tags", FilterOperator.Contains, "tags")]
    [InlineData("tags", FilterOperator.ContainsAny, "tag")]
    [InlineData("tags", FilterOperator.Lt, "tags")]
    [InlineData("tag", FilterOperator.Glob, "tag")]
    [InlineData("pattern", FilterOperator.Regex, "tag")]
    public void Types_are_checked_before_any_row(string attribute, FilterOperator @operator, string reference)
    {
        var filter = Reference(attribute, @operator, reference);
        var error = Assert.Throws<PuffException>(() => FilterBinder.Bind(filter, Sample.Schema, allowRefNew: true));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public void Columns_cannot_evaluate_references()
    {
        var predicate = FilterBinder.Bind(Reference("version", FilterOperator.Lt, "version"), Sample.Schema, allowRefNew: true);
        using var columns = new EncodedColumns(1, (_, _) => Value.Null);
        Assert.Throws<InvalidOperationException>(() => predicate.Evaluate(columns, new BitSet(1), CancellationToken.None));
    }

    private static AttributeFilter Reference(string attribute, FilterOperator @operator, string reference) =>
        new(attribute, @operator, new FilterOperand(Value.Null, reference));
}
