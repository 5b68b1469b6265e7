using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Filters;

public sealed class FuzzyTests
{
    private static readonly FuzzyDistance[] Six = [new(6, 1)];

    [Theory]
    [InlineData("turbopufer", "turbopuffer inc", true)]
    [InlineData("turbopufer", "the turbopuffer", true)]
    [InlineData("turbopufer", "turboduck", false)]
    [InlineData("turbopuffer", "turbopufer", true)]
    [InlineData("turbopuffer", "turbopufe", false)]
    [InlineData("turbopuffer", "Turbopuffer", true)]
    [InlineData("turbopuffer", "TUrbopuffer", false)]
    [InlineData("tur", "tur", false)]
    [InlineData("straße", "hauptstrase 5", true)]
    [InlineData("turbopufer", "", false)]
    public void Finds_substrings_within_the_distance(string query, string text, bool expected) => Assert.Equal(expected, Matches(query, text, Six, true));

    [Fact]
    public void Case_can_be_ignored()
    {
        Assert.True(Matches("turbopuffer", "TURBOPUFER", Six, false));
        Assert.True(Matches("ärgerlich", "SO ÄRGERLICH", [new(3, 0)], false));
        Assert.False(Matches("ärgerlich", "SO ÄRGERLICH", [new(3, 0)], true));
    }

    [Fact]
    public void The_longest_threshold_within_the_query_applies()
    {
        FuzzyDistance[] steps = [new(9, 2), new(3, 0), new(6, 1)];
        Assert.False(Matches("ab", "ab", steps, true));
        Assert.True(Matches("abc", "xabcx", steps, true));
        Assert.False(Matches("abcde", "abcd", steps, true));
        Assert.True(Matches("abcdef", "abcdf", steps, true));
        Assert.False(Matches("abcdefgh", "abcefh", steps, true));
        Assert.True(Matches("abcdefghi", "abcefhi", steps, true));
        Assert.True(Matches("äöüäöü", "äöäöü", steps, true));
    }

    [Fact]
    public void Options_have_rules()
    {
        FuzzyDistance[][] contradictions = [[], [new(3, 1)], [new(8, 2)], [new(2, 0)], [new(20, 3)], [new(20, -1)], [new(6, 1), new(3, 1)]];
        Assert.All(contradictions, distances => Sample("x").Error(ErrorKind.Invalid, Filter("abcdef", distances, true)));
    }

    [Fact]
    public void Options_are_required() => Sample("x").Error(ErrorKind.Invalid, "s", FilterOperator.Fuzzy, "abcdef");

    [Fact]
    public void Elements_of_arrays_are_searched()
    {
        var documents = new Documents(new AttributeUpdate("s") { Type = "[]string", Fuzzy = true })
            .Add("s", new[] { "x", "turbopufer" }).Add("s", new[] { "x" }).Add();
        Assert.Equal("0", documents.Match(Filter("turbopuffer", Six, true)));
        Assert.Equal("1 2", documents.Match(new NotFilter(Filter("turbopuffer", Six, true))));
    }

    [Fact]
    public void Random_texts_agree_with_the_whole_distance_matrix()
    {
        var random = new Random(5);
        int matches = 0;
        for (int i = 0; i < 4_000; i++)
        {
            int distance = random.Next(3);
            string query = Letters(random, 3 * (distance + 1), 14);
            string text = Letters(random, 0, 10) + Edit(random, query, random.Next(distance + 2)) + Letters(random, 0, 10);
            bool expected = Least(query, text) <= distance;
            var matcher = new FuzzyMatcher(System.Text.Encoding.UTF8.GetBytes(query), distance, caseSensitive: true);
            Assert.True(expected == matcher.Matches(Value.String(text)), $"{query} in {text} within {distance}: {expected} expected");
            matches += expected ? 1 : 0;
        }

        Assert.InRange(matches, 400, 3_600);
    }

    [Fact]
    public void Long_queries_need_more_than_the_stack()
    {
        string query = string.Concat(Enumerable.Repeat("abcdefgh", 100));
        Assert.True(Matches(query, "xx" + query.Remove(400, 2) + "yy", [new(9, 2)], true));
        Assert.False(Matches(query, "xx" + query.Remove(400, 3) + "yy", [new(9, 2)], true));
    }

    private static string Edit(Random random, string text, int edits)
    {
        for (; edits > 0 && text.Length > 0; edits--)
        {
            int at = random.Next(text.Length);
            text = text.Remove(at, random.Next(2)).Insert(at, Letters(random, 0, 1));
        }

        return text;
    }

    /// <summary>The least distance between the query and any substring, without any bound.</summary>
    private static int Least(string query, string text)
    {
        var column = Enumerable.Range(0, query.Length + 1).ToArray();
        int least = column[^1];
        foreach (char character in text)
        {
            var next = new int[column.Length];
            for (int i = 1; i < next.Length; i++)
            {
                int substitution = column[i - 1] + (query[i - 1] == character ? 0 : 1);
                next[i] = Math.Min(substitution, Math.Min(column[i], next[i - 1]) + 1);
            }

            column = next;
            least = Math.Min(least, column[^1]);
        }

        return least;
    }

    private static bool Matches(string query, string text, FuzzyDistance[] distances, bool caseSensitive) =>
        Sample(text).Match(Filter(query, distances, caseSensitive)) == "0";

    private static Documents Sample(string text) => new Documents(new AttributeUpdate("s") { Type = "string", Fuzzy = true }).Add("s", text);

    private static AttributeFilter Filter(string query, FuzzyDistance[] distances, bool caseSensitive) =>
        new("s", FilterOperator.Fuzzy, Value.String(query)) { Fuzzy = new FuzzyOptions(distances, caseSensitive) };

    private static string Letters(Random random, int min, int max) =>
        string.Concat(Enumerable.Range(0, random.Next(min, max + 1)).Select(_ => (char)('a' + random.Next(3))));
}
