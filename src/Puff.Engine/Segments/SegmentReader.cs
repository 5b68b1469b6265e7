using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// An open segment: its parts mapped, nothing but their footers read. Reference-counted, because snapshots and the namespace's state share it; created with one
/// reference. All methods may be called from any thread while a reference is held, and what they hand out is valid that long.
/// Damage is a <see cref="PuffException"/> of kind Corrupt that names the object.
/// </summary>
internal sealed class SegmentReader : ITextColumns
{
    private readonly SegmentParts parts;
    private readonly RowsPartReader rows;
    private readonly IdsPartReader ids;
    private readonly ColumnsPartReader columns;
    private readonly ConcurrentDictionary<(int Attribute, TypeKind Kind), Column?> openColumns = new();
    private readonly ConcurrentDictionary<int, VectorsReader?> openVectors = new();
    private readonly ConcurrentDictionary<int, VectorRows?> vectorRows = new();
    private readonly ConcurrentDictionary<int, CodesReader?> openCodes = new();
    private readonly ConcurrentDictionary<int, CodedVectors> indexes = new();
    private readonly ConcurrentDictionary<int, LateInteractionCodes> tokenCodes = new();
    private readonly ConcurrentDictionary<int, SparseSource?> openSparse = new();
    private readonly ConcurrentDictionary<(int Attribute, TextAnalysis Analysis), TextSource> openTexts = new();
    private readonly ConcurrentDictionary<(int Attribute, TypeKind Kind), AttributeIndex?> openAttributes = new();
    private readonly ConcurrentDictionary<int, ExactRows?> exactRows = new();
    private readonly List<PartEncoder> builtColumns = [];
    private readonly Lock building = new();
    private SegmentPlanner? planner;
    private int references = 1;

    private SegmentReader(SegmentDescriptor descriptor, SegmentParts parts, BitSet baseLive)
    {
        Descriptor = descriptor;
        this.parts = parts;
        BaseLive = baseLive;
        rows = Open(parts.Rows, static part => new RowsPartReader(part));
        ids = Open(parts.Ids, static part => new IdsPartReader(part));
        columns = new ColumnsPartReader(parts.Columns.Reader);
    }

    public SegmentDescriptor Descriptor { get; }

    public int Count => Descriptor.Documents;

    /// <summary>Whether what is read may have to be fetched from the store first.</summary>
    public bool IsDemandLoaded => parts.Rows.IsDemandLoaded;

    /// <summary>Documents the descriptor's deletion bitmap leaves. Shared: do not change.</summary>
    public BitSet BaseLive { get; }

    /// <summary>Every object this segment consists of, the deletion bitmap included.</summary>
    public IReadOnlyList<string> Keys => KeysOf(Descriptor);

    /// <summary>How many vectors have codes outside of any cluster tree; of the attribute that has most.</summary>
    public long FlatVectors => Descriptor.Trees.Where(t => t.TreeId == 0).Select(t => GetCodes(t.Attribute)?.Slots ?? 0L).DefaultIfEmpty().Max();

    /// <summary>Most vectors with codes outside of any tree of an attribute that has a tree by now.</summary>
    public long FlatVectorsBeside(IReadOnlyList<IndexTree> known) => Descriptor.Trees
        .Where(t => t.TreeId == 0 && known.Any(k => k.Descriptor.Attribute == t.Attribute))
        .Select(t => GetCodes(t.Attribute)?.Slots ?? 0L).DefaultIfEmpty().Max();

    public static IReadOnlyList<string> KeysOf(SegmentDescriptor descriptor)
    {
        var keys = descriptor.Parts.Select(p => descriptor.KeyOf(p.Name)).ToList();
        if (descriptor.DeletesKey != null)
        {
            keys.Add(descriptor.DeletesKey);
        }

        return keys;
    }

    /// <exception cref="PuffException">Corrupt when a part is absent or damaged; a store's failure passes through.</exception>
    /// <param name="store">Where from.</param>
    /// <param name="descriptor">The segment.</param>
    /// <param name="cancellation">Stops between objects.</param>
    /// <param name="deletes">The deletion bitmap, when somebody is reading it already.</param>
    public static async ValueTask<SegmentReader> OpenAsync(
        IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation, Task<BitSet>? deletes = null)
    {
        var parts = await SegmentParts.OpenAsync(store, descriptor, cancellation);
        try
        {
            var live = new BitSet(descriptor.Documents, true);
            if (descriptor.DeletesKey != null)
            {
                live.AndNot(await (deletes ?? DeletesObject.ReadAsync(store, descriptor.DeletesKey, descriptor.Documents, cancellation).AsTask()));
            }

            return new SegmentReader(descriptor, parts, live);
        }
        catch
        {
            parts.Release();
            throw;
        }
    }

    /// <summary>
    /// The parts in the order in which it pays to have them: what a search reads first and all of, then what filters and rankings read, then rows and vectors.
    /// </summary>
    public IEnumerable<MappedPart> PartsByWorth =>
        new[] { parts.Codes, parts.Ids, parts.Attributes, parts.Text, parts.Sparse, parts.Columns, parts.Rows, parts.Vectors }.OfType<MappedPart>();

    public bool HasText => parts.Text is not null;

    public bool HasAttributeIndex => parts.Attributes is not null;

    /// <summary>Who reads the segment while parts of it may be taken away; null when they may not.</summary>
    public ReaderEpochs? Readers => parts.Rows.Readers;

    /// <summary>From now on nobody reads the segment without a ticket of <see cref="Readers"/>.</summary>
    public void AllowEviction()
    {
        foreach (var part in parts.All)
        {
            part.AllowEviction();
        }
    }

    public void AddReference()
    {
        if (Interlocked.Increment(ref references) <= 1)
        {
            throw new ObjectDisposedException(nameof(SegmentReader), "the segment was already closed");
        }
    }

    public void Release()
    {
        int left = Interlocked.Decrement(ref references);
        if (left < 0)
        {
            throw new ObjectDisposedException(nameof(SegmentReader), "released more often than referenced");
        }

        if (left == 0)
        {
            parts.Release();
            builtColumns.ForEach(c => c.Dispose());
            tokenCodes.Values.ToList().ForEach(t => t.Dispose());
        }
    }

    /// <summary>The document with that id, deleted or not, or -1.</summary>
    public int Find(in DocumentId id)
    {
        try
        {
            return ids.Find(id);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Ids.Damaged(damage);
        }
    }

    public DocumentId GetId(int document)
    {
        CheckNumber(document);
        try
        {
            return ids.GetId(document);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Ids.Damaged(damage);
        }
    }

    /// <summary>Says what is about to be read; null when everything is in memory.</summary>
    public SegmentPlanner? Planner => IsDemandLoaded ? planner ??= new SegmentPlanner(this, parts, rows, ids) : null;

    /// <summary>All attributes but the dense vectors (<see cref="RowFormat"/>).</summary>
    public ReadOnlySpan<byte> GetRow(int document)
    {
        CheckNumber(document);
        try
        {
            return rows.GetRow(document);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Rows.Damaged(damage);
        }
    }

    /// <summary>Any attribute of a document, Null when it has none; dense vectors as arrays of the column's width.</summary>
    public Value GetValue(int document, AttributeDefinition attribute)
    {
        if (attribute.Id == 0)
        {
            return GetId(document).ToValue();
        }

        if (attribute.Type.IsDenseVector)
        {
            return ToValue(attribute.Type.Kind, GetVector(document, attribute));
        }

        var row = GetRow(document);
        try
        {
            return RowFormat.Read(row, attribute);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Rows.Damaged(damage);
        }
    }

    /// <summary>The bytes of a document's vector, 64-byte aligned only if the width is; empty when it has none.</summary>
    public MemoryRegion GetVector(int document, AttributeDefinition attribute)
    {
        CheckNumber(document);
        try
        {
            return OpenVectors(attribute)?.Read(document) ?? default;
        }
        catch (CorruptDataException damage)
        {
            throw parts.Vectors!.Damaged(damage);
        }
    }

    /// <summary>The vectors of an attribute, read and verified one by one; null when no document has one.</summary>
    public IExactRows? GetExactRows(AttributeDefinition attribute)
    {
        try
        {
            return exactRows.GetOrAdd(
                attribute.Id,
                static (_, state) => state.Self.OpenVectors(state.Attribute) is { } vectors ? new ExactRows(vectors, state.Self.parts.Vectors!) : null,
                (Self: this, Attribute: attribute));
        }
        catch (CorruptDataException damage)
        {
            throw parts.Vectors!.Damaged(damage);
        }
    }

    /// <summary>
    /// All vectors of an attribute, verified: the first call reads them all. Null when no document has one.
    /// </summary>
    public VectorRows? GetVectors(AttributeDefinition attribute)
    {
        try
        {
            return vectorRows.GetOrAdd(attribute.Id, static (_, state) => state.Self.ReadVectors(state.Attribute), (Self: this, Attribute: attribute));
        }
        catch (CorruptDataException damage)
        {
            throw parts.Vectors!.Damaged(damage);
        }
    }

    /// <summary>The codes of an attribute as stored; null when the segment has none.</summary>
    public CodesReader? GetCodes(int attribute)
    {
        if (parts.Codes is not { } part)
        {
            return null;
        }

        try
        {
            return openCodes.GetOrAdd(attribute, static (number, codes) => CodesReader.Open(codes.Reader, number, codes.Damaged), part);
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }

    /// <summary>
    /// The codes of an attribute, ready to be searched; null when the segment has none, and its vectors are to be scanned. Valid while a reference is held
    /// on the segment and on the tree.
    /// </summary>
    /// <param name="attribute">A dense vector attribute.</param>
    /// <param name="trees">Among them the tree the segment names.</param>
    public CodedVectors? GetIndex(AttributeDefinition attribute, IReadOnlyList<IndexTree> trees)
    {
        if (Descriptor.FindTree(attribute.Id) is not { } treeId)
        {
            return null;
        }

        var tree = treeId == 0 ? null : trees.FirstOrDefault(t => t.Descriptor.Id == treeId)?.Tree
            ?? throw PuffException.Corrupt($"segment {Descriptor.KeyBase} names tree {treeId:x16}, which the manifest does not list");
        if (indexes.TryGetValue(attribute.Id, out var known) && ReferenceEquals(known.Tree, tree))
        {
            return known;
        }

        // A newer version of the tree: the last one asked for is kept, because snapshots move forward together.
        return indexes[attribute.Id] = OpenIndex(attribute, tree);
    }

    /// <summary>The codes of a late-interaction attribute's token vectors; null when the segment has none. Valid while a reference is held.</summary>
    public LateInteractionCodes? GetTokenCodes(AttributeDefinition attribute)
    {
        if (tokenCodes.TryGetValue(attribute.Id, out var known))
        {
            return known;
        }

        if (GetCodes(attribute.Id) is not { } codes)
        {
            return null;
        }

        try
        {
            lock (building)
            {
                return tokenCodes.GetOrAdd(attribute.Id, static (id, state) => state.Self.OpenTokenCodes(id, state.Codes, state.Dimensions),
                    (Self: this, Codes: codes, attribute.Type.Dimensions));
            }
        }
        catch (CorruptDataException damage)
        {
            throw parts.Codes!.Damaged(damage);
        }
    }

    /// <summary>
    /// The column of an attribute (or of the id, number 0); null when no document has a value. One that the segment was written without is built from the rows,
    /// once, into unmanaged memory.
    /// </summary>
    public Column? GetColumn(AttributeDefinition attribute)
    {
        var key = (attribute.Id, attribute.Type.Kind);
        if (openColumns.TryGetValue(key, out var column))
        {
            return column;
        }

        lock (building)
        {
            return openColumns.GetOrAdd(key, static (_, state) => state.Self.OpenColumn(state.Attribute), (Self: this, Attribute: attribute));
        }
    }

    /// <summary>The index of an attribute (or of the id, number 0); null when no document has a value or the segment was written without.</summary>
    public AttributeIndex? GetIndex(AttributeDefinition attribute)
    {
        var key = (attribute.Id, attribute.Type.Kind);
        if (openAttributes.TryGetValue(key, out var index))
        {
            return index;
        }

        if (GetColumn(attribute) is not { } column)
        {
            return null;
        }

        lock (building)
        {
            return openAttributes.GetOrAdd(key, _ => OpenIndex(attribute, column));
        }
    }

    /// <summary>The inverted index of a sparse vector attribute; null when the segment was written without it.</summary>
    public SparseSource? GetSparse(AttributeDefinition attribute) =>
        parts.Sparse is { } part ? openSparse.GetOrAdd(attribute.Id, static (id, part) => SparseSource.Open(part, id), part) : null;

    /// <summary>
    /// The inverted index of a full-text attribute. One that the segment was written without, or with another analysis, is built from the rows, once, into
    /// unmanaged memory.
    /// </summary>
    public TextSource GetText(AttributeDefinition attribute)
    {
        var key = (attribute.Id, TextAnalysis.Of(attribute.FullText!));
        if (openTexts.TryGetValue(key, out var text))
        {
            return text;
        }

        lock (building)
        {
            return openTexts.GetOrAdd(key, static (key, state) => state.Self.OpenText(state.Attribute, key.Analysis), (Self: this, Attribute: attribute));
        }
    }

    /// <summary>Reads and checks every byte of every part. Returns what is wrong; empty when all is well.</summary>
    public async ValueTask<IReadOnlyList<SegmentProblem>> VerifyAllAsync(
        IObjectStore store, IReadOnlyList<TreeDescriptor> trees, CancellationToken cancellation) =>
        await SegmentVerifier.VerifyAsync(store, Descriptor, trees, cancellation);

    private static T Open<T>(MappedPart part, Func<PartReader, T> open)
    {
        try
        {
            return open(part.Reader);
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }

    private void CheckNumber(int document)
    {
        if ((uint)document >= (uint)Count)
        {
            throw new ArgumentOutOfRangeException(nameof(document), document, $"the segment has {Count} documents");
        }
    }

    private Column? OpenColumn(AttributeDefinition attribute)
    {
        if (attribute.Id == 0)
        {
            return Open(parts.Ids, _ => Count == 0 ? null : ids.GetColumn());
        }

        return columns.Holds(attribute)
            ? Open(parts.Columns, _ => columns.GetColumn(attribute))
            : Open(parts.Rows, _ => BuildColumn(attribute));
    }

    /// <summary>Encodes a part with just this attribute in memory and opens it, so that built and stored columns cannot differ.</summary>
    private Column? BuildColumn(AttributeDefinition attribute)
    {
        parts.Rows.RequireAll();
        var part = new PartEncoder(PartKind.Columns);
        try
        {
            using var encoder = new ColumnEncoder(part, attribute, Count);
            for (int document = 0; document < Count; document++)
            {
                SegmentBuilder.AddToColumn(encoder, document, rows.GetRow(document), attribute.Id);
            }

            encoder.Finish();
            part.Finish(Count);
            var column = new ColumnsPartReader(new PartReader(part.Buffer.Written, PartKind.Columns)).GetColumn(attribute);
            if (column == null)
            {
                part.Dispose();
            }
            else
            {
                builtColumns.Add(part);
            }

            return column;
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private TextSource OpenText(AttributeDefinition attribute, TextAnalysis analysis)
    {
        if (parts.Text is { } part && Open(part, p => TextIndex.Open(p, attribute.Id)) is { } index && index.Facts.Analysis == analysis)
        {
            return new TextSource(index, part.Damaged);
        }

        return Open(parts.Rows, _ => BuildText(attribute));
    }

    /// <summary>Encodes a part with just this attribute in memory and opens it, so that built and stored indexes cannot differ.</summary>
    private TextSource BuildText(AttributeDefinition attribute)
    {
        parts.Rows.RequireAll();
        var part = new PartEncoder(PartKind.Text);
        try
        {
            using var writer = new AnalysingTextWriter(part, attribute, Count, document => rows.GetRow(document), CancellationToken.None);
            while (writer.WriteMore())
            {
                part.Seal();
            }

            writer.Finish();
            part.Finish(Count);
            var index = TextIndex.Open(new PartReader(part.Buffer.Written, PartKind.Text), attribute.Id)!;
            builtColumns.Add(part);
            return new TextSource(index, parts.Rows.Damaged);
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private AttributeIndex? OpenIndex(AttributeDefinition attribute, Column column)
    {
        if (attribute.Id == 0)
        {
            return Open(parts.Ids, _ => ids.GetIndex(column));
        }

        return parts.Attributes is { } part ? Open(part, reader => AttributeIndex.Open(reader, attribute, column, part.Damaged)) : null;
    }

    private CodedVectors OpenIndex(AttributeDefinition attribute, ClusterTree? tree)
    {
        var codes = GetCodes(attribute.Id)
            ?? throw PuffException.Corrupt($"segment {Descriptor.KeyBase} has no codes of attribute {attribute.Id}, although the manifest says so");
        try
        {
            return new CodedVectors(codes, tree, attribute.Type.Dimensions, Count);
        }
        catch (CorruptDataException damage)
        {
            throw parts.Codes!.Damaged(damage);
        }
    }

    private LateInteractionCodes OpenTokenCodes(int attribute, CodesReader codes, int dimensions) =>
        new(codes, TokenClustersFormat.Read(parts.Codes!.Reader, attribute), dimensions, Count);

    private VectorsReader? OpenVectors(AttributeDefinition attribute)
    {
        if (parts.Vectors == null)
        {
            return null;
        }

        var state = (Part: parts.Vectors.Reader, Attribute: attribute);
        return openVectors.GetOrAdd(attribute.Id, static (_, s) => VectorsReader.Open(s.Part, s.Attribute), state);
    }

    private unsafe VectorRows? ReadVectors(AttributeDefinition attribute)
    {
        var reader = OpenVectors(attribute);
        if (reader == null)
        {
            return null;
        }

        var all = reader.ReadAll();
        return new VectorRows(
            reader.RowBytes,
            reader.Runs.Select(run => new VectorBlock(run.FirstDocument, run.Count, all.Pointer + run.FirstRow * (long)reader.RowBytes)).ToArray());
    }

    private static Value ToValue(TypeKind kind, MemoryRegion vector) => vector.Length == 0 ? Value.Null : kind switch
    {
        TypeKind.VectorF32 => Value.Vector(MemoryMarshal.Cast<byte, float>(vector.AsSpan()).ToArray()),
        TypeKind.VectorF16 => Value.Vector(MemoryMarshal.Cast<byte, Half>(vector.AsSpan()).ToArray()),
        _ => Value.Vector(MemoryMarshal.Cast<byte, sbyte>(vector.AsSpan()).ToArray()),
    };
}
