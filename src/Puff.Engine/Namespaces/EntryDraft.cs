using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The entry a batch is becoming: operations and vectors in unmanaged buffers, appended request by request; a request that fails is taken back whole
/// with <see cref="Restore"/>.
/// </summary>
internal sealed class EntryDraft : IDisposable
{
    private readonly SortedDictionary<int, (ByteWriter Writer, int RowBytes)> vectors = [];
    private readonly Stack<ByteWriter> spare = new();

    public ByteWriter Operations { get; } = new(1 << 16);

    public uint OperationCount { get; private set; }

    public NamespaceSchema? Schema { get; set; }

    public NamespaceOptions? Options { get; set; }

    /// <summary>In ascending order of names.</summary>
    public IReadOnlyList<NamespaceToken> Tokens { get; set; } = [];

    public bool DeletesNamespace { get; set; }

    public bool IsEmpty => OperationCount == 0 && Schema is null && Options is null && Tokens.Count == 0 && !DeletesNamespace;

    /// <summary>The entry changes more than documents.</summary>
    public bool ChangesDeclarations => Schema is not null || Options is not null || DeletesNamespace;

    public long Bytes => Operations.Length + vectors.Values.Sum(v => v.Writer.Length);

    public void Upsert(in DocumentId id, ReadOnlySpan<byte> row)
    {
        Begin(id);
        OperationFormat.WriteRow(Operations, OperationKind.Upsert, id, row);
    }

    public void Patch(in DocumentId id, ReadOnlySpan<byte> row)
    {
        Begin(id);
        OperationFormat.WriteRow(Operations, OperationKind.Patch, id, row);
    }

    public void Delete(in DocumentId id)
    {
        Begin(id);
        OperationFormat.WriteDelete(Operations, id);
    }

    /// <summary>The vector of the upsert just appended, at column width.</summary>
    public void Vector(AttributeDefinition attribute, ReadOnlySpan<byte> vector)
    {
        if (!vectors.TryGetValue(attribute.Id, out var column))
        {
            column = (spare.TryPop(out var used) ? used : new ByteWriter(1 << 16), attribute.Type.VectorBytes);
            vectors.Add(attribute.Id, column);
        }

        column.Writer.Bytes(vector);
    }

    public Mark Save() => new(Operations.Length, OperationCount, Schema, Options, Tokens, vectors.ToDictionary(v => v.Key, v => v.Value.Writer.Length));

    public void Restore(Mark mark)
    {
        Operations.Truncate(mark.Operations);
        OperationCount = mark.Count;
        Schema = mark.Schema;
        Options = mark.Options;
        Tokens = mark.Tokens;
        foreach (var (attribute, column) in vectors)
        {
            column.Writer.Truncate(mark.Vectors.GetValueOrDefault(attribute));
        }
    }

    /// <summary>The whole object; the caller owns its reference.</summary>
    public NativeObjectMemory Build(WalEntryHeader header)
    {
        var sections = new List<(WalSection Kind, int AttributeId, int RowBytes, MemoryRegion Content)>();
        using var schema = new ByteWriter();
        if (Schema is not null)
        {
            SchemaFormat.Write(schema, Schema);
            sections.Add((WalSection.Schema, 0, 0, schema.Written));
        }

        using var options = new ByteWriter();
        if (Options is not null)
        {
            SettingsFormat.Write(options, Options);
            sections.Add((WalSection.Settings, 0, 0, options.Written));
        }

        using var tokens = new ByteWriter();
        if (Tokens.Count > 0)
        {
            TokenFormat.Write(tokens, Tokens);
            sections.Add((WalSection.Tokens, 0, 0, tokens.Written));
        }

        if (OperationCount > 0)
        {
            sections.Add((WalSection.Operations, 0, 0, Operations.Written));
        }

        foreach (var (attribute, column) in vectors)
        {
            if (column.Writer.Length > 0)
            {
                sections.Add((WalSection.Vectors, attribute, column.RowBytes, column.Writer.Written));
            }
        }

        var memory = NativeObjectMemory.Allocate(WalEntryFormat.Measure(sections.ConvertAll(s => s.Content.Length)));
        WalEntryFormat.Write(memory.WritableSpan, header with { Flags = Flags, Operations = OperationCount }, sections);
        return memory;
    }

    /// <summary>Bytes its buffers hold, used or not.</summary>
    public long Capacity => Operations.Capacity + vectors.Values.Sum(v => v.Writer.Capacity) + spare.Sum(w => w.Capacity);

    /// <summary>Makes an empty draft of it that keeps the buffers.</summary>
    public void Reset()
    {
        Operations.Clear();
        foreach (var (writer, _) in vectors.Values)
        {
            writer.Clear();
            spare.Push(writer);
        }

        vectors.Clear();
        (OperationCount, Schema, Options, Tokens, DeletesNamespace) = (0, null, null, [], false);
    }

    public void Dispose()
    {
        Reset();
        Operations.Dispose();
        while (spare.TryPop(out var writer))
        {
            writer.Dispose();
        }
    }

    private WalEntryFlags Flags =>
        (DeletesNamespace ? WalEntryFlags.DeletesNamespace : 0) | (Schema is not null ? WalEntryFlags.ChangesSchema : 0)
        | (OperationCount > 0 ? WalEntryFlags.ChangesDocuments : 0) | (Options is not null ? WalEntryFlags.ChangesSettings : 0)
        | (Tokens.Count > 0 ? WalEntryFlags.ChangesTokens : 0);

    private void Begin(in DocumentId id)
    {
        if (Operations.Length == 0)
        {
            OperationFormat.WriteStart(Operations, id.Kind);
        }

        OperationCount++;
    }

    internal readonly record struct Mark(
        long Operations, uint Count, NamespaceSchema? Schema, NamespaceOptions? Options, IReadOnlyList<NamespaceToken> Tokens,
        Dictionary<int, long> Vectors);
}
