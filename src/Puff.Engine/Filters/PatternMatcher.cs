using Puff.Engine.Formats;

namespace Puff.Engine.Filters;

/// <summary>
/// A test of text that an index narrows down: to the values that begin with a prefix, and to those that contain pieces of the pattern. What is left is tested
/// value by value.
/// </summary>
internal abstract class PatternMatcher : BytesValueMatcher
{
    /// <summary>Values that pass begin so.</summary>
    protected byte[] Prefix { get; init; } = [];

    /// <summary>All values that begin with <see cref="Prefix"/> pass.</summary>
    protected bool IsPrefixOnly { get; init; }

    /// <summary>Null when any value with the prefix may pass.</summary>
    protected TextPieces? Pieces { get; init; }

    public override MatcherCost Cost => MatcherCost.Pattern;

    public sealed override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        var (first, end) = FindPrefix(index);
        if (IsPrefixOnly && Prefix.Length > 0 && Prefix[^1] != byte.MaxValue)
        {
            runs.Add(first, end);
            return true;
        }

        // Values in their own order lie anywhere in the column: a quarter of them costs as much as all in the order of documents.
        int worthwhile = Math.Max(index.Documents / 4, AttributeFormat.MinGramValues);
        if (Pieces is not null && index.Grams is { } grams && end - first > AttributeFormat.MinGramValues
            && Pieces.FindCandidates(grams, Math.Min(worthwhile, (end - first) * 4L), cancellation) is { } candidates)
        {
            TestAll(index, candidates, first, end, runs, cancellation);
            return true;
        }

        if (end - first > worthwhile)
        {
            return false;
        }

        var values = (BytesColumn)index.Rows;
        for (int ordinal = first; ordinal < end; ordinal++)
        {
            // A hostile pattern takes so long with one value that each is worth a look.
            cancellation.ThrowIfCancellationRequested();
            if (Matches(values.Get(index.RowOf(ordinal))))
            {
                runs.Add(ordinal, ordinal + 1);
            }
        }

        return true;
    }

    private void TestAll(AttributeIndex index, List<int> candidates, int first, int end, OrdinalRuns runs, CancellationToken cancellation)
    {
        var values = (BytesColumn)index.Rows;
        foreach (int ordinal in candidates)
        {
            cancellation.ThrowIfCancellationRequested();
            if (ordinal >= first && ordinal < end && Matches(values.Get(index.RowOf(ordinal))))
            {
                runs.Add(ordinal, ordinal + 1);
            }
        }
    }

    private (int First, int End) FindPrefix(AttributeIndex index)
    {
        if (Prefix.Length == 0 || Prefix[^1] == byte.MaxValue)
        {
            return (0, index.Values);
        }

        byte[] behind = [.. Prefix];
        behind[^1]++;
        return (index.Find(Prefix).Ordinal, index.Find(behind).Ordinal);
    }
}
