using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>Reads the part `columns`. Offset tables are checked once, when a column is opened, so that its users need not.</summary>
internal sealed class ColumnsPartReader(PartReader part)
{
    /// <summary>
    /// Whether the part was written with this attribute at this type. False for one that became filterable later, or for an array whose element
    /// type was still unknown.
    /// </summary>
    public bool Holds(AttributeDefinition attribute) =>
        part.TryFind(PartSection.Present, attribute.Id, out var entry) && entry.Type == attribute.Type.Kind;

    /// <summary>The column of an attribute the part holds; null when no document has a value.</summary>
    public Column? GetColumn(AttributeDefinition attribute)
    {
        var entry = part.Find(PartSection.Present, attribute.Id);
        if (entry.Count == 0)
        {
            return null;
        }

        int count = part.Documents;
        var present = ReadPresent(attribute.Id, entry.Count);
        var kind = attribute.Type.Kind;
        if (!attribute.Type.IsArray)
        {
            return ReadValues(attribute.Id, kind, count, present);
        }

        var elementKind = attribute.Type.ElementKind;
        long elements = part.Find(IsBytes(elementKind) ? PartSection.Bytes : PartSection.Values, attribute.Id).Count;
        if (elements >= int.MaxValue)
        {
            throw new CorruptDataException($"attribute {attribute.Id} announces {elements} elements");
        }

        var starts = part.Read(part.Find(PartSection.Starts, attribute.Id, (count + 1L) * 4));
        CheckTable(starts, count, elements);
        return new ArrayColumn(kind, count, present, starts, ReadElements(attribute.Id, elementKind, (int)elements));
    }

    /// <summary>Checks a table of <paramref name="rows"/> + 1 ascending u32 positions, from 0 to <paramref name="end"/>.</summary>
    public static unsafe void CheckTable(MemoryRegion table, int rows, long end)
    {
        var positions = new ReadOnlySpan<uint>(table.Slice(0, (rows + 1L) * 4).Pointer, rows + 1);
        uint last = 0;
        foreach (uint position in positions)
        {
            if (position < last)
            {
                throw new CorruptDataException($"position {position} comes after {last} in an offset table");
            }

            last = position;
        }

        if (positions[0] != 0 || last != end)
        {
            throw new CorruptDataException($"an offset table spans {positions[0]}..{last} instead of 0..{end}");
        }
    }

    private static bool IsBytes(TypeKind kind) => kind is TypeKind.String or TypeKind.Uuid;

    private BitSet ReadPresent(int attribute, long count)
    {
        var present = new BitSet(part.Documents);
        var words = part.Read(part.Find(PartSection.Present, attribute, present.Words.Length * 8L));
        MemoryMarshal.Cast<byte, ulong>(words.AsSpan()).CopyTo(present.Words);
        bool hasExcess = (part.Documents & 63) != 0 && present.Words[^1] >> part.Documents != 0;
        return !hasExcess && present.PopCount() == count
            ? present
            : throw new CorruptDataException($"the bitmap of attribute {attribute} does not have {count} bits");
    }

    /// <summary>Every element exists, so the elements' bitmap is all ones.</summary>
    private Column ReadElements(int attribute, TypeKind kind, int count) => ReadValues(attribute, kind, count, new BitSet(count, true));

    private Column ReadValues(int attribute, TypeKind kind, int count, BitSet present)
    {
        if (!IsBytes(kind))
        {
            return new ScalarColumn(kind, count, present, part.Read(part.Find(PartSection.Values, attribute, count * 8L)));
        }

        var bytes = part.Read(part.Find(PartSection.Bytes, attribute));
        var offsets = part.Read(part.Find(PartSection.Offsets, attribute, (count + 1L) * 4));
        CheckTable(offsets, count, bytes.Length);
        return new BytesColumn(kind, count, present, offsets, bytes);
    }
}
