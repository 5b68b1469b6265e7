using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>
/// Late interaction: the sum, over the query vectors, of the distance to the nearest of the document's vectors. Documents without vectors are left out.
/// </summary>
/// <param name="scorers">One for each query vector, over f32 rows: the stored vectors come decoded.</param>
internal sealed unsafe class MultiVectorQuery(AttributeDefinition attribute, ExactScorer[] scorers) : VectorQuery(attribute)
{
    public override void Scan(QueryRun run, SetView view, RankedHeap heap)
    {
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var value = view.Set.GetValue(document, Attribute);
            if (TryDistance(value, out float distance))
            {
                run.VectorsScored += (long)scorers.Length * value.AsMultiVector.Count;
                heap.Offer(distance, view.Index, document);
            }
        }
    }

    public override bool TryDistance(DocumentSet set, int document, out float distance) => TryDistance(set.GetValue(document, Attribute), out distance);

    public override void Dispose()
    {
        foreach (var scorer in scorers)
        {
            scorer.Dispose();
        }
    }

    private bool TryDistance(Value value, out float distance)
    {
        distance = 0;
        if (value.IsNull || value.AsMultiVector.Data.Length == 0)
        {
            return false;
        }

        var vectors = value.AsMultiVector;
        Span<float> distances = stackalloc float[ChunkRows];
        fixed (float* data = vectors.Data)
        {
            foreach (var scorer in scorers)
            {
                distance += Nearest(scorer, data, vectors, distances);
            }
        }

        return true;
    }

    private static float Nearest(ExactScorer scorer, float* data, MultiVector vectors, Span<float> distances)
    {
        float nearest = float.PositiveInfinity;
        for (int first = 0; first < vectors.Count; first += ChunkRows)
        {
            int length = Math.Min(ChunkRows, vectors.Count - first);
            scorer.Distances((byte*)(data + (long)first * vectors.Dimensions), vectors.Dimensions * sizeof(float), length, distances);
            for (int i = 0; i < length; i++)
            {
                nearest = Math.Min(nearest, distances[i]);
            }
        }

        return nearest;
    }
}
