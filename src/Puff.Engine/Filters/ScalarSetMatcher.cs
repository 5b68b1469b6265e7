using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>The 64-bit scalar is one of a list. A short list is compared lane by lane, a long one looked up.</summary>
internal sealed class ScalarSetMatcher : ValueMatcher
{
    // A pass of four lanes an instruction costs about a tenth of a hash look-up a row.
    private const int MaxLanePasses = 8;

    private const long NegativeZero = long.MinValue;

    private readonly TypeKind kind;
    private readonly bool isFloat;
    private readonly HashSet<long> set;

    public ScalarSetMatcher(TypeKind kind, IEnumerable<long> operands)
    {
        this.kind = kind;
        isFloat = kind == TypeKind.Float;
        set = [.. operands.Select(Normalise)];
    }

    public override bool Matches(in Value value) => set.Contains(Normalise(value.ScalarBits));

    public override bool Matches(Column column, int row) => set.Contains(Normalise(((ScalarColumn)column).Values[row]));

    public override MatcherCost Cost => MatcherCost.Number;

    public override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        var ordinals = new List<int>(set.Count);
        foreach (long operand in set)
        {
            var (ordinal, isEqual) = index.Find(ScalarOrder.SortableBits(kind, operand));
            if (isEqual)
            {
                ordinals.Add(ordinal);
            }
        }

        runs.AddAll(ordinals);
        return true;
    }

    public override void Evaluate(Column column, Span<ulong> words, CancellationToken cancellation)
    {
        var values = ((ScalarColumn)column).Values;
        words.Clear();
        if (set.Count > MaxLanePasses)
        {
            LookUp(values, words);
            return;
        }

        foreach (long operand in set)
        {
            if (isFloat)
            {
                ScalarLanes.Compare<ScalarLanes.FloatEqual>(values, operand, words, accumulate: true);
            }
            else
            {
                ScalarLanes.Compare<ScalarLanes.Equal>(values, operand, words, accumulate: true);
            }
        }
    }

    private void LookUp(ReadOnlySpan<long> values, Span<ulong> words)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (set.Contains(Normalise(values[i])))
            {
                words[i >> 6] |= 1UL << i;
            }
        }
    }

    /// <summary>-0.0 equals 0.0 although its bits differ.</summary>
    private long Normalise(long bits) => isFloat && bits == NegativeZero ? 0 : bits;
}
