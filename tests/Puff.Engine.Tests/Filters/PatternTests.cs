using System.Text.RegularExpressions;
using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Filters;

public sealed class PatternTests
{
    [Theory]
    [InlineData("foo*", "foo,foobar", "barfoo,fo,")]
    [InlineData("*oo", "foo,oo", "foot,o")]
    [InlineData("f?o", "foo,fxo,fäo,f𝄞o", "fo,fooo")]
    [InlineData("{a,b}*", "a,b,axe", "c,")]
    [InlineData("[ab]c", "ac,bc", "cc,abc,c")]
    [InlineData("/vendor/**", "/vendor/,/vendor/a,/vendor/a/b", "/vendor,vendor/a")]
    [InlineData("**/x", "x,a/x,a/b/x", "ax,a/xx,x/")]
    [InlineData("a/**/b", "a/b,a/x/b,a/x/y/b", "ab,a/xb,a//c")]
    [InlineData("a/*/b", "a/x/b,a/x/y/b,a//b", "a/b")]
    [InlineData("a*b*c", "abc,axbxc,abcbc", "ab,acb,abcx")]
    [InlineData("a*a", "aa,aba", "a")]
    [InlineData("*", ",a,a/b", null)]
    [InlineData("", "", "a")]
    [InlineData("[!ab]", "c,ä", "a,b,,cc")]
    [InlineData("[a-c]", "a,b,c", "d,-")]
    [InlineData("[]a]", "],a", "b")]
    [InlineData("[!]a]", "b", "],a")]
    [InlineData("[a-]", "a,-", "b")]
    [InlineData("[а-я]", "ж", "z")]
    [InlineData(@"\*\?\[\{", "*?[{", "ab")]
    [InlineData(@"[\]\\]", @"],\", "a")]
    [InlineData("{a{b,c},d}e", "abe,ace,de", "ae,abde,e")]
    [InlineData("{,x}y", "y,xy", "x,xxy")]
    [InlineData("{a*,*b}", "a,ab,b,axx,xxb", "x,ba")]
    [InlineData("a,b", "a|b", null)]
    public void Globs_match_whole_texts(string pattern, string matching, string? others)
    {
        foreach (string text in matching.Split(','))
        {
            Assert.True(Glob(pattern, text.Replace('|', ',')), text);
        }

        foreach (string text in others?.Split(',') ?? [])
        {
            Assert.False(Glob(pattern, text), text);
        }
    }

    [Theory]
    [InlineData("[a")]
    [InlineData("[]")]
    [InlineData("[!")]
    [InlineData("{a")]
    [InlineData("{a,b")]
    [InlineData("a}")]
    [InlineData("a\\")]
    [InlineData("[a\\")]
    [InlineData("[z-a]")]
    public void Malformed_globs_are_refused(string pattern) => Strings("s").Error(ErrorKind.Invalid, "s", FilterOperator.Glob, pattern);

    [Fact]
    public void Hostile_globs_are_bounded()
    {
        Strings("s").Error(ErrorKind.Invalid, "s", FilterOperator.Glob, new string('{', 65) + new string('}', 65));
        Strings("s").Error(ErrorKind.Invalid, "s", FilterOperator.Glob, new string('a', GlobCompiler.MaxPatternChars + 1));
        string stars = string.Concat(Enumerable.Repeat("*a?", 200)) + "b";
        Assert.False(Glob(stars, new string('a', 1_000)));
    }

    [Fact]
    public void Ignoring_case_goes_beyond_ascii()
    {
        var documents = Strings("Foo", "fOO", "ÄRGER", "Σας", "bar", null);
        Assert.Equal("0 1", documents.Match("s", FilterOperator.IGlob, "FO*"));
        Assert.Equal("2", documents.Match("s", FilterOperator.IGlob, "ä*r"));
        Assert.Equal("3", documents.Match("s", FilterOperator.IGlob, "σΑΣ"));
        Assert.Equal("0 1", documents.Match("s", FilterOperator.IGlob, "[A-F]o[N-P]"));
        Assert.Equal("2 3 4 5", documents.Match("s", FilterOperator.NotIGlob, "foo"));
        Assert.Equal("0", documents.Match("s", FilterOperator.Glob, "Foo"));
        Assert.Equal("1 2 3 4 5", documents.Match("s", FilterOperator.NotGlob, "Foo"));
    }

    [Fact]
    public void Random_globs_agree_with_a_backtracking_matcher()
    {
        var random = new Random(11);
        int matches = 0;
        for (int i = 0; i < 3_000; i++)
        {
            string pattern = Letters(random, "ab*?{},[a]/", 8);
            if (GlobModel.ToRegex(pattern) is not { } expression)
            {
                continue;
            }

            var model = new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.Singleline);
            var matcher = new GlobMatcher(System.Text.Encoding.UTF8.GetBytes(pattern), ignoreCase: false);
            for (int j = 0; j < 4; j++)
            {
                string text = Letters(random, "ab/", 6);
                bool expected = model.IsMatch(text);
                Assert.True(expected == matcher.Matches(Value.String(text)), $"{pattern} on {text}: {expected} expected");
                matches += expected ? 1 : 0;
            }
        }

        Assert.InRange(matches, 100, 11_000);
    }

    [Fact]
    public void Regular_expressions_search_anywhere()
    {
        var documents = new Documents(new AttributeUpdate("s") { Type = "string", Regex = true }, new AttributeUpdate("t") { Type = "[]string", Regex = true })
            .Add("s", "foo1").Add("s", "xfoo12", "t", new[] { "a", "foo9" }).Add("s", new string('é', 400) + "foo7").Add();
        Assert.Equal("0", documents.Match("s", FilterOperator.Regex, "^foo[0-9]+$"));
        Assert.Equal("0 1 2", documents.Match("s", FilterOperator.Regex, "foo[0-9]"));
        Assert.Equal("1", documents.Match("t", FilterOperator.Regex, "^foo"));
        Assert.Equal("1", documents.Match("s", FilterOperator.Regex, "(a|xf)o{2}"));
    }

    [Theory]
    [InlineData("foo(?=bar)")]
    [InlineData("(?<!a)b")]
    [InlineData(@"(a)\1")]
    [InlineData("(?>a)")]
    [InlineData("(")]
    [InlineData("[a")]
    [InlineData("a{2,1}")]
    [InlineData("(a{1000}){1000}")]
    [InlineData("((a{100}){100}){100}")]
    [InlineData("a{99999999999}")]
    public void Expressions_without_linear_time_are_refused(string pattern) =>
        Assert.Contains("`s`", Regexes().Error(ErrorKind.Invalid, "s", FilterOperator.Regex, pattern));

    [Fact]
    public void Long_expressions_are_refused()
    {
        Regexes().Error(ErrorKind.Invalid, "s", FilterOperator.Regex, new string('a', RegexMatcher.MaxPatternChars + 1));
        Regexes().Error(ErrorKind.Invalid, "s", FilterOperator.Regex, new string('(', 300) + new string(')', 300));
        Assert.Equal("", Regexes().Match("s", FilterOperator.Regex, @"[]a](\p{L}|\{2){3}[^]]{1,50}"));
    }

    private static Documents Regexes() => new Documents(new AttributeUpdate("s") { Type = "string", Regex = true }).Add("s", "x");

    private static Documents Strings(params string?[] texts)
    {
        var documents = new Documents();
        foreach (string? text in texts)
        {
            documents.Add("s", text);
        }

        return documents;
    }

    private static bool Glob(string pattern, string text) => Strings(text).Match("s", FilterOperator.Glob, pattern) == "0";

    private static string Letters(Random random, string alphabet, int maxLength) =>
        string.Concat(Enumerable.Range(0, random.Next(maxLength + 1)).Select(_ => alphabet[random.Next(alphabet.Length)]));
}
