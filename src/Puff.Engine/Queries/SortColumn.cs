using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>A scalar or bytes column as a sort key: values compare by a 64-bit prefix first, bytes then in place. Nulls sort before everything.</summary>
internal sealed class SortColumn
{
    private readonly BitSet? present;
    private readonly ScalarColumn? scalars;
    private readonly BytesColumn? bytes;
    private readonly TypeKind kind;

    /// <param name="column">Null when no document has a value.</param>
    public SortColumn(Column? column)
    {
        present = column?.Present;
        kind = column?.Kind ?? default;
        scalars = column as ScalarColumn;
        bytes = column as BytesColumn;
        if (column is not null && scalars is null && bytes is null)
        {
            throw new InvalidOperationException($"a column of {column.Kind} has no order");
        }
    }

    /// <summary>The order-preserving beginning of a value: different prefixes decide, equal prefixes of bytes do not. False for null.</summary>
    public bool TryGetPrefix(int document, out ulong prefix)
    {
        if (present is null || !present[document])
        {
            prefix = 0;
            return false;
        }

        prefix = scalars is not null ? ScalarOrder.SortableBits(kind, scalars.Values[document]) : ScalarOrder.PrefixOf(bytes!.Get(document));
        return true;
    }

    public int Compare(int document, SortColumn other, int otherDocument)
    {
        bool isPresent = TryGetPrefix(document, out ulong prefix);
        bool isOtherPresent = other.TryGetPrefix(otherDocument, out ulong otherPrefix);
        if (!isPresent || !isOtherPresent)
        {
            return isPresent.CompareTo(isOtherPresent);
        }

        int order = prefix.CompareTo(otherPrefix);
        return order != 0 || bytes is null ? order : bytes.Get(document).SequenceCompareTo(other.bytes!.Get(otherDocument));
    }
}
