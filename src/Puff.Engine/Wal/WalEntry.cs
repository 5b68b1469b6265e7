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

    /// <summary>The tokens that this entry replaces or adds; null when there are none.</summary>
    public IReadOnlyList<NamespaceToken>? ReadTokens() => Find(WalSection.Tokens, 0) is { } section ? TokenFormat.Read(Content(section)) : null;

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

    /// <summary>
    /// Checks everything against the schema the entry follows, or brings, so that whoever applies it then cannot fail half-way, nor read memory that is
    /// not the entry's.
    /// </summary>
    /// <exception cref="PuffException">Corrupt, with the key.</exception>
    public void CheckFits(NamespaceSchema before)
    {
        try
        {
            var schema = ReadSchema() ?? before;
            CheckSchema(before, schema);
            CheckOperations(schema);
            foreach (var section in sections)
            {
                bool fits = section.Kind != WalSection.Vectors
                    || (schema.Find(section.AttributeId) is { Type.IsDenseVector: true } attribute && attribute.Type.VectorBytes == section.RowBytes);
                if (!fits)
                {
                    throw new CorruptDataException(
                        $"vectors of {section.RowBytes} bytes for attribute {section.AttributeId}, which the schema does not know as such");
                }
            }
        }
        catch (CorruptDataException damage)
        {
            throw PuffException.Corrupt($"WAL entry {Key} is damaged: {damage.Message}", damage);
        }
    }

    /// <summary>A schema only grows: what rows were written with keeps its meaning.</summary>
    private static void CheckSchema(NamespaceSchema before, NamespaceSchema after)
    {
        if (before.IdKind is { } kind && after.IdKind != kind)
        {
            throw new CorruptDataException($"the kind of ids becomes {after.IdKind}, it was {kind}");
        }

        foreach (var old in before.Attributes)
        {
            bool keeps = after.Find(old.Id) is { } now && now.Name == old.Name
                && (now.Type == old.Type || (old.Type.Kind == TypeKind.UnknownArray && now.Type.IsArray));
            if (!keeps)
            {
                throw new CorruptDataException($"attribute {old.Id}, \"{old.Name}\" of type {old.Type}, is gone or becomes another");
            }
        }
    }

    private void CheckOperations(NamespaceSchema schema)
    {
        foreach (var operation in OperationFormat.Enumerate(Operations))
        {
            if (operation.Id.Kind != schema.IdKind)
            {
                throw new CorruptDataException($"an id of kind {operation.Id.Kind}, the schema says {schema.IdKind}");
            }

            if (operation.Kind != OperationKind.Delete)
            {
                CheckValues(operation.Row, schema);
            }
        }
    }

    private static void CheckValues(ReadOnlySpan<byte> row, NamespaceSchema schema)
    {
        foreach (var value in RowFormat.Enumerate(row))
        {
            if (schema.Find(value.Number) is not { Id: > 0, Type.IsDenseVector: false } attribute)
            {
                throw new CorruptDataException($"a row with attribute {value.Number}, which the schema does not know as such");
            }

            if (!value.IsNull)
            {
                PayloadFormat.Check(attribute.Type, value.Payload);
            }
        }
    }

    /// <summary>Each section once, and the flags say which there are.</summary>
    private void CheckSections()
    {
        var found = Header.Flags & WalEntryFlags.DeletesNamespace;
        var seen = new HashSet<(WalSection, int)>();
        foreach (var section in sections)
        {
            if (!seen.Add((section.Kind, section.AttributeId)) || (section.Kind == WalSection.Vectors) != (section.AttributeId > 0))
            {
                throw new CorruptDataException($"section {section.Kind} of attribute {section.AttributeId} comes twice or makes no sense");
            }

            found |= section.Kind switch
            {
                WalSection.Schema => WalEntryFlags.ChangesSchema,
                WalSection.Settings => WalEntryFlags.ChangesSettings,
                WalSection.Tokens => WalEntryFlags.ChangesTokens,
                _ => WalEntryFlags.ChangesDocuments,
            };
        }

        if (found != Header.Flags)
        {
            throw new CorruptDataException($"the flags say {Header.Flags}, the sections {found}");
        }
    }

    private static void CheckRow(in Operation operation)
    {
        if (operation.Kind == OperationKind.Delete)
        {
            return;
        }

        foreach (var value in RowFormat.Enumerate(operation.Row))
        {
            if (value.IsNull && operation.Kind != OperationKind.Patch)
            {
                throw new CorruptDataException($"a row with a null for attribute {value.Number}");
            }
        }
    }

    /// <summary>Walks over everything once, as far as that is possible without the schema.</summary>
    private void CheckContent()
    {
        CheckSections();
        ReadSchema();
        ReadOptions();
        ReadTokens();
        long upserts = 0;
        long count = 0;
        foreach (var operation in OperationFormat.Enumerate(Operations))
        {
            upserts += operation.Kind == OperationKind.Upsert ? 1 : 0;
            count++;
            CheckRow(operation);
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
