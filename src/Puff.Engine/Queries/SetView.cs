using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Text;
using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>
/// One document set under one query: which documents match, and the columns the query reads. The tail's columns are built from its rows when first asked for.
/// </summary>
internal sealed class SetView
{
    private readonly Dictionary<int, BuiltColumn> built = [];

    private SetView(DocumentSet set, int index, BitSet matches)
    {
        Set = set;
        Index = index;
        Matches = matches;
        MatchCount = FilteredCount = ReferenceEquals(matches, set.Live) ? set.LiveCount : matches.PopCount();
    }

    public DocumentSet Set { get; }

    /// <summary>Position in the snapshot's list.</summary>
    public int Index { get; }

    /// <summary>Live documents that pass the filter and were not excluded. Shared: do not change.</summary>
    public BitSet Matches { get; private set; }

    public int MatchCount { get; private set; }

    /// <summary>Live documents that pass the filter.</summary>
    public int FilteredCount { get; }

    /// <summary>What searches of inverted indexes of sparse vectors did here.</summary>
    public SparseCounters Sparse { get; } = new();

    /// <summary>What searches of posting lists of texts did here.</summary>
    public TextCounters Text { get; } = new();

    public static SetView Create(DocumentSet set, int index, Predicate? filter, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new SetView(set, index, filter is null ? set.Live : Evaluate(set, filter, set.Live, cancellation));
    }

    /// <summary>The documents among <paramref name="candidates"/> that match: by columns in a segment, one by one in the tail.</summary>
    public static BitSet Evaluate(DocumentSet set, Predicate predicate, BitSet candidates, CancellationToken cancellation)
    {
        if (set.Columns is { } columns)
        {
            var matches = BitSetPool.Rent(set.Count);
            predicate.Evaluate(columns, matches, cancellation);
            matches.And(candidates);
            return matches;
        }

        var result = new BitSet(set.Count);
        var reader = new DocumentReader(set);
        for (int document = candidates.NextSet(0); document >= 0; document = candidates.NextSet(document + 1))
        {
            cancellation.ThrowIfCancellationRequested();
            reader.Document = document;
            result[document] = predicate.Matches(reader, null);
        }

        return result;
    }

    /// <summary>Takes a document out of the matches. <see cref="Recount"/> afterwards.</summary>
    public void Exclude(int document) => OwnMatches()[document] = false;

    /// <summary>Takes the documents out of the matches that a predicate holds for. <see cref="Recount"/> afterwards.</summary>
    public void Exclude(Predicate predicate, CancellationToken cancellation)
    {
        if (MatchCount == 0)
        {
            return;
        }

        var excluded = Evaluate(Set, predicate, Matches, cancellation);
        OwnMatches().AndNot(excluded);
        BitSetPool.Return(excluded);
    }

    public void Recount() => MatchCount = Matches.PopCount();

    private BitSet OwnMatches()
    {
        if (ReferenceEquals(Matches, Set.Live))
        {
            Matches = BitSetPool.Rent(Set.Count);
            Matches.CopyFrom(Set.Live);
        }

        return Matches;
    }

    /// <summary>Ends the use of <see cref="Matches"/>.</summary>
    public void Recycle()
    {
        if (!ReferenceEquals(Matches, Set.Live))
        {
            BitSetPool.Return(Matches);
        }
    }

    /// <summary>The index over the column of an attribute or the id; null when there is none.</summary>
    public AttributeIndex? GetIndex(AttributeDefinition attribute) => Set.Columns?.GetIndex(attribute);

    /// <summary>
    /// The column of a filterable attribute or the id, right for all matching documents; null when none has a value. A column built from
    /// rows lives as long as this view.
    /// </summary>
    public Column? GetColumn(AttributeDefinition attribute)
    {
        if (Set.Columns is { } columns)
        {
            return columns.GetColumn(attribute);
        }

        if (!built.TryGetValue(attribute.Id, out var column))
        {
            built[attribute.Id] = column = BuiltColumn.Build(Set, attribute, Matches);
        }

        return column.Column;
    }
}

/// <summary>A reader that is moved from document to document, so that a scan allocates one.</summary>
internal sealed class DocumentReader(DocumentSet set) : IAttributeReader
{
    public int Document { get; set; }

    public Value Get(AttributeDefinition attribute) => attribute.Id == 0 ? set.GetId(Document).ToValue() : set.GetValue(Document, attribute);
}
