using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>What an index needs to know of its attribute.</summary>
internal sealed unsafe class VectorSpace(ElementType type, bool cosine, int dimensions)
{
    public const ulong RotationSeed = 77;

    public ElementType Type => type;

    public bool IsCosine => cosine;

    public int Dimensions => dimensions;

    public RandomRotation Rotation { get; } = new(dimensions, RotationSeed);

    public float CodeScale => cosine ? 2 : 1;

    public ExactScorer Scorer(float[] query) => ExactScorer.Create(type, dimensions, cosine, query);

    /// <summary>What a column of the type holds of a vector, at the length that the index sees.</summary>
    public float[] ToIndex(float[] vector)
    {
        float[] stored = type switch
        {
            ElementType.F16 => Array.ConvertAll(vector, x => (float)(Half)x),
            _ => vector,
        };
        return ToQuery(stored);
    }

    /// <summary>A query at the length that the index sees.</summary>
    public float[] ToQuery(float[] vector)
    {
        float[] query = [.. vector];
        if (cosine)
        {
            IndexedVector.ScaleToUnit(query);
        }

        return query;
    }

    public float[][] Rotate(float[][] vectors)
    {
        var result = new float[vectors.Length][];
        Parallel.For(0, vectors.Length, i =>
        {
            result[i] = new float[Rotation.PaddedDimensions];
            fixed (float* source = vectors[i], destination = result[i])
            {
                Rotation.Apply(source, destination);
            }
        });
        return result;
    }
}
