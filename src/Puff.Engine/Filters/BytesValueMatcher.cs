using System.Numerics;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A matcher over strings or UUIDs, which sees one value's bytes at a time.</summary>
internal abstract class BytesValueMatcher : ValueMatcher
{
    public sealed override bool Matches(in Value value) => Matches(value.AsBytes);

    public sealed override bool Matches(Column column, int row) => Matches(((BytesColumn)column).Get(row));

    public sealed override void Evaluate(Column column, Span<ulong> words, CancellationToken cancellation)
    {
        var bytes = (BytesColumn)column;
        bool isSlow = Cost == MatcherCost.Pattern;
        ReadOnlySpan<ulong> present = column.Present.Words;
        for (int w = 0; w < words.Length; w++)
        {
            cancellation.ThrowIfCancellationRequested();
            ulong matches = 0;
            for (ulong rest = present[w]; rest != 0; rest &= rest - 1)
            {
                if (isSlow)
                {
                    cancellation.ThrowIfCancellationRequested();
                }

                int bit = BitOperations.TrailingZeroCount(rest);
                if (Matches(bytes.Get((w << 6) + bit)))
                {
                    matches |= 1UL << bit;
                }
            }

            words[w] = matches;
        }
    }

    protected abstract bool Matches(ReadOnlySpan<byte> value);
}
