using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine.Wal;

/// <summary>
/// One committed entry in memory: a checked view over the object's bytes, which stay where they are (mapped file, download, or the buffer the writer sent).
/// The entry owns one reference on them.
/// </summary>
internal sealed class WalEntry
{
    private readonly WalSectionEntry[] sections;

    private WalEntry(string key, ObjectMemory memory, WalEntryHeader header, WalSectionEntry[] sections)
    {
        Key = key;
        Memory = memory;
        Header = header;
        this.sections = sections;
    }

    public string Key { get; }

    public ObjectMemory Memory { get; }

    public WalEntryHeader Header { get; }

    public long Bytes => Memory.Length;

    public bool DeletesNamespace => Header.Flags.HasFlag(WalEntryFlags.DeletesNamespace);

    /// <summary>Takes over the caller's reference; releases it when the bytes are damaged.</summary>
    /// <exception cref="PuffException">Corrupt, with the key.</exception>
    public static unsafe WalEntry Open(string key, ObjectMemory memory, ulong epoch, long sequence)
    {
        try
        {
            var region = new MemoryRegion(memory.Pointer, memory.Length);
            var (header, sections) = WalEntryFormat.ReadHeader(region);
            WalEntryFormat.Verify(region, sections);
            if (header.Epoch != epoch || header.Sequence != sequence)
            {
                throw new CorruptDataException($"the entry says epoch {header.Epoch:x16}, sequence {header.Sequence}");
            }

            var entry = new WalEntry(key, memory, header, sections);
            entry.CheckContent();
            return entry;
        }
        catch (CorruptDataException damage)
        {
            memory.Release();
            throw PuffException.Corrupt($"WAL entry {key} is damaged: {damage.Message}", damage);
        }
    }

    /// <summary>The schema after this entry, or null when it did not change.</summary>
    public NamespaceSchema? ReadSchema() => Find(WalSection.Schema, 0) is { } section ? SchemaFormat.Read(Content(section)) : null;

    /// <summary>The settings after this entry, or null when they did not change.</summary>
    public NamespaceOptions? ReadOptions() => Find(WalSection.Settings, 0) is { } section ? SettingsFormat.Read(Content(section)) : null;

    /// <summary>The operations section; empty when the entry changes no document. Read with <see cref="OperationFormat"/>.</summary>
    public MemoryRegion Operations => Find(WalSection.Operations, 0) is { } section ? Content(section) : default;

    /// <summary>Contiguous vectors of an attribute, the k-th upsert's at k × row bytes; empty when the entry has none.</summary>
    public MemoryRegion Vectors(int attributeId) => Find(WalSection.Vectors, attributeId) is { } section ? Content(section) : default;

    private unsafe MemoryRegion Content(WalSectionEntry section) => new MemoryRegion(Memory.Pointer, Memory.Length).Slice(section.Offset, section.Length);

    private WalSectionEntry? Find(WalSection kind, int attributeId)
    {
        foreach (var section in sections)
        {
            if (section.Kind == kind && section.AttributeId == attributeId)
            {
                return section;
            }
        }

        return null;
    }

    /// <summary>Walks over everything once, so that whoever applies the entry later cannot fail half-way.</summary>
    private void CheckContent()
    {
        ReadSchema();
        ReadOptions();
        long upserts = 0;
        long count = 0;
        foreach (var operation in OperationFormat.Enumerate(Operations))
        {
            upserts += operation.Kind == OperationKind.Upsert ? 1 : 0;
            count++;
        }

        if (count != Header.Operations)
        {
            throw new CorruptDataException($"{count} operations, the header says {Header.Operations}");
        }

        foreach (var section in sections)
        {
            if (section.Kind == WalSection.Vectors && (section.RowBytes <= 0 || section.Length != upserts * section.RowBytes))
            {
                throw new CorruptDataException($"{section.Length} bytes of vectors of {section.RowBytes} bytes for {upserts} upserts");
            }
        }
    }
}
