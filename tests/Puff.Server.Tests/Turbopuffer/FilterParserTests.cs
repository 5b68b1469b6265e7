using System.Text;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Server.Http;
using Puff.Server.Turbopuffer;
using Xunit;

namespace Puff.Server.Tests.Turbopuffer;

public class FilterParserTests
{
    [Fact]
    public void Every_operator_is_read_by_its_name()
    {
        foreach (var filterOperator in Enum.GetValues<FilterOperator>())
        {
            string options = filterOperator == FilterOperator.Fuzzy ? """, {"max_edit_distance": [{"min_query_chars": 6, "distance": 1}]}""" : "";
            var filter = Assert.IsType<AttributeFilter>(Parse($"""["a", "{filterOperator}", "x"{options}]"""));
            Assert.Equal(filterOperator, filter.Operator);
            Assert.Equal("x", filter.Operand.Value.AsString);
        }
    }

    [Fact]
    public void Combinations_nest()
    {
        var and = Assert.IsType<AndFilter>(Parse("""["And", [["Or", []], ["Not", ["a", "Eq", null]], ["b", "In", [1, 2]]]]"""));
        Assert.Empty(Assert.IsType<OrFilter>(and.Operands[0]).Operands);
        Assert.True(Assert.IsType<AttributeFilter>(Assert.IsType<NotFilter>(and.Operands[1]).Operand).Operand.Value.IsNull);
        Assert.Equal([1, 2], Assert.IsType<AttributeFilter>(and.Operands[2]).Operand.Value.AsInts);
    }

    [Theory]
    [InlineData("And")]
    [InlineData("Or")]
    [InlineData("Not")]
    public void Attributes_may_be_called_like_a_combination(string name)
    {
        var filter = Assert.IsType<AttributeFilter>(Parse($"""["{name}", "Eq", 1]"""));
        Assert.Equal((name, FilterOperator.Eq), (filter.Attribute, filter.Operator));
    }

    [Fact]
    public void Lists_keep_the_kind_of_their_elements()
    {
        Assert.Equal(ValueKind.StringArray, Operand("""["x", "y"]""").Kind);
        Assert.Equal(ValueKind.BoolArray, Operand("[true]").Kind);
        Assert.Equal(ValueKind.IntArray, Operand("[1, -1]").Kind);
        Assert.Equal(ValueKind.UIntArray, Operand("[1, 9223372036854775808]").Kind);
        Assert.Equal(ValueKind.FloatArray, Operand("[1, 0.5]").Kind);
        Assert.Equal(ValueKind.FloatArray, Operand("[-1, 9223372036854775808]").Kind);
        Assert.Equal(ValueKind.FloatArray, Operand("[9223372036854775808, -1]").Kind);
        Assert.Equal(ValueKind.EmptyArray, Operand("[]").Kind);
    }

    [Fact]
    public void Options_are_read()
    {
        Assert.True(Assert.IsType<AttributeFilter>(Parse("""["a", "ContainsAllTokens", ["x"], {"last_as_prefix": true}]""")).LastAsPrefix);
        var fuzzy = Assert.IsType<AttributeFilter>(Parse("""
            ["a", "Fuzzy", "x", {"max_edit_distance": [{"min_query_chars": 6, "distance": 1}, {"distance": 2, "min_query_chars": 9}], "case_sensitive": false}]
            """));
        Assert.False(fuzzy.Fuzzy!.CaseSensitive);
        Assert.Equal([new FuzzyDistance(6, 1), new FuzzyDistance(9, 2)], fuzzy.Fuzzy.MaxEditDistance);
    }

    [Fact]
    public void References_to_the_incoming_row_are_for_conditions()
    {
        var filter = Parse("""["a", "Lt", {"$ref_new": "b"}]""", allowRefNew: true);
        Assert.Equal("b", Assert.IsType<AttributeFilter>(filter).Operand.RefNew);
        Fails(ErrorKind.Invalid, """["a", "Lt", {"$ref_new": "b"}]""", "$ref_new");
    }

    [Theory]
    [InlineData(ErrorKind.Malformed, """["a", "Equals", 1]""", "unknown variant `Equals`, expected one of `Eq`, `NotEq`")]
    [InlineData(ErrorKind.Malformed, """["a", "eq", 1]""", "unknown variant `eq`")]
    [InlineData(ErrorKind.Malformed, """["a", "Eq"]""", "invalid length 2")]
    [InlineData(ErrorKind.Malformed, """["a"]""", "expected a filter operator")]
    [InlineData(ErrorKind.Malformed, "[]", "expected an attribute name")]
    [InlineData(ErrorKind.Malformed, "[1, 2, 3]", "invalid type: integer `1`")]
    [InlineData(ErrorKind.Malformed, """{"a": 1}""", "invalid type: map, expected a sequence")]
    [InlineData(ErrorKind.Malformed, "\"x\"", "invalid type: string \"x\", expected a sequence")]
    [InlineData(ErrorKind.Malformed, """["a", "In", [1, null]]""", "must all be")]
    [InlineData(ErrorKind.Malformed, """["a", "In", [1, "x"]]""", "must all be")]
    [InlineData(ErrorKind.Malformed, """["a", "In", [[1]]]""", "must all be")]
    [InlineData(ErrorKind.Malformed, """["a", "Eq", {}]""", "empty object")]
    [InlineData(ErrorKind.Malformed, """["a", "Eq", {"x": 1}]""", "key \"x\"")]
    [InlineData(ErrorKind.Malformed, """["And", "x"]""", "unknown variant `x`")]
    [InlineData(ErrorKind.Malformed, """["And", ["a", "Eq", 1]]""", "invalid type: string \"a\", expected a sequence")]
    [InlineData(ErrorKind.Malformed, """["a", "ContainsAllTokens", "x", {"first": true}]""", "unknown variant `first`, expected `last_as_prefix`")]
    [InlineData(ErrorKind.Malformed, """["a", "Fuzzy", "x", {"max_edit_distance": [{"distance": 1}]}]""", "missing field `min_query_chars`")]
    [InlineData(ErrorKind.Invalid, """["a", "Eq", 1, 2]""", "element too many")]
    [InlineData(ErrorKind.Invalid, """["And", [], 1]""", "element too many")]
    [InlineData(ErrorKind.Invalid, """["Not", ["a", "Eq", 1], ["a", "Eq", 1]]""", "element too many")]
    [InlineData(ErrorKind.Invalid, """["a", "ContainsAllTokens", "x", {}, 1]""", "element too many")]
    [InlineData(ErrorKind.Invalid, """["a", "Fuzzy", "x"]""", "max_edit_distance")]
    [InlineData(ErrorKind.Invalid, """["a", "Fuzzy", "x", {}]""", "max_edit_distance")]
    public void Others_are_refused(ErrorKind kind, string filter, string text) => Fails(kind, filter, text);

    [Fact]
    public void Depth_is_bounded()
    {
        Assert.IsType<NotFilter>(Parse(Nested(FilterParser.MaxDepth)));
        Fails(ErrorKind.Invalid, Nested(FilterParser.MaxDepth + 1), "64 levels");
        Fails(ErrorKind.Invalid, Nested(100_000), "64 levels");
    }

    private static string Nested(int levels) =>
        string.Concat(Enumerable.Repeat("""["Not",""", levels - 1)) + """["a","Eq",1]""" + new string(']', levels - 1);

    private static Value Operand(string list) => Assert.IsType<AttributeFilter>(Parse($"""["a", "In", {list}]""")).Operand.Value;

    private static void Fails(ErrorKind kind, string filter, string text)
    {
        var error = Assert.Throws<PuffException>(() => Parse(filter));
        Assert.True(error.Kind == kind, $"{error.Kind}: {error.Message}");
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    private static Filter Parse(string filter, bool allowRefNew = false) => JsonBody.Parse(
        Encoding.UTF8.GetBytes(filter), allowRefNew, static (ref cursor, allow) => new FilterParser("filters", allow).Read(ref cursor));
}
