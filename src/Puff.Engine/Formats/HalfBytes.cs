using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Centroids as stored: 16-bit floats, little-endian, always finite.</summary>
internal static class HalfBytes
{
    /// <summary>All ones in what is infinite or no number.</summary>
    private const ushort Exponent = 0x7C00;

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
        var bits = MemoryMarshal.Cast<Half, ushort>(values);
        MemoryMarshal.Cast<byte, ushort>(source)[..bits.Length].CopyTo(bits);
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(bits, bits);
        }

        int strange = FindStrange(bits);
        if (strange >= 0)
        {
            throw new CorruptDataException($"coordinate {strange} of a centroid is {values[strange]}");
        }
    }

    /// <summary>The first that is infinite or no number, or -1. A cold query reads millions, hence not one by one.</summary>
    private static int FindStrange(ReadOnlySpan<ushort> bits)
    {
        int i = 0;
        for (; i <= bits.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            var exponents = new Vector<ushort>(bits[i..]) & new Vector<ushort>(Exponent);
            if (Vector.EqualsAny(exponents, new Vector<ushort>(Exponent)))
            {
                break;
            }
        }

        while (i < bits.Length && (bits[i] & Exponent) != Exponent)
        {
            i++;
        }

        return i < bits.Length ? i : -1;
    }
}
