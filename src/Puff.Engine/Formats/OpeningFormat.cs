using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Bytes of an object: a run of whole blocks of 64 KiB, or up to its end.</summary>
/// <param name="Offset">In the object.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Position">In the opening object.</param>
internal readonly record struct OpeningRun(long Offset, long Length, long Position);

/// <summary>What an opening object has of another object.</summary>
/// <param name="Key">Full key.</param>
/// <param name="Bytes">Length of the whole object.</param>
/// <param name="Runs">In ascending order.</param>
internal sealed record OpeningEntry(string Key, long Bytes, IReadOnlyList<OpeningRun> Runs);

/// <summary>
/// The opening object of a namespace (docs/formats/opening.md): copies of those bytes of its immutable objects that opening it takes. A directory with its
/// length in front and its checksum behind, then the bytes, which are under the checksums of the objects they are from.
/// </summary>
internal static class OpeningFormat
{
    public const ushort Version = 1;

    public const int HeaderBytes = 12;

    private const int ChecksumBytes = 4;

    private static ReadOnlySpan<byte> Magic => "POPN"u8;

    /// <summary>Writes the directory; the bytes of all runs follow in its order.</summary>
    /// <param name="writer">Empty.</param>
    /// <param name="entries">The positions of their runs do not count.</param>
    public static void WriteDirectory(ByteWriter writer, IReadOnlyList<OpeningEntry> entries)
    {
        using var directory = new ByteWriter();
        directory.Varint((ulong)entries.Count);
        foreach (var entry in entries)
        {
            directory.Text(entry.Key);
            directory.Varint((ulong)entry.Bytes);
            directory.Varint((ulong)entry.Runs.Count);
            foreach (var run in entry.Runs)
            {
                directory.Varint((ulong)run.Offset);
                directory.Varint((ulong)run.Length);
            }
        }

        writer.Bytes(Magic);
        writer.UInt16(Version);
        writer.UInt16(0);
        writer.UInt32(checked((uint)directory.Length));
        writer.Bytes(directory.Written.AsSpan());
        writer.UInt32(Crc32C.Compute(writer.Written.AsSpan()));
    }

    /// <summary>Reads the directory from the beginning of the object, of which the end may be missing.</summary>
    public static IReadOnlyList<OpeningEntry> ReadDirectory(ReadOnlySpan<byte> content)
    {
        if (content.Length < HeaderBytes || !content[..4].SequenceEqual(Magic))
        {
            throw new CorruptDataException("it does not begin with POPN");
        }

        int version = BinaryPrimitives.ReadUInt16LittleEndian(content[4..]);
        long length = BinaryPrimitives.ReadUInt32LittleEndian(content[8..]);
        if (version != Version || BinaryPrimitives.ReadUInt16LittleEndian(content[6..]) != 0)
        {
            throw new CorruptDataException($"format version {version} is unknown; this build reads version {Version}");
        }

        if (length > content.Length - HeaderBytes - ChecksumBytes)
        {
            throw new CorruptDataException($"a directory of {length} bytes does not fit {content.Length}");
        }

        var guarded = content[..(int)(HeaderBytes + length)];
        if (Crc32C.Compute(guarded) != BinaryPrimitives.ReadUInt32LittleEndian(content[guarded.Length..]))
        {
            throw new CorruptDataException("the checksum of the directory does not match");
        }

        var reader = new ByteReader(guarded[HeaderBytes..]);
        var entries = new OpeningEntry[reader.Count()];
        long position = guarded.Length + ChecksumBytes;
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = ReadEntry(ref reader, ref position);
        }

        reader.ExpectEnd();
        return entries;
    }

    private static OpeningEntry ReadEntry(ref ByteReader reader, ref long position)
    {
        string key = reader.Text();
        long bytes = reader.Int64Varint();
        var runs = new OpeningRun[reader.Count()];
        long end = 0;
        for (int i = 0; i < runs.Length; i++)
        {
            long offset = reader.Int64Varint();
            long length = reader.Int64Varint();
            if (offset < end || length > bytes || offset > bytes - length)
            {
                throw new CorruptDataException($"bytes {offset}..{offset + length} of {key} do not fit its {bytes}");
            }

            runs[i] = new OpeningRun(offset, length, position);
            position = checked(position + length);
            end = offset + length;
        }

        return new OpeningEntry(key, bytes, runs);
    }
}
