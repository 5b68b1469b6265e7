using Puff.Engine.Encoding;
using Puff.Engine.Numerics;

namespace Puff.Engine.Formats;

/// <summary>
/// A segment's deletion bitmap, in an <see cref="Envelope"/>: u32 documents, u32 deleted ones, then a bit a document in 64-bit words, set when deleted.
/// </summary>
internal static class DeletesFormat
{
    public const ushort Version = 1;

    private static ReadOnlySpan<byte> Magic => "PUFD"u8;

    /// <summary>The whole object.</summary>
    public static byte[] Write(BitSet deleted)
    {
        using var writer = new ByteWriter(deleted.Words.Length * 8 + 32);
        Envelope.Begin(writer, Magic, Version);
        writer.UInt32((uint)deleted.Count);
        writer.UInt32((uint)deleted.PopCount());
        foreach (ulong word in deleted.Words)
        {
            writer.UInt64(word);
        }

        Envelope.End(writer);
        return writer.Written.AsSpan().ToArray();
    }

    public static BitSet Read(ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(Envelope.Open(content, Magic, Version, out _));
        uint documents = reader.UInt32();
        uint count = reader.UInt32();
        if (documents > int.MaxValue || reader.Remaining != (documents + 63L) / 64 * 8)
        {
            throw new CorruptDataException($"{reader.Remaining} bytes are no bitmap of {documents} documents");
        }

        var deleted = new BitSet((int)documents);
        foreach (ref ulong word in deleted.Words)
        {
            word = reader.UInt64();
        }

        bool hasExcess = (documents & 63) != 0 && deleted.Words[^1] >> (int)documents != 0;
        return !hasExcess && deleted.PopCount() == count
            ? deleted
            : throw new CorruptDataException($"the bitmap does not have {count} bits within {documents} documents");
    }
}
