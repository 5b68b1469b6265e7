using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Encoding;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4) with the processor's instruction where there is one.</summary>
internal static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> data) => ~Append(~0u, data);

    /// <summary>Continues a running, not yet complemented checksum; begin with ~0u, complement at the end.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> data)
    {
        ref byte start = ref MemoryMarshal.GetReference(data);
        int offset = 0;
        for (; offset + 8 <= data.Length; offset += 8)
        {
            ulong word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, offset));
            state = BitOperations.Crc32C(state, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        for (; offset < data.Length; offset++)
        {
            state = BitOperations.Crc32C(state, data[offset]);
        }

        return state;
    }
}
