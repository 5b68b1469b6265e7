using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A test of one non-null scalar: of a scalar attribute's value, or of each element of an array. Immutable.</summary>
internal abstract class ValueMatcher
{
    /// <summary>What one test costs.</summary>
    public abstract MatcherCost Cost { get; }

    /// <param name="value">At the kind the matcher was made for.</param>
    public abstract bool Matches(in Value value);

    /// <param name="column">Of the kind the matcher was made for.</param>
    /// <param name="row">A row that has a value.</param>
    public abstract bool Matches(Column column, int row);

    /// <summary>
    /// Finds the values that pass among the different values of an index, into <paramref name="runs"/>, which is empty. False, with anything in the runs, when
    /// scanning the column is as good.
    /// </summary>
    public abstract bool TryFind(AttributeIndex index, OrdinalRuns runs, CancellationToken cancellation);

    /// <summary>Overwrites <paramref name="words"/> with one bit a row; the bits of absent rows may be anything, those beyond the last row are zero.</summary>
    public abstract void Evaluate(Column column, Span<ulong> words, CancellationToken cancellation);
}

/// <summary>What it costs to test one value.</summary>
internal enum MatcherCost
{
    Number,
    Bytes,
    Pattern,
}
