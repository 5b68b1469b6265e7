using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// A document's attributes except its dense vectors: a varint count, then per attribute, in ascending order of its number: varint number, varint of
/// payload length + 1, and the payload (<see cref="PayloadFormat"/>). Nulls are left out of rows. A patch has the same shape and may also hold
/// explicit nulls, marked by length field 0 and no payload: they remove the attribute.
/// </summary>
internal static class RowFormat
{
    /// <summary>One payload at a time, to learn its length before it is written; rows are written tens of thousands of times a second.</summary>
    [ThreadStatic]
    private static ByteWriter? scratch;

    /// <summary>A row without attributes.</summary>
    public static ReadOnlySpan<byte> EmptyRow => [0];

    /// <summary>Appends a row. Attributes may come in any order, each at most once; nulls are skipped.</summary>
    public static void Write(ByteWriter writer, ReadOnlySpan<(AttributeDefinition Attribute, Value Value)> attributes) =>
        Write(writer, attributes, keepNulls: false);

    public static void Write(ByteWriter writer, List<(AttributeDefinition Attribute, Value Value)> attributes) =>
        Write(writer, CollectionsMarshal.AsSpan(attributes), keepNulls: false);

    /// <summary>Appends a patch: like a row, but a null is kept and removes the attribute when the patch is merged.</summary>
    public static void WritePatch(ByteWriter writer, ReadOnlySpan<(AttributeDefinition Attribute, Value Value)> attributes) =>
        Write(writer, attributes, keepNulls: true);

    public static void WritePatch(ByteWriter writer, List<(AttributeDefinition Attribute, Value Value)> attributes) =>
        Write(writer, CollectionsMarshal.AsSpan(attributes), keepNulls: true);

    /// <summary>The value of one attribute, Null when the row has none.</summary>
    public static Value Read(ReadOnlySpan<byte> row, AttributeDefinition attribute)
    {
        foreach (var entry in Enumerate(row))
        {
            if (entry.Number == attribute.Id)
            {
                return entry.IsNull ? Value.Null : Decode(attribute, entry.Payload);
            }

            if (entry.Number > attribute.Id)
            {
                break;
            }
        }

        return Value.Null;
    }

    public static Value Decode(AttributeDefinition attribute, ReadOnlySpan<byte> payload) => PayloadFormat.Read(attribute.Type, payload);

    /// <summary>The attributes of a row or patch in ascending order of their numbers; checks the framing as it goes, to the last byte.</summary>
    public static RowEnumerator Enumerate(ReadOnlySpan<byte> row) => new(row);

    /// <summary>Appends <paramref name="row"/> with what <paramref name="patch"/> says instead: its values replace or add, its nulls remove.</summary>
    public static void Merge(ByteWriter writer, ReadOnlySpan<byte> row, ReadOnlySpan<byte> patch)
    {
        int count = 0;
        var counting = new RowMerger(row, patch);
        while (counting.MoveNext())
        {
            count++;
        }

        writer.Varint((ulong)count);
        var merger = new RowMerger(row, patch);
        while (merger.MoveNext())
        {
            WriteEntry(writer, merger.Current.Number, merger.Current.Payload);
        }
    }

    /// <summary>The same as an array.</summary>
    public static byte[] Merge(ReadOnlySpan<byte> row, ReadOnlySpan<byte> patch)
    {
        using var writer = new ByteWriter(row.Length + patch.Length + 16);
        Merge(writer, row, patch);
        return writer.Written.AsSpan().ToArray();
    }

    private static void Write(ByteWriter writer, ReadOnlySpan<(AttributeDefinition Attribute, Value Value)> attributes, bool keepNulls)
    {
        var ordered = InOrder(attributes);
        int count = 0;
        for (int i = 0; i < ordered.Length; i++)
        {
            count += keepNulls || !ordered[i].Value.IsNull ? 1 : 0;
            if (ordered[i].Attribute.Id <= (i == 0 ? 0 : ordered[i - 1].Attribute.Id))
            {
                throw new ArgumentException($"attribute number {ordered[i].Attribute.Id} is not positive or comes twice", nameof(attributes));
            }
        }

        writer.Varint((ulong)count);
        var payload = scratch ??= new ByteWriter(256);
        foreach (var (attribute, value) in ordered)
        {
            if (value.IsNull)
            {
                if (keepNulls)
                {
                    writer.Varint((ulong)attribute.Id);
                    writer.Varint(0);
                }

                continue;
            }

            payload.Clear();
            PayloadFormat.Write(payload, attribute.Type, value);
            WriteEntry(writer, attribute.Id, payload.Written.AsSpan());
        }
    }

    /// <summary>The attributes as they are when they come in ascending order, else a sorted copy.</summary>
    private static ReadOnlySpan<(AttributeDefinition Attribute, Value Value)> InOrder(ReadOnlySpan<(AttributeDefinition Attribute, Value Value)> attributes)
    {
        for (int i = 1; i < attributes.Length; i++)
        {
            if (attributes[i].Attribute.Id < attributes[i - 1].Attribute.Id)
            {
                var sorted = attributes.ToArray();
                Array.Sort(sorted, static (left, right) => left.Attribute.Id.CompareTo(right.Attribute.Id));
                return sorted;
            }
        }

        return attributes;
    }

    private static void WriteEntry(ByteWriter writer, int number, ReadOnlySpan<byte> payload)
    {
        writer.Varint((ulong)number);
        writer.Varint((ulong)payload.Length + 1);
        writer.Bytes(payload);
    }
}

/// <summary>One attribute of a row. <paramref name="isNull"/> only in patches.</summary>
internal readonly ref struct RowAttribute(int number, bool isNull, ReadOnlySpan<byte> payload)
{
    public int Number { get; } = number;

    public bool IsNull { get; } = isNull;

    public ReadOnlySpan<byte> Payload { get; } = payload;
}

/// <summary>Walks over a row; for `foreach`.</summary>
internal ref struct RowEnumerator
{
    private ByteReader reader;
    private int left;

    public RowEnumerator(ReadOnlySpan<byte> row)
    {
        reader = new ByteReader(row);
        left = reader.Count(2);
        CheckEnd();
    }

    public RowAttribute Current { get; private set; }

    public readonly RowEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (left == 0)
        {
            return false;
        }

        ulong number = reader.Varint();
        if (number <= (ulong)Current.Number || number > int.MaxValue)
        {
            throw new CorruptDataException($"attribute number {number} after {Current.Number}");
        }

        ulong length = reader.Varint();
        if (length > (ulong)reader.Remaining + 1)
        {
            throw new CorruptDataException($"attribute {number} announces {length - 1} bytes, {reader.Remaining} are left");
        }

        Current = new RowAttribute((int)number, length == 0, reader.Bytes(length == 0 ? 0 : (int)(length - 1)));
        left--;
        CheckEnd();
        return true;
    }

    private readonly void CheckEnd()
    {
        if (left == 0)
        {
            reader.ExpectEnd();
        }
    }
}

/// <summary>A row and a patch side by side, in ascending order of attribute numbers, without what the patch removes.</summary>
internal ref struct RowMerger
{
    private RowEnumerator row;
    private RowEnumerator patch;
    private bool hasRow;
    private bool hasPatch;

    public RowMerger(ReadOnlySpan<byte> row, ReadOnlySpan<byte> patch)
    {
        this.row = new RowEnumerator(row);
        this.patch = new RowEnumerator(patch);
        hasRow = this.row.MoveNext();
        hasPatch = this.patch.MoveNext();
    }

    public RowAttribute Current { get; private set; }

    public bool MoveNext()
    {
        while (hasRow || hasPatch)
        {
            if (hasRow && (!hasPatch || row.Current.Number < patch.Current.Number))
            {
                Current = row.Current;
                hasRow = row.MoveNext();
            }
            else
            {
                Current = patch.Current;
                if (hasRow && row.Current.Number == Current.Number)
                {
                    hasRow = row.MoveNext();
                }

                hasPatch = patch.MoveNext();
            }

            if (!Current.IsNull)
            {
                return true;
            }
        }

        return false;
    }
}
