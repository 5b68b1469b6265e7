using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// Builds the bytes of a group key, one value after the other, so that bytewise order is the order of the values column by column: 0 for null; 1, then 8 bytes
/// big-endian for a scalar, or the bytes with 00 written as 00 FF and 00 00 at the end.
/// </summary>
internal sealed class KeyWriter
{
    private byte[] buffer = new byte[64];
    private int length;

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    public void Clear() => length = 0;

    public void AddNull() => Add(0);

    public void AddScalar(ulong sortable)
    {
        Add(1);
        for (int shift = 56; shift >= 0; shift -= 8)
        {
            Add((byte)(sortable >> shift));
        }
    }

    public void AddBytes(ReadOnlySpan<byte> value)
    {
        Add(1);
        foreach (byte b in value)
        {
            Add(b);
            if (b == 0)
            {
                Add(0xFF);
            }
        }

        Add(0);
        Add(0);
    }

    /// <summary>Takes the first value off a key and returns it; the inverse of the writes.</summary>
    public static Value Read(ref ReadOnlySpan<byte> key, TypeKind kind)
    {
        bool isNull = key[0] == 0;
        key = key[1..];
        if (isNull)
        {
            return Value.Null;
        }

        if (kind is TypeKind.String or TypeKind.Uuid)
        {
            byte[] bytes = ReadBytes(ref key);
            return kind == TypeKind.String ? Value.Utf8(bytes) : Value.Uuid(bytes);
        }

        var value = ToValue(kind, ScalarOrder.PrefixOf(key[..8]));
        key = key[8..];
        return value;
    }

    /// <summary>The scalar of sortable bits.</summary>
    public static Value ToValue(TypeKind kind, ulong sortable)
    {
        long bits = ScalarOrder.FromSortableBits(kind, sortable);
        return kind switch
        {
            TypeKind.Bool => Value.Bool(bits != 0),
            TypeKind.Int => Value.Int(bits),
            TypeKind.UInt => Value.UInt(unchecked((ulong)bits)),
            TypeKind.Float => Value.Float(BitConverter.Int64BitsToDouble(bits)),
            TypeKind.DateTime => Value.DateTime(bits),
            _ => throw new InvalidOperationException($"{kind} is no 64-bit scalar"),
        };
    }

    private static byte[] ReadBytes(ref ReadOnlySpan<byte> key)
    {
        var bytes = new List<byte>();
        int at = 0;
        while (key[at] != 0 || key[at + 1] == 0xFF)
        {
            bytes.Add(key[at]);
            at += key[at] == 0 ? 2 : 1;
        }

        key = key[(at + 2)..];
        return [.. bytes];
    }

    private void Add(byte value)
    {
        if (length == buffer.Length)
        {
            Array.Resize(ref buffer, length * 2);
        }

        buffer[length++] = value;
    }
}

/// <summary>A scalar or bytes column that writes group keys.</summary>
/// <param name="column">Null when no document has a value.</param>
internal sealed class KeyColumn(Column? column)
{
    private readonly ScalarColumn? scalars = column as ScalarColumn;
    private readonly BytesColumn? bytes = column as BytesColumn;

    public void Write(KeyWriter key, int document)
    {
        if (column is null || !column.Present[document])
        {
            key.AddNull();
        }
        else if (scalars is not null)
        {
            key.AddScalar(ScalarOrder.SortableBits(column.Kind, scalars.Values[document]));
        }
        else
        {
            key.AddBytes(bytes!.Get(document));
        }
    }
}

/// <summary>Keys by content; looks up spans without copying them.</summary>
internal sealed class KeyBytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static KeyBytesComparer Instance { get; } = new();

    public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

    public int GetHashCode(byte[] key) => GetHashCode(key.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = new HashCode();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
