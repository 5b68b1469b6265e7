using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>
/// A score expression bound to a schema (turbopuffer-api 4.2). Every node gives each document a value and says whether the document counts as scored by it:
/// a row that no part of an expression scores is left out of the ranking. Immutable; opened once for each document set.
/// </summary>
internal abstract class ScoreNode
{
    /// <summary>True when the value comes from an attribute somewhere: such a row stays in the ranking with value 0.</summary>
    public abstract bool IsAttributeDerived { get; }

    /// <summary>No document's score is larger; infinite when that cannot be told beforehand. After <see cref="Prepare"/>.</summary>
    public virtual double LargestScore => double.PositiveInfinity;

    /// <summary>To be called before a ranking: what a score needs to know of all sets together.</summary>
    /// <param name="snapshot">All sets.</param>
    /// <param name="reads">Brings what was not planned before; null when everything is in memory.</param>
    /// <param name="cancellation">Stops it.</param>
    public virtual void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation)
    {
    }

    /// <summary>Adds to a batch what of a set, besides columns and their indexes, is known to be read before anything of it was.</summary>
    public virtual void Plan(DocumentSet set, IReadBatch batch)
    {
    }

    /// <param name="view">A whole set is going to be read, restricted to its matches.</param>
    public abstract ScoreReader Open(SetView view, CancellationToken cancellation);

    /// <summary>Only a few documents are going to be read: no work over the whole set is worth it.</summary>
    public abstract ScoreReader OpenRows(DocumentSet set);
}

/// <summary>Reads the scores of one set in chunks. Holds scratch memory: for one thread.</summary>
internal abstract class ScoreReader
{
    /// <summary>Documents in one call, at most.</summary>
    public const int ChunkRows = 256;

    /// <summary>No document from one on up to, but not including, another has a larger score; infinite when that cannot be told.</summary>
    public virtual double LargestIn(int first, int end) => double.PositiveInfinity;

    /// <summary>Overwrites both outputs; a document that is not scored has score 0.</summary>
    public abstract void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored);
}

/// <summary>1 where a filter matches; other documents are not scored.</summary>
internal sealed class FilterScoreNode(Predicate predicate) : ScoreNode
{
    public override bool IsAttributeDerived => false;

    public override double LargestScore => 1;

    public override void Plan(DocumentSet set, IReadBatch batch)
    {
        if (set.Columns is { } columns)
        {
            predicate.Plan(columns, batch);
        }
    }

    /// <summary>The matching documents among those of a view.</summary>
    public BitSet Matches(SetView view, CancellationToken cancellation) => SetView.Evaluate(view.Set, predicate, view.Matches, cancellation);

    public override ScoreReader Open(SetView view, CancellationToken cancellation) => new BitReader(Matches(view, cancellation));

    public override ScoreReader OpenRows(DocumentSet set) => new RowReader(predicate, new DocumentReader(set));

    private sealed class BitReader(BitSet matches) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            for (int i = 0; i < documents.Length; i++)
            {
                scored[i] = matches[documents[i]];
                scores[i] = scored[i] ? 1 : 0;
            }
        }
    }

    private sealed class RowReader(Predicate predicate, DocumentReader reader) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            for (int i = 0; i < documents.Length; i++)
            {
                reader.Document = documents[i];
                scored[i] = predicate.Matches(reader, null);
                scores[i] = scored[i] ? 1 : 0;
            }
        }
    }
}
