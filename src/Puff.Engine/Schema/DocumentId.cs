using System.Buffers.Binary;

namespace Puff.Engine.Schema;

/// <summary>The numbers are stored: they only grow.</summary>
public enum IdKind : byte
{
    UInt = 1,
    Uuid = 2,
    String = 3,
}

/// <summary>
/// A document's key: an unsigned 64-bit integer, a UUID, or a string of at most 64 UTF-8 bytes (turbopuffer-api 2.2). A namespace uses one kind.
/// Ordered numerically, by the 16 bytes, or bytewise.
/// </summary>
public readonly struct DocumentId : IEquatable<DocumentId>, IComparable<DocumentId>
{
    public const int MaxStringBytes = 64;

    private readonly ulong high;
    private readonly ulong low;
    private readonly byte[]? text;

    private DocumentId(IdKind kind, ulong high, ulong low, byte[]? text)
    {
        Kind = kind;
        this.high = high;
        this.low = low;
        this.text = text;
    }

    public IdKind Kind { get; }

    public static DocumentId FromUInt(ulong value) => new(IdKind.UInt, 0, value, null);

    /// <param name="bytes">16 bytes in the order they are written in (big-endian, RFC 9562).</param>
    public static DocumentId FromUuid(ReadOnlySpan<byte> bytes) =>
        new(IdKind.Uuid, BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), null);

    /// <param name="utf8">At most 64 bytes; not copied.</param>
    public static DocumentId FromUtf8(byte[] utf8)
    {
        if (utf8.Length > MaxStringBytes)
        {
            throw PuffException.Invalid($"a string id has at most {MaxStringBytes} bytes of UTF-8; this one has {utf8.Length}");
        }

        return new(IdKind.String, 0, 0, utf8);
    }

    public static DocumentId FromString(string value) => FromUtf8(System.Text.Encoding.UTF8.GetBytes(value));

    public ulong AsUInt => Kind == IdKind.UInt ? low : throw new InvalidOperationException($"the id is a {Kind}");

    public ReadOnlySpan<byte> AsUtf8 => Kind == IdKind.String ? text : throw new InvalidOperationException($"the id is a {Kind}");

    public void CopyUuidTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], low);
    }

    /// <summary>The id as an attribute value, for filters on `id`.</summary>
    public Value ToValue()
    {
        switch (Kind)
        {
            case IdKind.UInt:
                return Value.UInt(low);
            case IdKind.Uuid:
                var bytes = new byte[16];
                CopyUuidTo(bytes);
                return Value.Uuid(bytes);
            default:
                return Value.Utf8(text!);
        }
    }

    public int CompareTo(DocumentId other)
    {
        if (Kind != other.Kind)
        {
            return Kind.CompareTo(other.Kind);
        }

        if (Kind == IdKind.String)
        {
            return text.AsSpan().SequenceCompareTo(other.text);
        }

        int order = high.CompareTo(other.high);
        return order != 0 ? order : low.CompareTo(other.low);
    }

    public bool Equals(DocumentId other) =>
        Kind == other.Kind && (Kind == IdKind.String ? text.AsSpan().SequenceEqual(other.text) : high == other.high && low == other.low);

    public override bool Equals(object? obj) => obj is DocumentId other && Equals(other);

    public override int GetHashCode()
    {
        if (Kind != IdKind.String)
        {
            return HashCode.Combine(high, low);
        }

        var hash = new HashCode();
        hash.AddBytes(text);
        return hash.ToHashCode();
    }

    public static bool operator ==(DocumentId left, DocumentId right) => left.Equals(right);

    public static bool operator !=(DocumentId left, DocumentId right) => !left.Equals(right);

    public static bool operator <(DocumentId left, DocumentId right) => left.CompareTo(right) < 0;

    public static bool operator >(DocumentId left, DocumentId right) => left.CompareTo(right) > 0;

    public static bool operator <=(DocumentId left, DocumentId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(DocumentId left, DocumentId right) => left.CompareTo(right) >= 0;

    public override string ToString()
    {
        if (Kind == IdKind.UInt)
        {
            return low.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (Kind == IdKind.String)
        {
            return System.Text.Encoding.UTF8.GetString(text!);
        }

        Span<byte> bytes = stackalloc byte[16];
        CopyUuidTo(bytes);
        return new Guid(bytes, bigEndian: true).ToString("D");
    }
}
