using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Filters;

/// <summary>The tables of turbopuffer-api 4.4 and the check-list entries 128 to 144.</summary>
public sealed class FilterOperatorTests
{
    private const string Uuid1 = "00000000-0000-0000-0000-000000000001";
    private const string Uuid2 = "00000000-0000-0000-0000-0000000000f0";

    [Theory]
    [InlineData(FilterOperator.Lt, 5, "0 2")]
    [InlineData(FilterOperator.Lte, 1, "0 2")]
    [InlineData(FilterOperator.Gt, 1, "1")]
    [InlineData(FilterOperator.Gte, 1, "0 1")]
    [InlineData(FilterOperator.Eq, 5, "1")]
    [InlineData(FilterOperator.Eq, null, "2")]
    [InlineData(FilterOperator.NotEq, null, "0 1")]
    [InlineData(FilterOperator.NotEq, 1, "1 2")]
    [InlineData(FilterOperator.Lt, null, "")]
    [InlineData(FilterOperator.Lte, null, "2")]
    [InlineData(FilterOperator.Gt, null, "0 1")]
    [InlineData(FilterOperator.Gte, null, "0 1 2")]
    [InlineData(FilterOperator.In, new[] { 1, 5 }, "0 1")]
    [InlineData(FilterOperator.NotIn, new[] { 1 }, "1 2")]
    [InlineData(FilterOperator.In, new int[0], "")]
    [InlineData(FilterOperator.NotIn, new int[0], "0 1 2")]
    public void Null_sorts_below_everything(FilterOperator @operator, object? operand, string expected) =>
        Assert.Equal(expected, new Documents().Add("a", 1).Add("a", 5).Add().Match("a", @operator, operand));

    [Theory]
    [InlineData("numbers", FilterOperator.In, new[] { 2, 4 }, "0 1")]
    [InlineData("numbers", FilterOperator.In, 17, "2")]
    [InlineData("numbers", FilterOperator.NotIn, new[] { 2, 4 }, "2 3 4")]
    [InlineData("numbers", FilterOperator.AnyGt, 4, "2")]
    [InlineData("numbers", FilterOperator.AnyGte, 4, "1 2")]
    [InlineData("numbers", FilterOperator.AnyLt, 2, "0")]
    [InlineData("numbers", FilterOperator.AnyLte, 2, "0 1")]
    [InlineData("numbers", FilterOperator.Eq, new int[0], "3")]
    [InlineData("numbers", FilterOperator.NotEq, new int[0], "0 1 2 4")]
    [InlineData("numbers", FilterOperator.Eq, null, "4")]
    [InlineData("numbers", FilterOperator.Contains, 3, "0 1")]
    [InlineData("users", FilterOperator.In, "bojan", "1")]
    [InlineData("users", FilterOperator.Contains, "bojan", "1")]
    [InlineData("users", FilterOperator.NotContains, "bojan", "0 2 3 4")]
    [InlineData("users", FilterOperator.ContainsAny, new[] { "ana", "bojan" }, "0 1")]
    [InlineData("users", FilterOperator.NotContainsAny, new[] { "ana", "bojan" }, "2 3 4")]
    [InlineData("users", FilterOperator.Eq, new[] { "ana", "bojan" }, "1")]
    [InlineData("users", FilterOperator.Eq, new[] { "bojan", "ana" }, "")]
    [InlineData("users", FilterOperator.AnyGt, "ana", "1 2")]
    [InlineData("users", FilterOperator.Glob, "*a", "0 1")]
    public void Arrays_are_searched_by_element_and_compared_as_a_whole(string attribute, FilterOperator @operator, object? operand, string expected)
    {
        var documents = new Documents()
            .Add("numbers", new[] { 1, 2, 3 }, "users", new[] { "ana" })
            .Add("numbers", new[] { 2, 3, 4 }, "users", new[] { "ana", "bojan" })
            .Add("numbers", new[] { 17 }, "users", new[] { "zoe" })
            .Add("numbers", new int[0], "users", new string[0])
            .Add();
        Assert.Equal(expected, documents.Match(attribute, @operator, operand));
    }

    [Fact]
    public void Connectives_are_set_operations()
    {
        var documents = new Documents().Add("a", 1, "b", "x").Add("a", 2, "b", "x").Add("b", "y").Add();
        var one = new AttributeFilter("a", FilterOperator.Eq, Value.Int(1));
        var x = new AttributeFilter("b", FilterOperator.Eq, Value.String("x"));
        var y = new AttributeFilter("b", FilterOperator.Eq, Value.String("y"));
        Assert.Equal("0", documents.Match(new AndFilter([one, x])));
        Assert.Equal("", documents.Match(new AndFilter([one, y, x])));
        Assert.Equal("0 2", documents.Match(new OrFilter([one, y])));
        Assert.Equal("1 2 3", documents.Match(new NotFilter(one)));
        Assert.Equal("0", documents.Match(new NotFilter(new NotFilter(one))));
        Assert.Equal("1 3", documents.Match(new AndFilter([new NotFilter(new OrFilter([one, y])), new NotFilter(new AndFilter([one, x]))])));
        Assert.Equal("0 1 2 3", documents.Match(new AndFilter([])));
        Assert.Equal("", documents.Match(new OrFilter([])));
    }

    [Fact]
    public void Ids_filter_like_attributes()
    {
        var numbers = new Documents().Add("id", 5).Add("id", ulong.MaxValue).Add("id", 7);
        Assert.Equal("0 1", numbers.Match("id", FilterOperator.In, new ulong[] { 5, ulong.MaxValue }));
        Assert.Equal("1 2", numbers.Match("id", FilterOperator.Gt, 5));
        Assert.Equal("2", numbers.Match("id", FilterOperator.Eq, 7));
        Assert.Equal("", numbers.Match("id", FilterOperator.Eq, null));
        Assert.Equal("0 1 2", numbers.Match("id", FilterOperator.NotEq, null));
        var texts = new Documents().Add("id", "a").Add("id", "b");
        Assert.Equal("1", texts.Match("id", FilterOperator.Gt, "a"));
        Assert.Equal("0", texts.Match("id", FilterOperator.Glob, "a*"));
        var uuids = new Documents(new AttributeUpdate("id") { Type = "uuid" }).Add("id", Uuid1).Add("id", Uuid2);
        Assert.Equal("1", uuids.Match("id", FilterOperator.Gte, Uuid2));
    }

    [Fact]
    public void Every_scalar_kind_compares_in_its_own_order()
    {
        var documents = new Documents(new("u") { Type = "uint" }, new("f") { Type = "float" }, new("d") { Type = "datetime" }, new("g") { Type = "uuid" })
            .Add("i", -1L, "u", 1, "f", -0.0, "b", false, "d", "2015-01-20T12:34:56Z", "g", Uuid1, "s", "a")
            .Add("i", 1L, "u", ulong.MaxValue, "f", 1e300, "b", true, "d", "2015-01-20T12:34:57Z", "g", Uuid2, "s", "ab");
        Assert.Equal("0", documents.Match("i", FilterOperator.Lt, 0));
        Assert.Equal("1", documents.Match("u", FilterOperator.Gt, 1));
        Assert.Equal("0", documents.Match("f", FilterOperator.Eq, 0));
        Assert.Equal("0", documents.Match("f", FilterOperator.In, new[] { 0.0, 2.5 }));
        Assert.Equal("0 1", documents.Match("f", FilterOperator.Gte, -0.0));
        Assert.Equal("0", documents.Match("b", FilterOperator.Lt, true));
        Assert.Equal("1", documents.Match("b", FilterOperator.Eq, true));
        Assert.Equal("0", documents.Match("d", FilterOperator.Eq, "2015-01-20T08:34:56-04:00"));
        Assert.Equal("1", documents.Match("d", FilterOperator.Gt, "2015-01-20T13:34:56+01:00"));
        Assert.Equal("1", documents.Match("g", FilterOperator.Eq, Uuid2.ToUpperInvariant()));
        Assert.Equal("0", documents.Match("g", FilterOperator.In, new[] { Uuid1 }));
        Assert.Equal("1", documents.Match("s", FilterOperator.Gt, "a"));
        Assert.Equal("0", documents.Match("s", FilterOperator.Eq, "a"));
    }

    [Fact]
    public void Attributes_that_came_later_are_null_in_older_documents()
    {
        var documents = new Documents().Add().Add("late", "x").Add("late", null);
        Assert.Equal("0 2", documents.Match("late", FilterOperator.Eq, null));
        Assert.Equal("1", documents.Match("late", FilterOperator.NotEq, null));
    }

    [Fact]
    public void Arrays_without_a_known_type_match_by_emptiness_only()
    {
        var documents = new Documents().Add("e", Value.EmptyArray).Add();
        Assert.Equal("0", documents.Match("e", FilterOperator.Eq, Value.EmptyArray));
        Assert.Equal("1", documents.Match("e", FilterOperator.Eq, null));
        Assert.Equal("", documents.Match("e", FilterOperator.Eq, new[] { "x" }));
        Assert.Equal("", documents.Match("e", FilterOperator.Contains, "x"));
        Assert.Equal("", documents.Match("e", FilterOperator.In, new[] { 1 }));
        Assert.Equal("0 1", documents.Match("e", FilterOperator.NotContainsAny, new[] { 1 }));
        documents.Error(ErrorKind.Invalid, "e", FilterOperator.Contains, null);
    }

    [Fact]
    public void Long_lists_are_looked_up()
    {
        var documents = new Documents().Add("a", 3, "s", "x3").Add("a", 1_000, "s", "x1000").Add();
        Assert.Equal("0", documents.Match("a", FilterOperator.In, Enumerable.Range(0, 100).ToArray()));
        Assert.Equal("0", documents.Match("s", FilterOperator.In, Enumerable.Range(0, 100).Select(i => $"x{i}").ToArray()));
    }
}
