using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>The attribute's array has exactly these elements in this order; documents without a value never match.</summary>
internal sealed class ArrayEqualPredicate : Predicate
{
    private readonly AttributeDefinition attribute;
    private readonly ValueMatcher[] elements;

    /// <param name="attribute">An array attribute.</param>
    /// <param name="elements">A test for equality for each element.</param>
    public ArrayEqualPredicate(AttributeDefinition attribute, ValueMatcher[] elements)
    {
        this.attribute = attribute;
        this.elements = elements;
    }

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(attribute);
        if (value.IsNull || value.ElementCount != elements.Length)
        {
            return false;
        }

        for (int i = 0; i < elements.Length; i++)
        {
            if (!elements[i].Matches(value.ElementAt(i)))
            {
                return false;
            }
        }

        return true;
    }

    public override FilterCost CostOf(IColumnSource columns) =>
        elements.Length > 0 && columns.GetIndex(attribute) is not null ? FilterCost.Indexed : FilterCost.ScanBytes;

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation)
    {
        var runs = new OrdinalRuns();
        if (elements.Length > 0 && columns.GetIndex(attribute) is { } index && elements[0].TryFind(index, runs, cancellation))
        {
            plan.AddIndex(attribute, runs, index.Values);
        }
        else
        {
            plan.AddScan(attribute);
        }
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        result.ClearAll();
        var column = columns.GetColumn(attribute);
        if (column is null)
        {
            return;
        }

        if (column.Kind == TypeKind.UnknownArray)
        {
            if (elements.Length == 0)
            {
                result.CopyFrom(column.Present);
            }

            return;
        }

        var array = (ArrayColumn)column;
        var runs = new OrdinalRuns();
        if (elements.Length > 0 && columns.GetIndex(attribute) is { } index && elements[0].TryFind(index, runs, cancellation))
        {
            runs.Collect(index, result);
        }
        else
        {
            result.CopyFrom(array.Present);
        }

        for (int document = result.NextSet(0); document >= 0; document = result.NextSet(document + 1))
        {
            var (start, end) = array.GetRange(document);
            result[document] = end - start == elements.Length && AllEqual(array.Elements, start);
        }
    }

    private bool AllEqual(Column column, int start)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            if (!elements[i].Matches(column, start + i))
            {
                return false;
            }
        }

        return true;
    }
}
