using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>A highlight that was checked: finds the fragments of each row's text.</summary>
/// <param name="Offsets">Null: fragments come without places.</param>
internal sealed record BoundHighlight(AttributeDefinition Attribute, Highlighter Highlighter, OffsetUnit? Offsets)
{
    public HighlightFragment[] Find(in Value value)
    {
        byte[][] texts = value.Kind switch
        {
            ValueKind.String => [value.AsBytes],
            ValueKind.StringArray => value.AsBytesArray,
            _ => [],
        };
        bool isArray = value.Kind == ValueKind.StringArray;
        var found = Highlighter.Find(texts);
        var places = Offsets is { } unit ? Places(texts, found, unit) : null;
        return Array.ConvertAll(found, fragment => new HighlightFragment(
            System.Text.Encoding.UTF8.GetString(texts[fragment.Element].AsSpan(fragment.Start, fragment.End - fragment.Start)),
            places is null ? null : Range(places, fragment.Element, (fragment.Start, fragment.End)),
            places is null ? null : [.. fragment.Matches.Select(match => Range(places, fragment.Element, match))],
            isArray ? fragment.Element : null));
    }

    private static OffsetRange Range(Dictionary<(int Element, int Byte), int> places, int element, (int Start, int End) bytes) =>
        new(places[(element, bytes.Start)], places[(element, bytes.End)]);

    /// <summary>All places that occur, counted in the unit: one pass over each text.</summary>
    private static Dictionary<(int Element, int Byte), int> Places(byte[][] texts, Fragment[] found, OffsetUnit unit)
    {
        var bytes = new SortedSet<(int Element, int Byte)>();
        foreach (var fragment in found)
        {
            bytes.Add((fragment.Element, fragment.Start));
            bytes.Add((fragment.Element, fragment.End));
            foreach (var (start, end) in fragment.Matches)
            {
                bytes.Add((fragment.Element, start));
                bytes.Add((fragment.Element, end));
            }
        }

        var places = new Dictionary<(int Element, int Byte), int>(bytes.Count);
        var before = (Element: -1, Byte: 0);
        int count = 0;
        foreach (var place in bytes)
        {
            before = place.Element == before.Element ? before : (place.Element, 0);
            count = (before.Byte == 0 ? 0 : count) + Count(texts[place.Element].AsSpan(before.Byte, place.Byte - before.Byte), unit);
            places.Add(place, count);
            before = place;
        }

        return places;
    }

    private static int Count(ReadOnlySpan<byte> utf8, OffsetUnit unit) => unit switch
    {
        OffsetUnit.Utf8 => utf8.Length,
        OffsetUnit.Utf16 => System.Text.Encoding.UTF8.GetCharCount(utf8),
        _ => CodePoints.Count(utf8),
    };
}
