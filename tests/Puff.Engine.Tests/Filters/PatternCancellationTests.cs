using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Queries;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Filters;

/// <summary>One test of a hostile pattern may take long: a query that is cancelled meanwhile tests no further value, however many there are.</summary>
public sealed class PatternCancellationTests
{
    private const int Documents = 4_000;
    private const int TestsBeforeCancellation = 5;

    private static readonly AttributeDefinition Text = new(1, "s", new AttributeType(TypeKind.String)) { Filterable = true, Regex = true };
    private static readonly AttributeDefinition Texts = new(2, "a", new AttributeType(TypeKind.StringArray)) { Filterable = true, Regex = true };

    /// <summary>Values: few different ones are tested by the index, many by the column, and those with a piece by the index of pieces.</summary>
    [Theory]
    [InlineData(500, null)]
    [InlineData(Documents, null)]
    [InlineData(Documents, "abc")]
    public void A_cancelled_scan_stops_with_the_value_at_hand(int values, string? piece)
    {
        using var columns = new EncodedColumns(Documents, (document, attribute) => ValueOf(attribute, document % values));
        foreach (var attribute in new[] { Text, Texts })
        {
            AssertStops(piece, (matcher, token) => Predicate(attribute, matcher).Evaluate(columns, new BitSet(Documents), token));
            AssertStops(piece, (matcher, token) => new NotPredicate(Predicate(attribute, matcher)).Evaluate(columns, new BitSet(Documents), token));
            AssertStops(piece, (matcher, token) =>
                new AndPredicate([ConstantPredicate.All, Predicate(attribute, matcher)]).Evaluate(columns, new BitSet(Documents), token));
            AssertStops(piece, (matcher, token) =>
                new OrPredicate([ConstantPredicate.None, Predicate(attribute, matcher)]).Evaluate(columns, new BitSet(Documents), token));
        }
    }

    [Fact]
    public void A_plan_that_tries_a_pattern_stops_too()
    {
        using var columns = new EncodedColumns(Documents, (document, attribute) => ValueOf(attribute, document % 500));
        AssertStops(null, (matcher, token) => Predicate(Text, matcher).Explain(columns, new FilterPlan(), token));
    }

    [Fact]
    public void Documents_of_the_tail_are_no_exception()
    {
        using var fixture = new QueryFixture(new NamespaceSchema(IdKind.UInt, null, [Text]));
        fixture.Add([.. Enumerable.Range(0, 100).Select(d => QueryFixture.Row((ulong)d, ("s", ValueOf(Text, d))))], isTail: true);
        var tail = fixture.Snapshot.Sets[0];
        AssertStops(null, (matcher, token) => SetView.Evaluate(tail, Predicate(Text, matcher), tail.Live, token));
    }

    [Fact]
    public void Without_cancellation_every_value_is_tested()
    {
        using var columns = new EncodedColumns(Documents, (document, attribute) => ValueOf(attribute, document), hasIndexes: false);
        var matcher = new CountingMatcher(null, null);
        var result = new BitSet(Documents);
        Predicate(Text, matcher).Evaluate(columns, result, TestContext.Current.CancellationToken);
        Assert.Equal(Documents, matcher.Tests);
        Assert.Equal(Documents, result.PopCount());
    }

    private static void AssertStops(string? piece, Action<ValueMatcher, CancellationToken> evaluate)
    {
        using var source = new CancellationTokenSource();
        var matcher = new CountingMatcher(source, piece);
        Assert.Throws<OperationCanceledException>(() => evaluate(matcher, source.Token));
        Assert.Equal(TestsBeforeCancellation, matcher.Tests);
    }

    private static IndexedPredicate Predicate(AttributeDefinition attribute, ValueMatcher matcher) =>
        attribute.Type.IsArray ? new AnyElementPredicate(attribute, matcher) : new ValuePredicate(attribute, matcher);

    private static Value ValueOf(AttributeDefinition attribute, int number)
    {
        string text = number % 10 == 0 ? $"abc {number}" : $"value {number}";
        return attribute.Type.IsArray ? Value.StringArray([System.Text.Encoding.UTF8.GetBytes(text)]) : Value.String(text);
    }

    /// <summary>Cancels the query in the middle of its fifth test.</summary>
    private sealed class CountingMatcher : PatternMatcher
    {
        private readonly CancellationTokenSource? source;

        public CountingMatcher(CancellationTokenSource? source, string? piece)
        {
            this.source = source;
            Pieces = piece is null ? null : TextPieces.TryCreate([[System.Text.Encoding.UTF8.GetBytes(piece)]]);
        }

        public int Tests { get; private set; }

        protected override bool Matches(ReadOnlySpan<byte> value)
        {
            if (++Tests == TestsBeforeCancellation)
            {
                source?.Cancel();
            }

            return true;
        }
    }
}
