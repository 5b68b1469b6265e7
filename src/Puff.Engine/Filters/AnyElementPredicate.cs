using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Some element of an array attribute passes a test; documents without a value, or with an empty array, never match.</summary>
internal sealed class AnyElementPredicate(AttributeDefinition attribute, ValueMatcher matcher) : IndexedPredicate(attribute, matcher)
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(Attribute);
        int count = value.IsNull ? 0 : value.ElementCount;
        for (int i = 0; i < count; i++)
        {
            if (Matcher.Matches(value.ElementAt(i)))
            {
                return true;
            }
        }

        return false;
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        result.ClearAll();
        var column = columns.GetColumn(Attribute);
        if (column is not ArrayColumn array || array.Kind == TypeKind.UnknownArray || array.Elements.Count == 0)
        {
            return;
        }

        if (Find(columns, out var index, cancellation) is { } runs)
        {
            runs.Collect(index!, result);
            return;
        }

        var elements = new BitSet(array.Elements.Count);
        Matcher.Evaluate(array.Elements, elements.Words, cancellation);
        elements.And(array.Elements.Present);

        // Documents own consecutive ranges, so the next match is never before the range at hand.
        int next = elements.NextSet(0);
        for (int document = 0; next >= 0 && document < array.Count; document++)
        {
            int end = array.GetRange(document).End;
            if (next < end)
            {
                result[document] = true;
                next = elements.NextSet(end);
            }
        }
    }
}
