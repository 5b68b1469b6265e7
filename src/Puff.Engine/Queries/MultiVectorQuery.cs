using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>Late interaction with a multi-vector attribute, document by document. Documents without vectors are left out.</summary>
/// <param name="queryVectors">How many vectors the query has.</param>
internal sealed class MultiVectorQuery(AttributeDefinition attribute, MultiVectorScorer scorer, int queryVectors) : VectorQuery(attribute)
{
    public override void Scan(QueryRun run, SetView view, RankedHeap heap)
    {
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var value = view.Set.GetValue(document, Attribute);
            if (TryDistance(value, out float distance))
            {
                run.VectorsScored += (long)queryVectors * value.AsMultiVector.Count;
                heap.Offer(distance, view.Index, document);
            }
        }
    }

    public override bool TryDistance(DocumentSet set, int document, out float distance) => TryDistance(set.GetValue(document, Attribute), out distance);

    public override void Dispose() => scorer.Dispose();

    private bool TryDistance(Value value, out float distance)
    {
        bool hasVectors = !value.IsNull && value.AsMultiVector.Data.Length > 0;
        distance = hasVectors ? scorer.Distance(value.AsMultiVector.Data) : 0;
        return hasVectors;
    }
}
