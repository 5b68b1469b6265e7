using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Which entries nobody needs any more. A mark through 0 says when the epoch began, for the sake of the entries of those before.</summary>
/// <param name="PublishedAtMs">A time at which the mark was known to be published; 0: this manifest is the first with it.</param>
internal readonly record struct TrimMark(long Through, long PublishedAtMs)
{
    /// <summary>
    /// The marks with times. Of marks whose times are close together, and of those whose grace is over, only the furthest stays: it covers the entries of the
    /// others, at worst a little later than they would have.
    /// </summary>
    public static IReadOnlyList<TrimMark> Dated(IReadOnlyList<TrimMark> marks, long publishedByMs, TimeSpan grace)
    {
        long slot = RetiredObjects.SlotOf(grace);
        long overBefore = publishedByMs - (long)grace.TotalMilliseconds;
        return marks.Select(t => t.PublishedAtMs == 0 ? t with { PublishedAtMs = publishedByMs } : t)
            .GroupBy(t => t.Through == 0 ? -2 : t.PublishedAtMs < overBefore ? -1 : t.PublishedAtMs / slot)
            .Select(g => new TrimMark(g.Max(t => t.Through), g.Max(t => t.PublishedAtMs)))
            .OrderBy(t => t.Through).ToArray();
    }

    public static void WriteList(ByteWriter writer, IReadOnlyList<TrimMark> marks)
    {
        writer.Varint((ulong)marks.Count);
        foreach (var mark in marks)
        {
            writer.Int64(mark.Through);
            writer.Int64(mark.PublishedAtMs);
        }
    }

    public static List<TrimMark> ReadList(ref ByteReader reader)
    {
        int count = reader.Count(16);
        var list = new List<TrimMark>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(new TrimMark(reader.Int64(), TimeFormat.Read(ref reader)));
        }

        return list;
    }
}
