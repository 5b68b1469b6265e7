using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>Late interaction with a multi-vector attribute, document by document. Documents without vectors are left out.</summary>
/// <param name="attribute">What is searched.</param>
/// <param name="scorer">Exact distances to the query.</param>
/// <param name="vectors">The query's vectors as codes see them, one after the other: of unit length under cosine distance.</param>
internal sealed class MultiVectorQuery(AttributeDefinition attribute, MultiVectorScorer scorer, float[] vectors) : VectorQuery(attribute)
{
    public float[] Vectors => vectors;

    public override void Scan(QueryRun run, SetView view, RankedHeap heap)
    {
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            Offer(run, view, document, heap);
        }
    }

    /// <summary>Offers one document with its exact distance.</summary>
    public void Offer(QueryRun run, SetView view, int document, RankedHeap heap)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        var value = view.Set.GetValue(document, Attribute);
        if (TryDistance(value, out float distance))
        {
            run.VectorsScored += (long)(vectors.Length / Attribute.Type.Dimensions) * value.AsMultiVector.Count;
            heap.Offer(distance, view.Index, document);
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
