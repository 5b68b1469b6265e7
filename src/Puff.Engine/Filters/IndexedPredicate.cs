using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A test of values, of an attribute or of its elements, that the attribute's index answers when there is one and the matcher can use it.</summary>
internal abstract class IndexedPredicate(AttributeDefinition attribute, ValueMatcher matcher) : Predicate
{
    protected AttributeDefinition Attribute => attribute;

    protected ValueMatcher Matcher => matcher;

    public sealed override FilterCost CostOf(IColumnSource columns)
    {
        bool isIndexed = columns.GetIndex(attribute) is not null;
        return matcher.Cost switch
        {
            MatcherCost.Number => isIndexed ? FilterCost.Indexed : FilterCost.ScanNumbers,
            MatcherCost.Bytes => isIndexed ? FilterCost.Indexed : FilterCost.ScanBytes,
            _ => isIndexed ? FilterCost.IndexedPattern : FilterCost.ScanPattern,
        };
    }

    public sealed override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation)
    {
        if (Find(columns, out var index, cancellation) is { } runs)
        {
            plan.AddIndex(attribute, runs, index!.Values);
        }
        else
        {
            plan.AddScan(attribute);
        }
    }

    public sealed override bool TryAddFew(IColumnSource columns, BitSet result, CancellationToken cancellation) =>
        Find(columns, out var index, cancellation) is { } runs && runs.TryAddFew(index!, result);

    /// <summary>The values that match, by the index; null when the column is to be scanned.</summary>
    protected OrdinalRuns? Find(IColumnSource columns, out AttributeIndex? index, CancellationToken cancellation)
    {
        index = columns.GetIndex(attribute);
        if (index is null)
        {
            return null;
        }

        var runs = new OrdinalRuns();
        return matcher.TryFind(index, runs, cancellation) ? runs : null;
    }
}
