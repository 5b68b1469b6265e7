using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Elements that another matcher rejects; elements are never null.</summary>
internal sealed class ComplementMatcher(ValueMatcher matcher) : ValueMatcher
{
    public override bool Matches(in Value value) => !matcher.Matches(value);

    public override bool Matches(Column column, int row) => !matcher.Matches(column, row);

    public override MatcherCost Cost => matcher.Cost;

    public override bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation)
    {
        if (!matcher.TryFind(index, runs, cancellation))
        {
            return false;
        }

        runs.Complement(index.Values);
        return true;
    }

    public override void Evaluate(Column column, Span<ulong> words, CancellationToken cancellation)
    {
        matcher.Evaluate(column, words, cancellation);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = ~words[i] & column.Present.Words[i];
        }
    }
}
