using System.Collections.Concurrent;
using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// Documents numbered 0 .. Count-1 as one snapshot sees them: an immutable segment, or the tail of the WAL. Queries run over a list of these and
/// know no other difference than <see cref="Columns"/>. Everything handed out is valid while the snapshot is held.
/// </summary>
internal abstract class DocumentSet
{
    private readonly ConcurrentDictionary<(int Attribute, TextAnalysis Analysis), LiveText> texts = new();
    private int liveCount = -1;

    /// <summary>All numbers, dead ones included.</summary>
    public abstract int Count { get; }

    /// <summary>Documents that exist in this snapshot. Shared: do not change.</summary>
    public abstract BitSet Live { get; }

    /// <summary>How many there are.</summary>
    public virtual int LiveCount => liveCount >= 0 ? liveCount : liveCount = Live.PopCount();

    /// <summary>True for the not yet indexed tail.</summary>
    public abstract bool IsTail { get; }

    /// <summary>Columns for filters, orders and aggregates; null for the tail, which is evaluated document by document.</summary>
    public abstract IColumnSource? Columns { get; }

    public abstract DocumentId GetId(int document);

    /// <summary>The number of a live document, or -1.</summary>
    public abstract int Find(in DocumentId id);

    /// <summary>Any attribute of one document, decoded; vectors as arrays of the column's width.</summary>
    public abstract Value GetValue(int document, AttributeDefinition attribute);

    /// <summary>The exact vectors of a dense vector attribute; null when no document of the set has any.</summary>
    public abstract VectorRows? GetVectors(AttributeDefinition attribute);

    /// <summary>The codes of a dense vector attribute; null when the set has none, and its vectors are to be scanned.</summary>
    public virtual CodedVectors? GetIndex(AttributeDefinition attribute) => null;

    /// <summary>
    /// Of a set without an index: documents that have codes nevertheless, in ascending order. The vectors of all others are to be scanned.
    /// </summary>
    public virtual IReadOnlyList<CodedRange> GetCodedRanges(AttributeDefinition attribute) => [];

    /// <summary>The codes of a late-interaction attribute; null when the set has none, and its documents are to be scanned.</summary>
    public virtual LateInteractionCodes? GetTokenCodes(AttributeDefinition attribute) => null;

    /// <summary>The inverted index of a sparse vector attribute; null when its documents have to be scanned.</summary>
    public virtual SparseSource? GetSparse(AttributeDefinition attribute) => null;

    /// <summary>The text of a full-text attribute, indexed: stored, or made from the documents when it is first asked for.</summary>
    public LiveText GetText(AttributeDefinition attribute) => texts.GetOrAdd(
        (attribute.Id, TextAnalysis.Of(attribute.FullText!)), static (_, state) => state.Self.OpenText(state.Attribute), (Self: this, Attribute: attribute));

    /// <summary>The exact vectors of a set that has an index, read and verified one by one.</summary>
    public virtual IExactRows? GetExactRows(AttributeDefinition attribute) => null;

    /// <summary>Whether what is read may have to be fetched from the store first: then the next stage of a query is planned as a whole.</summary>
    public virtual bool IsDemandLoaded => false;

    /// <inheritdoc cref="SegmentPlanner.PlanRow"/>
    public virtual void PlanRow(int document, IReadOnlyList<AttributeDefinition> attributes, IReadBatch batch, bool isKnown)
    {
    }

    /// <inheritdoc cref="SegmentPlanner.PlanAttribute"/>
    public virtual void PlanAttribute(AttributeDefinition attribute, IReadBatch batch)
    {
    }

    /// <summary>The live documents that match; all live ones without a predicate. The result may be shared: do not change it.</summary>
    public BitSet Match(Predicate? predicate, CancellationToken cancellation)
    {
        if (predicate is null)
        {
            return Live;
        }

        var matches = new BitSet(Count);
        if (Columns is { } columns)
        {
            predicate.Evaluate(columns, matches, cancellation);
            matches.And(Live);
            return matches;
        }

        for (int document = Live.NextSet(0); document >= 0; document = Live.NextSet(document + 1))
        {
            cancellation.ThrowIfCancellationRequested();
            matches[document] = predicate.Matches(ReaderOf(document), null);
        }

        return matches;
    }

    /// <summary>A reader on one document, for predicates.</summary>
    public IAttributeReader ReaderOf(int document) => new Reader(this, document);

    /// <summary>The index of all documents, dead ones included.</summary>
    protected virtual TextSource FindText(AttributeDefinition attribute) => TextSource.Collect(attribute, Count, document => GetValue(document, attribute));

    private LiveText OpenText(AttributeDefinition attribute)
    {
        var source = FindText(attribute);
        try
        {
            return new LiveText(source, Live);
        }
        catch (CorruptDataException damage)
        {
            throw source.Damaged(damage);
        }
    }

    private sealed class Reader(DocumentSet set, int document) : IAttributeReader
    {
        public Value Get(AttributeDefinition attribute) => attribute.Id == 0 ? set.GetId(document).ToValue() : set.GetValue(document, attribute);
    }
}

/// <summary>
/// Where the exact vectors of a set lie, at the column's width. Blocks are contiguous: within a block row i is at Pointer + i × stride,
/// so that a scan runs at memory bandwidth. Documents outside all blocks have no vector.
/// </summary>
internal sealed class VectorRows(int rowBytes, IReadOnlyList<VectorBlock> blocks)
{
    /// <summary>Bytes of a vector and distance between two of a block.</summary>
    public int RowBytes { get; } = rowBytes;

    /// <summary>In ascending order of document numbers, not overlapping.</summary>
    public IReadOnlyList<VectorBlock> Blocks { get; } = blocks;
}

/// <summary>Consecutive documents of a set that have codes of their own.</summary>
/// <param name="First">The first of them; document i of the index is document First + i of the set.</param>
/// <param name="Index">Their codes.</param>
/// <param name="Rows">Their exact vectors.</param>
internal sealed record CodedRange(int First, CodedVectors Index, IExactRows Rows);

/// <summary>Vectors of the documents FirstDocument .. FirstDocument + Count - 1.</summary>
internal readonly unsafe struct VectorBlock(int firstDocument, int count, byte* pointer)
{
    public int FirstDocument { get; } = firstDocument;

    public int Count { get; } = count;

    public byte* Pointer { get; } = pointer;
}
