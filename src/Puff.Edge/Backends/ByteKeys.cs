namespace Puff.Edge.Backends;

/// <summary>Keys are equal when their bytes are.</summary>
internal sealed class ByteKeys : IEqualityComparer<byte[]>
{
    public static readonly ByteKeys Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj)
    {
        var hash = new HashCode();
        hash.AddBytes(obj);
        return hash.ToHashCode();
    }
}
