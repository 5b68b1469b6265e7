using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// The frame of small stored objects that are read whole (manifests, deletion bitmaps): 4 ASCII bytes of magic, u16 format version, u16 zero, the body,
/// and a u32 CRC-32C of everything before it. Magic, version and checksum are written and checked here and nowhere else.
/// </summary>
internal static class Envelope
{
    public const int HeaderBytes = 8;

    public const int TrailerBytes = 4;

    /// <summary>Writes the header into <paramref name="writer"/>, which must be empty; the caller appends the body and calls <see cref="End"/>.</summary>
    public static void Begin(ByteWriter writer, ReadOnlySpan<byte> magic, ushort version)
    {
        if (magic.Length != 4 || writer.Length != 0)
        {
            throw new ArgumentException("an envelope has four bytes of magic and begins an empty buffer", nameof(magic));
        }

        writer.Bytes(magic);
        writer.UInt16(version);
        writer.UInt16(0);
    }

    /// <summary>Appends the checksum of all that was written. The object is then complete.</summary>
    public static void End(ByteWriter writer) => writer.UInt32(Crc32C.Compute(writer.Written.AsSpan()));

    /// <summary>Checks the frame of a whole object and returns its body.</summary>
    /// <param name="content">The whole object.</param>
    /// <param name="magic">The magic expected.</param>
    /// <param name="newestVersion">The newest format version this build reads; versions 1 up to it are accepted.</param>
    /// <param name="version">The version the object has.</param>
    /// <exception cref="CorruptDataException">Too short, another magic, an unknown version, a reserved field in use, or a wrong checksum.</exception>
    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> content, ReadOnlySpan<byte> magic, ushort newestVersion, out ushort version)
    {
        if (content.Length < HeaderBytes + TrailerBytes)
        {
            throw new CorruptDataException($"{content.Length} bytes are too few for an envelope");
        }

        if (!content[..4].SequenceEqual(magic))
        {
            throw new CorruptDataException($"the object does not begin with {System.Text.Encoding.ASCII.GetString(magic)}");
        }

        var guarded = content[..^TrailerBytes];
        uint stored = BinaryPrimitives.ReadUInt32LittleEndian(content[^TrailerBytes..]);
        uint computed = Crc32C.Compute(guarded);
        if (stored != computed)
        {
            throw new CorruptDataException($"checksum {computed:x8} does not match the stored {stored:x8}");
        }

        version = BinaryPrimitives.ReadUInt16LittleEndian(content[4..]);
        if (version == 0 || version > newestVersion)
        {
            throw new CorruptDataException($"format version {version} is unknown; this build reads versions 1 to {newestVersion}");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(content[6..]) != 0)
        {
            throw new CorruptDataException("the reserved field of the header is not zero");
        }

        return guarded[HeaderBytes..];
    }
}
