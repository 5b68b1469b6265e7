using System.Runtime.InteropServices;

namespace Puff.Engine.Numerics;

/// <summary>
/// Late interaction between a query and a document that both consist of several vectors: for every query vector the distance to the document's nearest
/// vector, summed. Document vectors are singles, one after the other.
/// </summary>
internal sealed unsafe class MultiVectorScorer : IDisposable
{
    private readonly int dimensions;
    private readonly ExactScorer[] scorers;

    private MultiVectorScorer(int dimensions, ExactScorer[] scorers)
    {
        this.dimensions = dimensions;
        this.scorers = scorers;
    }

    /// <param name="dimensions">Of each vector, at least 1.</param>
    /// <param name="cosine">Cosine distance; otherwise squared Euclidean.</param>
    /// <param name="queryVectors">At least one vector of finite numbers, one after the other. Copied.</param>
    public static MultiVectorScorer Create(int dimensions, bool cosine, ReadOnlySpan<float> queryVectors)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        if (queryVectors.IsEmpty || queryVectors.Length % dimensions != 0)
        {
            throw new ArgumentException($"{queryVectors.Length} numbers are not one or more vectors of {dimensions} dimensions", nameof(queryVectors));
        }

        var scorers = new ExactScorer[queryVectors.Length / dimensions];
        for (int i = 0; i < scorers.Length; i++)
        {
            scorers[i] = ExactScorer.Create(ElementType.F32, dimensions, cosine, queryVectors.Slice(i * dimensions, dimensions));
        }

        return new MultiVectorScorer(dimensions, scorers);
    }

    public void Dispose()
    {
        foreach (var scorer in scorers)
        {
            scorer.Dispose();
        }
    }

    /// <summary>The summed distance; positive infinity for a document without vectors, which callers leave out.</summary>
    public float Distance(ReadOnlySpan<float> documentVectors)
    {
        if (documentVectors.IsEmpty)
        {
            return float.PositiveInfinity;
        }

        double sum = 0;
        fixed (float* first = &MemoryMarshal.GetReference(documentVectors))
        {
            foreach (var scorer in scorers)
            {
                sum += Nearest(scorer, first, documentVectors.Length / dimensions);
            }
        }

        return (float)Math.Min(sum, float.MaxValue);
    }

    private float Nearest(ExactScorer scorer, float* vectors, int count)
    {
        float nearest = float.MaxValue;
        for (int i = 0; i < count; i++)
        {
            nearest = MathF.Min(nearest, scorer.Distance((byte*)(vectors + (long)i * dimensions)));
        }

        return nearest;
    }
}
