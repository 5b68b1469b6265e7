using System.Globalization;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Something no longer referenced: one object; or every object of a segment, when the key ends with a dot; or a segment's deletion bitmaps up to a version,
/// when the key ends with ".del.". A namespace that is written to all the time gives up thousands of objects in a grace period.
/// </summary>
/// <param name="Key">A key, or the beginning of keys.</param>
/// <param name="RetiredAtMs">A time at which a manifest without the object was known to be published; 0: this manifest is the first without it.</param>
/// <param name="BitmapsThrough">For deletion bitmaps: the newest version given up; else 0.</param>
internal readonly record struct RetiredObject(string Key, long RetiredAtMs, int BitmapsThrough = 0)
{
    public bool IsSegment => BitmapsThrough == 0 && Key.EndsWith('.');

    public bool Covers(string key) => BitmapsThrough > 0
        ? key.StartsWith(Key, StringComparison.Ordinal) && RetiredObjects.ParseBitmap(key) is { } bitmap && bitmap.Version <= BitmapsThrough
        : IsSegment ? key.StartsWith(Key, StringComparison.Ordinal) : key == Key;
}

/// <summary>Lists of what was given up: adding to them, keeping them short, writing them.</summary>
internal static class RetiredObjects
{
    private const string BitmapMark = ".del.";

    /// <summary>Times within such a part of grace are one.</summary>
    private const int SlotsPerGrace = 16;

    public static long SlotOf(TimeSpan grace) => Math.Max(1, (long)grace.TotalMilliseconds / SlotsPerGrace);

    /// <summary>The beginning "{segment}.del." and the version in the key of a deletion bitmap, or null for any other key.</summary>
    public static (string Prefix, int Version)? ParseBitmap(string key)
    {
        int mark = key.IndexOf(BitmapMark, key.LastIndexOf('/') + 1, StringComparison.Ordinal);
        int end = mark < 0 ? -1 : key.IndexOf('.', mark + BitmapMark.Length);
        return end > 0
            && int.TryParse(key.AsSpan()[(mark + BitmapMark.Length)..end], NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            && version > 0
            ? (key[..(mark + BitmapMark.Length)], version)
            : null;
    }

    /// <summary>"{folder}/{segment}." of an object of a segment; null for a key without a dot in its last part.</summary>
    public static string? SegmentOf(string key)
    {
        int dot = key.IndexOf('.', key.LastIndexOf('/') + 1);
        return dot < 0 ? null : key[..(dot + 1)];
    }

    /// <param name="old">What was given up before.</param>
    /// <param name="segments">Whole segments; what was given up of them before is forgotten, because it is covered.</param>
    /// <param name="keys">Single objects.</param>
    public static IReadOnlyList<RetiredObject> Add(
        IReadOnlyList<RetiredObject> old, IEnumerable<SegmentDescriptor> segments, IEnumerable<string> keys)
    {
        var whole = segments.SelectMany(FoldersOf).ToHashSet(StringComparer.Ordinal);
        var single = keys.Select(k => ParseBitmap(k) is { } bitmap ? new RetiredObject(bitmap.Prefix, 0, bitmap.Version) : new RetiredObject(k, 0));
        return
        [
            .. old.Concat(single).Where(r => SegmentOf(r.Key) is not { } segment || !whole.Contains(segment)),
            .. whole.Select(s => new RetiredObject(s, 0)),
        ];
    }

    /// <summary>The list with times. Bitmaps of a segment that were given up at about the same time become one item.</summary>
    public static IReadOnlyList<RetiredObject> Dated(IReadOnlyList<RetiredObject> list, long publishedByMs, TimeSpan grace)
    {
        long slot = SlotOf(grace);
        return list.Select(r => r.RetiredAtMs == 0 ? r with { RetiredAtMs = publishedByMs } : r)
            .GroupBy(r => (r.Key, Slot: r.BitmapsThrough == 0 ? 0 : r.RetiredAtMs / slot))
            .Select(g => new RetiredObject(g.Key.Key, g.Max(r => r.RetiredAtMs), g.Max(r => r.BitmapsThrough)))
            .ToArray();
    }

    /// <summary>Keys in ascending order, each without what it begins with in common with the one before.</summary>
    public static void WriteList(ByteWriter writer, IReadOnlyList<RetiredObject> list)
    {
        writer.Varint((ulong)list.Count);
        string before = "";
        foreach (var item in list.OrderBy(r => r.Key, StringComparer.Ordinal).ThenBy(r => r.RetiredAtMs))
        {
            int common = before.AsSpan().CommonPrefixLength(item.Key);
            writer.Varint((ulong)common);
            writer.Text(item.Key[common..]);
            writer.Int64(item.RetiredAtMs);
            writer.Varint((ulong)item.BitmapsThrough);
            before = item.Key;
        }
    }

    public static List<RetiredObject> ReadList(ref ByteReader reader)
    {
        int count = reader.Count(11);
        var list = new List<RetiredObject>(count);
        string before = "";
        for (int i = 0; i < count; i++)
        {
            int common = reader.Int32Varint();
            if (common > before.Length)
            {
                throw new CorruptDataException($"a key begins with {common} characters of one that has {before.Length}");
            }

            before = string.Concat(before.AsSpan(0, common), reader.Text());
            list.Add(new RetiredObject(before, TimeFormat.Read(ref reader), reader.Int32Varint()));
        }

        return list;
    }

    /// <summary>Versions 1 and 2 of the manifest: whole keys.</summary>
    public static List<RetiredObject> ReadKeys(ref ByteReader reader)
    {
        int count = reader.Count(9);
        var list = new List<RetiredObject>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(new RetiredObject(reader.Text(), TimeFormat.Read(ref reader)));
        }

        return list;
    }

    /// <summary>Where a segment's objects lie: its own place, and in a branch that deleted from it also the branch's.</summary>
    private static IEnumerable<string> FoldersOf(SegmentDescriptor segment) =>
        segment.AllKeys().Select(SegmentOf).OfType<string>().Distinct(StringComparer.Ordinal);
}

/// <summary>Finds out when an object was given up.</summary>
internal sealed class RetiredIndex
{
    private readonly Dictionary<string, long> keys = new(StringComparer.Ordinal);
    private readonly ILookup<string, RetiredObject> bitmaps;

    public RetiredIndex(IReadOnlyList<RetiredObject> list)
    {
        bitmaps = list.Where(r => r.BitmapsThrough > 0).ToLookup(r => r.Key, StringComparer.Ordinal);
        foreach (var item in list.Where(r => r.BitmapsThrough == 0))
        {
            keys[item.Key] = Math.Max(item.RetiredAtMs, keys.GetValueOrDefault(item.Key));
        }
    }

    /// <summary>When; null when it was not.</summary>
    public long? Find(string key)
    {
        if (keys.TryGetValue(key, out long since) || (RetiredObjects.SegmentOf(key) is { } segment && keys.TryGetValue(segment, out since)))
        {
            return since;
        }

        if (RetiredObjects.ParseBitmap(key) is not { } bitmap)
        {
            return null;
        }

        var covering = bitmaps[bitmap.Prefix].Where(r => r.BitmapsThrough >= bitmap.Version).Select(r => r.RetiredAtMs).ToArray();
        return covering.Length == 0 ? null : covering.Min();
    }
}
