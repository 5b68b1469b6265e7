using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Centroids as stored: 16-bit floats, little-endian, always finite.</summary>
internal static class HalfBytes
{
    public static void Write(ByteWriter writer, ReadOnlySpan<Half> values)
    {
        var target = writer.Reserve(checked(values.Length * 2));
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(target[(i * 2)..], values[i]);
        }
    }

    public static void Read(ReadOnlySpan<byte> source, Span<Half> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadHalfLittleEndian(source[(i * 2)..]);
            if (!Half.IsFinite(values[i]))
            {
                throw new CorruptDataException($"coordinate {i} of a centroid is {values[i]}");
            }
        }
    }
}
