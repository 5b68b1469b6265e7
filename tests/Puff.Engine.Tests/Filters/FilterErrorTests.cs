using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Filters;

public sealed class FilterErrorTests
{
    private static readonly Documents Sample = new Documents(
            new("hidden") { Type = "string", Filterable = false },
            new("body") { Type = "string", FullText = new(true), Filterable = true },
            new("when") { Type = "datetime" },
            new("count") { Type = "uint" },
            new("sparse") { Type = "{}f16" })
        .Add("a", 1, "s", "x", "tags", new[] { "x" }, "numbers", new[] { 1 });

    [Theory]
    [InlineData(FilterOperator.ContainsAny, "python", "type mismatch, ContainsAny expects []string, but got")]
    [InlineData(FilterOperator.NotContainsAny, "python", "type mismatch, NotContainsAny expects []string, but got")]
    [InlineData(FilterOperator.Contains, new[] { "a", "b" }, "type mismatch, Contains expects string, but got")]
    [InlineData(FilterOperator.NotContains, new[] { "a", "b" }, "type mismatch, NotContains expects string, but got")]
    public void Type_mismatches_have_the_text_that_clients_match(FilterOperator @operator, object operand, string text) =>
        Assert.Contains($"filter error in key `tags`: {text}", Sample.Error(ErrorKind.Invalid, "tags", @operator, operand));

    [Theory]
    [InlineData("nowhere", FilterOperator.Eq, 1)]
    [InlineData("hidden", FilterOperator.Eq, "x")]
    [InlineData("hidden", FilterOperator.Glob, "x")]
    [InlineData("hidden", FilterOperator.Eq, null)]
    [InlineData("sparse", FilterOperator.Eq, null)]
    [InlineData("s", FilterOperator.Eq, 1)]
    [InlineData("s", FilterOperator.In, new[] { 1 })]
    [InlineData("s", FilterOperator.In, "x")]
    [InlineData("s", FilterOperator.Contains, "x")]
    [InlineData("s", FilterOperator.Regex, "x")]
    [InlineData("s", FilterOperator.Fuzzy, "x")]
    [InlineData("a", FilterOperator.Eq, "1")]
    [InlineData("a", FilterOperator.Gt, 1.5)]
    [InlineData("a", FilterOperator.Glob, "1")]
    [InlineData("a", FilterOperator.Eq, new[] { 1 })]
    [InlineData("count", FilterOperator.Gt, -1)]
    [InlineData("when", FilterOperator.Gt, "yesterday")]
    [InlineData("when", FilterOperator.In, new[] { "yesterday" })]
    [InlineData("tags", FilterOperator.Gt, "x")]
    [InlineData("tags", FilterOperator.Eq, "x")]
    [InlineData("tags", FilterOperator.Contains, null)]
    [InlineData("tags", FilterOperator.ContainsAny, null)]
    [InlineData("tags", FilterOperator.Contains, 1)]
    [InlineData("tags", FilterOperator.Glob, null)]
    [InlineData("numbers", FilterOperator.Gt, 1)]
    [InlineData("numbers", FilterOperator.Lte, null)]
    [InlineData("numbers", FilterOperator.AnyGt, null)]
    [InlineData("numbers", FilterOperator.AnyGt, "x")]
    [InlineData("numbers", FilterOperator.ContainsAny, new[] { "x" })]
    [InlineData("numbers", FilterOperator.Eq, new[] { "x" })]
    [InlineData("body", FilterOperator.ContainsAllTokens, "x")]
    [InlineData("s", FilterOperator.ContainsAnyToken, "x")]
    [InlineData("s", FilterOperator.ContainsTokenSequence, "x")]
    public void What_does_not_fit_the_schema_is_invalid(string attribute, FilterOperator @operator, object? operand) =>
        Assert.Contains($"`{attribute}`", Sample.Error(ErrorKind.Invalid, attribute, @operator, operand));

    [Fact]
    public void Null_lists_are_malformed()
    {
        Sample.Error(ErrorKind.Malformed, "a", FilterOperator.In, null);
        Sample.Error(ErrorKind.Malformed, "tags", FilterOperator.NotIn, null);
    }

    [Fact]
    public void Nesting_and_size_are_bounded()
    {
        Filter deep = new AttributeFilter("a", FilterOperator.Eq, Value.Int(1));
        for (int i = 1; i < FilterBinder.MaxNesting; i++)
        {
            deep = new NotFilter(deep);
        }

        Assert.Equal("", Sample.Match(deep));
        Sample.Error(ErrorKind.Invalid, new NotFilter(deep));
        var leaf = new AttributeFilter("a", FilterOperator.Eq, Value.Int(1));
        Assert.Equal("0", Sample.Match(new AndFilter([.. Enumerable.Repeat(leaf, FilterBinder.MaxNodes - 1)])));
        Sample.Error(ErrorKind.Invalid, new AndFilter([.. Enumerable.Repeat(leaf, FilterBinder.MaxNodes)]));
    }

    [Fact]
    public void References_belong_to_conditions() =>
        Assert.Contains("$ref_new", Sample.Error(ErrorKind.Invalid, new AttributeFilter("a", FilterOperator.Eq, new FilterOperand(Value.Null, "a"))));
}
