using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>What a branch needs of the namespace the pin lies in: whole objects, and perhaps stretches of its WAL.</summary>
internal sealed record BranchPin(IReadOnlyList<string> Keys, IReadOnlyList<InheritedTail> Tails);

/// <summary>A pin object: an envelope around the keys and the stretches (docs/formats/pin.md).</summary>
internal static class PinFormat
{
    private static ReadOnlySpan<byte> Magic => "PPIN"u8;

    private const ushort Version = 1;

    public static byte[] Write(BranchPin pin)
    {
        using var writer = new ByteWriter();
        Envelope.Begin(writer, Magic, Version);
        writer.Varint((ulong)pin.Keys.Count);
        foreach (string key in pin.Keys)
        {
            writer.Text(key);
        }

        writer.Varint((ulong)pin.Tails.Count);
        foreach (var tail in pin.Tails)
        {
            InheritedTail.Write(writer, tail);
        }

        Envelope.End(writer);
        return writer.Written.AsSpan().ToArray();
    }

    /// <exception cref="CorruptDataException">The bytes are no pin.</exception>
    public static BranchPin Read(ReadOnlySpan<byte> data)
    {
        var reader = new ByteReader(Envelope.Open(data, Magic, Version, out _));
        int count = reader.Count();
        var keys = new List<string>(count);
        for (int i = 0; i < count; i++)
        {
            keys.Add(reader.Text());
        }

        var tails = InheritedTail.ReadList(ref reader);
        reader.ExpectEnd();
        return new BranchPin(keys, tails);
    }
}
