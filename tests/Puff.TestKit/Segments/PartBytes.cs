using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.TestKit.Segments;

/// <summary>Puts valid checksums on a segment part that was changed on purpose, so that tests reach the checks behind the checksums.</summary>
internal static class PartBytes
{
    private const int TrailerBytes = 16;

    public static void Reseal(Span<byte> part)
    {
        int bodyBytes = (int)BinaryPrimitives.ReadUInt32LittleEndian(part[^TrailerBytes..]);
        int dataBytes = part.Length - TrailerBytes - bodyBytes;
        int blocks = PartFormat.BlockCount(dataBytes);
        var checksums = part.Slice(dataBytes + bodyBytes - blocks * 4, blocks * 4);
        for (int block = 0; block < blocks; block++)
        {
            var data = part[..dataBytes][(block * PartFormat.BlockBytes)..];
            BinaryPrimitives.WriteUInt32LittleEndian(checksums[(block * 4)..], Crc32C.Compute(data[..Math.Min(PartFormat.BlockBytes, data.Length)]));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(part[^4..], Crc32C.Compute(part[dataBytes..^4]));
    }

    /// <summary>Bytes before the footer.</summary>
    public static int DataBytes(ReadOnlySpan<byte> part) => part.Length - TrailerBytes - (int)BinaryPrimitives.ReadUInt32LittleEndian(part[^TrailerBytes..]);
}
