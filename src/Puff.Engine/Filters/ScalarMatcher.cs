using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Compares 64-bit scalars with one operand: integers and datetimes signed, uint unsigned, float by value, false below true.</summary>
/// <typeparam name="TLane">The comparison.</typeparam>
internal sealed class ScalarMatcher<TLane>(TypeKind kind, Comparison comparison, long operand) : ValueMatcher
    where TLane : struct, ScalarLanes.ILane
{
    public override bool Matches(in Value value) => TLane.Test(value.ScalarBits, operand);

    public override bool Matches(Column column, int row) => TLane.Test(((ScalarColumn)column).Values[row], operand);

    public override MatcherCost Cost => MatcherCost.Number;

    public override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        var (ordinal, isEqual) = index.Find(ScalarOrder.SortableBits(kind, operand));
        runs.AddComparison(comparison, ordinal, isEqual, index.Values);
        return true;
    }

    public override void Evaluate(Column column, Span<ulong> words, CancellationToken cancellation) =>
        ScalarLanes.Compare<TLane>(((ScalarColumn)column).Values, operand, words, accumulate: false);
}

/// <summary>Chooses the matcher for a kind of scalar.</summary>
internal static class ScalarMatcher
{
    public static ValueMatcher Create(TypeKind kind, Comparison comparison, long operand) => (kind, comparison) switch
    {
        (TypeKind.Float, Comparison.Equal) => new ScalarMatcher<ScalarLanes.FloatEqual>(kind, comparison, operand),
        (TypeKind.Float, Comparison.Greater) => new ScalarMatcher<ScalarLanes.FloatGreater>(kind, comparison, operand),
        (TypeKind.Float, Comparison.GreaterOrEqual) => new ScalarMatcher<ScalarLanes.FloatGreaterOrEqual>(kind, comparison, operand),
        (_, Comparison.Equal) => new ScalarMatcher<ScalarLanes.Equal>(kind, comparison, operand),
        (TypeKind.UInt, Comparison.Greater) => new ScalarMatcher<ScalarLanes.UnsignedGreater>(kind, comparison, operand),
        (TypeKind.UInt, Comparison.GreaterOrEqual) => new ScalarMatcher<ScalarLanes.UnsignedGreaterOrEqual>(kind, comparison, operand),
        (_, Comparison.Greater) => new ScalarMatcher<ScalarLanes.SignedGreater>(kind, comparison, operand),
        _ => new ScalarMatcher<ScalarLanes.SignedGreaterOrEqual>(kind, comparison, operand),
    };
}
