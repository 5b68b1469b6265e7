using Puff.Engine.Formats;

namespace Puff.Engine.Filters;

/// <summary>Compares strings or UUIDs bytewise with one operand.</summary>
internal sealed class BytesMatcher(Comparison comparison, byte[] operand) : BytesValueMatcher
{
    public override MatcherCost Cost => MatcherCost.Bytes;

    public override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        var (ordinal, isEqual) = index.Find(operand);
        runs.AddComparison(comparison, ordinal, isEqual, index.Values);
        return true;
    }

    protected override bool Matches(ReadOnlySpan<byte> value) => comparison switch
    {
        // Unequal lengths are settled without touching the bytes.
        Comparison.Equal => value.SequenceEqual(operand),
        Comparison.Greater => value.SequenceCompareTo(operand) > 0,
        _ => value.SequenceCompareTo(operand) >= 0,
    };
}
