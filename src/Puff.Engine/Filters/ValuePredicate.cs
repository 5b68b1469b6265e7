using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A scalar attribute's value passes a test; documents without a value never match.</summary>
internal sealed class ValuePredicate(AttributeDefinition attribute, ValueMatcher matcher) : Predicate
{
    /// <summary>Documents looked at one by one before a pass over the column, or over an index of text, is worth it.</summary>
    private const int MaxOneByOne = 512;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(attribute);
        return !value.IsNull && matcher.Matches(value);
    }

    public override FilterCost CostOf(IColumnSource columns)
    {
        bool isIndexed = columns.GetIndex(attribute) is not null;
        return matcher.Cost switch
        {
            MatcherCost.Number => isIndexed ? FilterCost.Indexed : FilterCost.ScanNumbers,
            MatcherCost.Bytes => isIndexed ? FilterCost.Indexed : FilterCost.ScanBytes,
            _ => isIndexed ? FilterCost.IndexedPattern : FilterCost.ScanPattern,
        };
    }

    public override void Explain(IColumnSource columns, FilterPlan plan)
    {
        if (Find(columns, out var index) is { } runs)
        {
            plan.AddIndex(attribute, runs, index!.Values);
        }
        else
        {
            plan.AddScan(attribute);
        }
    }

    public override void Refine(IColumnSource columns, BitSet result)
    {
        int left = CostOf(columns) switch
        {
            FilterCost.Indexed => 0,
            FilterCost.IndexedPattern => MaxOneByOne,
            _ => result.Count / 64,
        };
        if (left == 0 || result.PopCount() > left)
        {
            base.Refine(columns, result);
            return;
        }

        var column = columns.GetColumn(attribute);
        for (int document = result.NextSet(0); document >= 0; document = result.NextSet(document + 1))
        {
            result[document] = column is not null && column.Present[document] && matcher.Matches(column, document);
        }
    }

    public override bool TryAddFew(IColumnSource columns, BitSet result) => Find(columns, out var index) is { } runs && runs.TryAddFew(index!, result);

    public override void Evaluate(IColumnSource columns, BitSet result)
    {
        if (Find(columns, out var index) is { } runs)
        {
            runs.Collect(index!, result);
            return;
        }

        if (columns.GetColumn(attribute) is { } column)
        {
            matcher.Evaluate(column, result.Words);
            result.And(column.Present);
        }
        else
        {
            result.ClearAll();
        }
    }

    /// <summary>The values that match, by the index; null when the column is to be scanned.</summary>
    private OrdinalRuns? Find(IColumnSource columns, out AttributeIndex? index)
    {
        index = columns.GetIndex(attribute);
        if (index is null)
        {
            return null;
        }

        var runs = new OrdinalRuns();
        return matcher.TryFind(index, runs) ? runs : null;
    }
}
