namespace Puff.Engine.Formats;

/// <summary>A zone map: least and greatest value of every 4,096 documents of a column of scalars, made by one pass when it is first asked for.</summary>
internal sealed class ColumnZones
{
    /// <summary>Documents of a zone, as a power of two: those of a window of a text search.</summary>
    public const int Shift = 12;

    private readonly (long Least, long Greatest)?[] zones;

    public ColumnZones(ScalarColumn column)
    {
        zones = new (long, long)?[(column.Count + (1 << Shift) - 1) >> Shift];
        var values = column.Values;
        for (int zone = 0; zone < zones.Length; zone++)
        {
            int first = zone << Shift;
            zones[zone] = Ends(column, values, first, Math.Min(first + (1 << Shift), column.Count));
        }
    }

    /// <summary>The ends of the values of documents from one on up to, but not including, another, or of some more around them. Null without a value.</summary>
    public (long Least, long Greatest)? Ends(ScalarColumn column, int first, int end)
    {
        (long Least, long Greatest)? ends = null;
        for (int zone = first >> Shift; zone < zones.Length && zone << Shift < end; zone++)
        {
            if (zones[zone] is { } own)
            {
                ends = ends is { } known ? (Lesser(column, known.Least, own.Least), Greater(column, known.Greatest, own.Greatest)) : own;
            }
        }

        return ends;
    }

    private static (long Least, long Greatest)? Ends(ScalarColumn column, ReadOnlySpan<long> values, int first, int end)
    {
        (long Least, long Greatest) ends = default;
        ulong least = ulong.MaxValue, greatest = 0;
        bool isEmpty = true;
        for (int document = column.Present.NextSet(first); document >= 0 && document < end; document = column.Present.NextSet(document + 1))
        {
            ulong order = ScalarOrder.SortableBits(column.Kind, values[document]);
            isEmpty = false;
            if (order <= least)
            {
                (least, ends.Least) = (order, values[document]);
            }

            if (order >= greatest)
            {
                (greatest, ends.Greatest) = (order, values[document]);
            }
        }

        return isEmpty ? null : ends;
    }

    private static long Lesser(ScalarColumn column, long left, long right) =>
        ScalarOrder.SortableBits(column.Kind, left) <= ScalarOrder.SortableBits(column.Kind, right) ? left : right;

    private static long Greater(ScalarColumn column, long left, long right) => Lesser(column, left, right) == left ? right : left;
}
