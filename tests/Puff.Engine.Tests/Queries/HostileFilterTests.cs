using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Filters built to explode are refused or answered with bounded work and memory, counted in steps and allocated bytes, through the indexes of a segment and
/// row by row in a tail.
/// </summary>
public sealed class HostileFilterTests
{
    private const int Documents = 90;
    private const int LongText = 800;
    private const long Megabyte = 1 << 20;

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|aa)+$")]
    [InlineData("((a*)*)*b")]
    [InlineData("(a+a+)+b")]
    [InlineData("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^a]b")]
    [InlineData("(a|b)*a(a|b){200}c")]
    [InlineData("(a?){200}a{200}b")]
    public void Nested_quantifiers_run_in_bounded_memory(string pattern)
    {
        using var space = Texts();
        Assert.InRange(Allocated(space, Where("s", FilterOperator.Regex, Value.String(pattern))), 0, 64 * Megabyte);
    }

    [Fact]
    public void Long_patterns_are_answered_or_refused()
    {
        using var space = Texts();
        int limit = GlobCompiler.MaxPatternChars;
        string[] globs = [new string('a', limit), new string('?', limit), new string('*', limit), Repeat("[ab]", limit), Repeat("{a,b}", limit)];
        foreach (string pattern in globs)
        {
            Assert.InRange(Allocated(space, Where("s", FilterOperator.Glob, Value.String(pattern))), 0, 64 * Megabyte);
        }

        foreach (string pattern in new[] { new string('a', limit), new string('.', limit), Repeat("a?", limit), Repeat("(a)", limit) })
        {
            Assert.InRange(Allocated(space, Where("s", FilterOperator.Regex, Value.String(pattern))), 0, 256 * Megabyte);
        }

        var fuzzy = new AttributeFilter("s", FilterOperator.Fuzzy, Value.String(new string('b', limit)))
        {
            Fuzzy = new FuzzyOptions([new FuzzyDistance(9, 2)]),
        };
        Assert.InRange(Allocated(space, fuzzy), 0, 64 * Megabyte);
        space.Fails(ErrorKind.Invalid, "8192 characters", Count(Where("s", FilterOperator.Glob, Value.String(new string('a', limit + 1)))));
        space.Fails(ErrorKind.Invalid, "8192 characters", Count(Where("s", FilterOperator.Regex, Value.String(new string('a', limit + 1)))));
    }

    [Fact]
    public void A_glob_that_keeps_too_many_ways_open_is_refused_after_counted_steps()
    {
        byte[] pattern = System.Text.Encoding.UTF8.GetBytes(Repeat("*a?", GlobCompiler.MaxPatternChars - 2) + "b");
        var program = GlobCompiler.Compile(pattern, ignoreCase: false);
        byte[] text = System.Text.Encoding.UTF8.GetBytes(new string('a', LongText));
        void Try()
        {
            while (program.Characters < GlobProgram.FreeSteps)
            {
                Assert.False(program.Matches(text));
            }
        }

        var error = Assert.Throws<PuffException>(Try);
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        long allowed = GlobProgram.FreeSteps + program.Characters * GlobProgram.StepsOfCharacter;
        Assert.InRange(program.Steps, GlobProgram.FreeSteps, allowed + pattern.Length);

        using var space = Texts();
        space.Fails(ErrorKind.Invalid, "too many ways", Count(Where("s", FilterOperator.Glob, Value.Utf8(pattern))));
    }

    [Fact]
    public void Ordinary_globs_are_never_refused()
    {
        var program = GlobCompiler.Compile("*turbo?uf*[a-f]{er,in}"u8, ignoreCase: true);
        byte[] text = System.Text.Encoding.UTF8.GetBytes(Repeat("turbo turbopuff ", LongText));
        while (program.Steps < 4 * GlobProgram.FreeSteps / 16 && program.Characters < 1_000_000)
        {
            program.Matches(text);
        }

        Assert.InRange(program.Steps, 0, program.Characters * GlobProgram.StepsOfCharacter / 4);
    }

    [Fact]
    public void Many_branches_are_answered_or_refused()
    {
        using var space = Texts();
        Filter Equal(int i) => Where("n", FilterOperator.Eq, Value.Int(i));
        var most = new OrFilter([.. Enumerable.Range(0, FilterBinder.MaxNodes - 1).Select(Equal)]);
        Assert.InRange(Allocated(space, most), 0, 32 * Megabyte);
        Assert.Equal(Documents, space.Query(Count(most)).Aggregations!.Single().Value.AsInt);
        space.Fails(ErrorKind.Invalid, "at most 10000 conditions", Count(new OrFilter([.. Enumerable.Range(0, 10_000).Select(Equal)])));

        Filter Glob(int i) => Where("s", FilterOperator.Glob, Value.String($"*a?{i}*"));
        Assert.InRange(Allocated(space, new OrFilter([.. Enumerable.Range(0, FilterBinder.MaxPatterns).Select(Glob)])), 0, 64 * Megabyte);
        space.Fails(ErrorKind.Invalid, "at most 256 patterns", Count(new OrFilter([.. Enumerable.Range(0, FilterBinder.MaxPatterns + 1).Select(Glob)])));
        Filter Regex(int i) => Where("s", FilterOperator.Regex, Value.String($"(a{{40}}){{100}}{i}"));
        space.Fails(ErrorKind.Invalid, "states together", Count(new OrFilter([.. Enumerable.Range(0, 12).Select(Regex)])));
    }

    [Fact]
    public void Long_lists_cost_memory_in_proportion()
    {
        using var space = Texts();
        const int Values = 100_000;
        var numbers = Value.Array([.. Enumerable.Range(0, Values).Select(i => (long)i * 2)]);
        var texts = Value.StringArray([.. Enumerable.Range(0, Values).Select(i => System.Text.Encoding.UTF8.GetBytes($"t{i * 3}"))]);
        (Filter Filter, int Matches)[] cases =
        [
            (Where("n", FilterOperator.In, numbers), Documents / 2), (Where("n", FilterOperator.NotIn, numbers), Documents / 2),
            (Where("tags", FilterOperator.ContainsAny, texts), (Documents + 2) / 3), (Where("tags", FilterOperator.In, texts), (Documents + 2) / 3),
        ];
        foreach (var (filter, matches) in cases)
        {
            Assert.InRange(Allocated(space, filter), 0, 100L * Values);
            Assert.Equal(matches, space.Query(Count(filter)).Aggregations!.Single().Value.AsInt);
        }
    }

    [Fact]
    public void Depth_is_bounded()
    {
        using var space = Texts();
        Filter deep = Where("n", FilterOperator.Eq, Value.Int(1));
        for (int i = 0; i < 1_000; i++)
        {
            deep = i % 2 == 0 ? new NotFilter(deep) : new OrFilter([deep]);
        }

        space.Fails(ErrorKind.Invalid, "nested at most 64 deep", Count(deep));
    }

    private static string Repeat(string text, int characters) => string.Concat(Enumerable.Repeat(text, characters / text.Length));

    private static Filter Where(string attribute, FilterOperator @operator, Value operand) => new AttributeFilter(attribute, @operator, operand);

    private static QueryRequest Count(Filter filter) => new() { Filters = filter, AggregateBy = [new Aggregation("n", AggregateFunction.Count, null)] };

    /// <summary>Bytes that a count under the filter allocates; 0 if it is refused.</summary>
    private static long Allocated(QueryFixture space, Filter filter)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            space.Query(Count(filter));
        }
        catch (PuffException refused) when (refused.Kind == ErrorKind.Invalid)
        {
            return 0;
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static QueryFixture Texts()
    {
        var schema = new NamespaceSchema(IdKind.UInt, null,
        [
            QueryFixture.Attribute(1, "s", TypeKind.String) with { Glob = true, Regex = true, Fuzzy = true },
            QueryFixture.Attribute(2, "n", TypeKind.Int), QueryFixture.Attribute(3, "tags", TypeKind.StringArray),
        ]);
        FakeDocument[] rows = [.. Enumerable.Range(0, Documents).Select(i => QueryFixture.Row(
            (ulong)i, ("s", Value.String(new string('a', LongText) + i)), ("n", Value.Int(i)), ("tags", AggregationTests.Tags($"t{i}"))))];
        return new QueryFixture(schema).Add(rows[..(Documents - 20)], isTail: false).Add(rows[(Documents - 20)..], isTail: true);
    }
}
