using System.Buffers.Binary;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// A blocked Bloom filter over document ids (Putze, Sanders, Singler: Cache-, hash- and space-efficient Bloom filters, 2007): 10 bits a key in blocks of
/// 64 bytes, 7 bits set in one block a key, so that a look-up touches one cache line. About 1 % of absent ids pass.
/// The hash is part of the format: SplitMix64's finaliser (Steele, Lea, Flood 2014) over the id's 64-bit words.
/// </summary>
internal static class IdFilter
{
    public const int BlockBytes = 64;

    private const int BitsPerKey = 10;
    private const int Probes = 7;

    public static int SizeInBytes(int documents) => checked((int)((documents * (long)BitsPerKey + BlockBytes * 8 - 1) / (BlockBytes * 8)) * BlockBytes);

    public static void Add(Span<byte> filter, ulong hash)
    {
        var block = filter.Slice(BlockOf(filter.Length, hash), BlockBytes);
        ulong bits = Mix(hash);
        for (int i = 0; i < Probes; i++, bits >>= 9)
        {
            block[(int)(bits >> 3 & 63)] |= (byte)(1 << (int)(bits & 7));
        }
    }

    /// <summary>Byte offset of the block in which a key's bits are. The filter is not empty.</summary>
    public static int BlockOf(long filterBytes, ulong hash) => (int)((hash >> 32) * (ulong)(filterBytes / BlockBytes) >> 32) * BlockBytes;

    /// <summary>False when the key is certainly absent.</summary>
    public static bool MayContain(ReadOnlySpan<byte> block, ulong hash)
    {
        ulong bits = Mix(hash);
        for (int i = 0; i < Probes; i++, bits >>= 9)
        {
            if ((block[(int)(bits >> 3 & 63)] & 1 << (int)(bits & 7)) == 0)
            {
                return false;
            }
        }

        return true;
    }

    public static ulong Hash(in DocumentId id)
    {
        switch (id.Kind)
        {
            case IdKind.UInt:
                return Mix(id.AsUInt + Increment);
            case IdKind.Uuid:
                Span<byte> bytes = stackalloc byte[16];
                id.CopyUuidTo(bytes);
                return Hash(bytes);
            default:
                return Hash(id.AsUtf8);
        }
    }

    private const ulong Increment = 0x9E3779B97F4A7C15;

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        ulong state = (ulong)bytes.Length;
        Span<byte> last = stackalloc byte[8];
        for (; bytes.Length > 0; bytes = bytes[Math.Min(8, bytes.Length)..])
        {
            last.Clear();
            bytes[..Math.Min(8, bytes.Length)].CopyTo(last);
            state = Mix((state ^ BinaryPrimitives.ReadUInt64LittleEndian(last)) + Increment);
        }

        return state;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }
}
