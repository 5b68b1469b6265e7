namespace Puff.Engine.Text;

/// <summary>Equality of terms by their bytes, so that spans can be looked up in a dictionary of arrays.</summary>
internal sealed class TermComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly TermComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        uint hash = (uint)alternate.Length;
        foreach (byte value in alternate)
        {
            hash = (hash ^ value) * 0x9E3779B1;
        }

        return (int)(hash ^ hash >> 15);
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
