using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Names a manifest that was kept when it was replaced (`history/{epoch}/{version}`).</summary>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Version">Its version.</param>
/// <param name="Through">What it had indexed.</param>
/// <param name="AtMs">When the last entry it had indexed was committed.</param>
/// <param name="Bytes">Bytes of the entries it had indexed.</param>
internal sealed record HistoryLink(ulong Epoch, long Version, long Through, long AtMs, long Bytes)
{
    public static HistoryLink To(Manifest manifest) =>
        new(manifest.Epoch, manifest.Version, manifest.IndexedThrough, manifest.IndexedAtMs, manifest.IndexedBytes);

    public bool IsTo(Manifest manifest) => Epoch == manifest.Epoch && Version == manifest.Version;

    public static void Write(ByteWriter writer, HistoryLink? link)
    {
        writer.Byte(link is null ? (byte)0 : (byte)1);
        if (link is not null)
        {
            writer.UInt64(link.Epoch);
            writer.Varint((ulong)link.Version);
            writer.Varint((ulong)link.Through);
            writer.Int64(link.AtMs);
            writer.Varint((ulong)link.Bytes);
        }
    }

    public static HistoryLink? Read(ref ByteReader reader) => reader.Boolean()
        ? new HistoryLink(reader.UInt64(), reader.Int64Varint(), reader.Int64Varint(), TimeFormat.Read(ref reader), reader.Int64Varint())
        : null;
}
