using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Filters;

/// <summary>Patterns over many different texts, answered with and without the index of pieces: the answers are the same, whatever the pattern.</summary>
public sealed class IndexedPatternTests
{
    private const int Documents = 700;
    private static readonly string[] Syllables = ["ka", "lo", "SK", "zup", "é", "K", "ſ", "-", ".", "12", "ab", "ΣΑ", "ς", " ", "𝛑", "/", "*"];

    private static readonly NamespaceSchema Schema = new(IdKind.UInt, null,
    [
        new AttributeDefinition(1, "s", new AttributeType(TypeKind.String)) { Filterable = true, Glob = true, Regex = true, Fuzzy = true },
        new AttributeDefinition(2, "a", new AttributeType(TypeKind.StringArray)) { Filterable = true, Glob = true, Regex = true, Fuzzy = true },
    ]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Index_scan_and_plain_evaluator_agree(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(0, Documents).Select(_ => new[] { Text(random, 6), Array(random) }).ToArray();
        Value Get(int document, AttributeDefinition attribute) => rows[document][attribute.Id - 1];
        using var indexed = new EncodedColumns(Documents, Get);
        using var scanned = new EncodedColumns(Documents, Get, hasIndexes: false);
        int matches = 0;
        for (int i = 0; i < 400; i++)
        {
            var filter = Draw(random);
            Predicate predicate;
            try
            {
                predicate = FilterBinder.Bind(filter, Schema, allowRefNew: false);
            }
            catch (PuffException error) when (error.Kind == ErrorKind.Invalid)
            {
                continue;
            }

            var byIndex = new BitSet(Documents);
            var byScan = new BitSet(Documents);
            predicate.Evaluate(indexed, byIndex, CancellationToken.None);
            predicate.Evaluate(scanned, byScan, CancellationToken.None);
            Assert.True(byScan.Words.SequenceEqual(byIndex.Words), $"{filter.Operator} {filter.Operand.Value.AsString}");
            for (int document = 0; document < Documents; document++)
            {
                int own = document;
                Assert.Equal(byScan[document], predicate.Matches(new Reader(a => Get(own, a)), null));
            }

            matches += byScan.PopCount();
        }

        Assert.True(matches > Documents, $"{matches} matches");
    }

    [Theory]
    [InlineData("abc|def", "abc,def")]
    [InlineData("abc?d", "ab,d")]
    [InlineData("a.b", "a,b")]
    [InlineData("abc+d", "abc,d")]
    [InlineData("ab{0,3}cde", "a,cde")]
    [InlineData("(xyz)?abc", "abc")]
    [InlineData("[xyz]*abc\\.d", "abc.d")]
    [InlineData("\\dabc", "abc")]
    [InlineData("a(?:b|c)de", "a,de")]
    public void Literals_of_regular_expressions(string pattern, string expected) =>
        Assert.Equal(expected, string.Join(',', RegexLiterals.Of(pattern)!.SelectMany(l => l).Select(l => System.Text.Encoding.UTF8.GetString(l))));

    [Theory]
    [InlineData("(?i)abc")]
    [InlineData("\\x41bc")]
    [InlineData("\\p{L}abc")]
    [InlineData("a{b}")]
    [InlineData("(?<name>abc)d")]
    public void Unsure_regular_expressions_have_none(string pattern) => Assert.Null(RegexLiterals.Of(pattern));

    [Theory]
    [InlineData("abc*", "abc", true, "abc")]
    [InlineData("abc", "abc", false, "abc")]
    [InlineData("*abc*de", "", false, "abc,de")]
    [InlineData("{abc,de}fgh", "", false, "fgh")]
    [InlineData("a[bc]d**/e", "a", false, "a,d,/e")]
    [InlineData("**/abc", "", false, "abc")]
    [InlineData("ab?cd", "ab", false, "ab,cd")]
    public void Literals_of_globs(string pattern, string prefix, bool isPrefixOnly, string expected)
    {
        var literals = GlobLiterals.Of(GlobCompiler.Compile(System.Text.Encoding.UTF8.GetBytes(pattern), ignoreCase: false));
        Assert.Equal(prefix, System.Text.Encoding.UTF8.GetString(literals.Prefix));
        Assert.Equal(isPrefixOnly, literals.IsPrefixOnly);
        Assert.Equal(expected, string.Join(',', literals.Literals.Select(l => System.Text.Encoding.UTF8.GetString(l))));
    }

    [Fact]
    public void Letters_that_others_fold_to_are_not_certain()
    {
        var literals = GlobLiterals.Of(GlobCompiler.Compile("mak of abc"u8, ignoreCase: true));
        Assert.Empty(literals.Prefix);
        Assert.Equal(["ma", " of abc"], literals.Literals.Select(l => System.Text.Encoding.UTF8.GetString(l)));
    }

    private static Value Array(Random random) => random.Next(8) == 0
        ? Value.Null
        : Value.StringArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Text(random, 5)).Where(v => !v.IsNull).Select(v => v.AsBytes)]);

    private static Value Text(Random random, int syllables) => random.Next(10) == 0 ? Value.Null : Value.String(Words(random, random.Next(syllables)));

    private static string Words(Random random, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => Syllables[random.Next(Syllables.Length)]));

    private static AttributeFilter Draw(Random random)
    {
        string attribute = random.Next(2) == 0 ? "s" : "a";
        switch (random.Next(6))
        {
            case 0:
                return new AttributeFilter(attribute, FilterOperator.Regex, Value.String(RegexText(random)));
            case 1:
                string query = Words(random, 2 + random.Next(3));
                return new AttributeFilter(attribute, FilterOperator.Fuzzy, Value.String(query))
                {
                    Fuzzy = new FuzzyOptions([new FuzzyDistance(3, 0), new FuzzyDistance(6, 1), new FuzzyDistance(9, 2)], random.Next(2) == 0),
                };
            case 2:
                return new AttributeFilter(attribute, FilterOperator.NotIGlob, Value.String(Glob(random)));
            case 3:
                return new AttributeFilter(attribute, FilterOperator.IGlob, Value.String(Glob(random)));
            default:
                return new AttributeFilter(attribute, FilterOperator.Glob, Value.String(Glob(random)));
        }
    }

    private static string Glob(Random random) => string.Concat(Enumerable.Range(0, 1 + random.Next(4)).Select(_ => random.Next(8) switch
    {
        0 or 1 => "*",
        2 => "?",
        3 => "{zup,ka" + Words(random, 1).Replace('*', 'x') + "}",
        4 => "[k-z]",
        5 => "**/",
        _ => Words(random, 1 + random.Next(2)).Replace('*', 'x'),
    }));

    private static string RegexText(Random random) => string.Concat(Enumerable.Range(0, 1 + random.Next(4)).Select(_ => random.Next(9) switch
    {
        0 => ".*",
        1 => "(zup|ka)?",
        2 => "[k-z]",
        3 => "|",
        4 => "\\.",
        5 => "{0,2}",
        6 => "+",
        _ => Words(random, 1 + random.Next(2)).Replace("*", "?", StringComparison.Ordinal),
    }));

    private sealed class Reader(Func<AttributeDefinition, Value> get) : IAttributeReader
    {
        public Value Get(AttributeDefinition attribute) => get(attribute);
    }
}
