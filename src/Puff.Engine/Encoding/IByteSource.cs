namespace Puff.Engine.Encoding;

/// <summary>Bytes that are copied from where they are, instead of being read in place. Any number of threads may read at once.</summary>
internal interface IByteSource
{
    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on, which the caller knows to be there.</summary>
    void Read(long offset, Span<byte> destination);
}
