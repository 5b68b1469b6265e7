using Puff.Engine.Encoding;
using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>
/// The dot product with a sparse query; documents with product 0 are not scored. Sets with an inverted index are answered from it, others by
/// decoding their rows; both give the same numbers to the last bit.
/// </summary>
internal sealed class SparseScoreNode(AttributeDefinition attribute, SparseVector query) : ScoreNode
{
    public override bool IsAttributeDerived => false;

    public override void Plan(DocumentSet set, IReadBatch batch) =>
        set.GetSparse(attribute)?.Plan(query, (index, dimension) => index.PlanBlocks(dimension, batch));

    /// <summary>Brings the lists of the query's dimensions in all sets: their tables are here.</summary>
    public override void Prepare(NamespaceSnapshot snapshot, IReadBatch? reads, CancellationToken cancellation)
    {
        foreach (var set in snapshot.Sets.Where(s => reads is not null && s.IsDemandLoaded))
        {
            set.GetSparse(attribute)?.Plan(query, (index, dimension) => index.PlanPostings(dimension, reads!));
        }

        reads?.Run();
    }

    public override ScoreReader Open(SetView view, CancellationToken cancellation) =>
        view.Set.GetSparse(attribute) is { } source ? OpenIndex(source, view) : OpenScan(view);

    public override ScoreReader OpenRows(DocumentSet set) => new RowReader(set, attribute, query);

    /// <summary>Offers the best documents of a set; false when the set has no index for the attribute.</summary>
    /// <param name="run">The query.</param>
    /// <param name="view">The set.</param>
    /// <param name="count">Rows wanted.</param>
    /// <param name="heap">Takes them.</param>
    public bool TrySearch(QueryRun run, SetView view, int count, RankedHeap heap)
    {
        if (view.Set.GetSparse(attribute) is not { } source)
        {
            return false;
        }

        try
        {
            using var scorer = new SparseScorer(source.Index, query, view.Sparse);
            SparseSearch.Run(scorer, view.Matches, count, new HeapSink(heap, view.Index), run.Cancellation);
        }
        catch (CorruptDataException damage)
        {
            throw source.Damaged(damage);
        }

        run.RowsScanned += view.Sparse.Scored;
        return true;
    }

    private IndexReader OpenIndex(SparseSource source, SetView view)
    {
        try
        {
            return new IndexReader(source, new SparseScorer(source.Index, query, view.Sparse));
        }
        catch (CorruptDataException damage)
        {
            throw source.Damaged(damage);
        }
    }

    private ScoreReader OpenScan(SetView view)
    {
        view.Sparse.Scans++;
        return OpenRows(view.Set);
    }

    private readonly struct HeapSink(RankedHeap heap, int set) : IScoreSink
    {
        public double Threshold => -heap.Bound;

        public void Offer(int document, double score) => heap.Offer(-score, set, document);
    }

    private sealed class IndexReader(SparseSource source, SparseScorer scorer) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            try
            {
                scorer.Score(documents, scores);
            }
            catch (CorruptDataException damage)
            {
                throw source.Damaged(damage);
            }

            for (int i = 0; i < documents.Length; i++)
            {
                scored[i] = scores[i] != 0;
            }
        }
    }

    private sealed class RowReader(DocumentSet set, AttributeDefinition attribute, SparseVector query) : ScoreReader
    {
        public override void Read(ReadOnlySpan<int> documents, Span<double> scores, Span<bool> scored)
        {
            for (int i = 0; i < documents.Length; i++)
            {
                var value = set.GetValue(documents[i], attribute);
                scores[i] = value.IsNull ? 0 : DotProduct(value.AsSparse);
                scored[i] = scores[i] != 0;
            }
        }

        private double DotProduct(SparseVector stored) => SparseDotProduct.Compute(query.Keys, query.Weights, stored.Keys, stored.Weights);
    }
}
