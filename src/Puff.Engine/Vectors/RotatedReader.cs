using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>Reads vectors of a source into rotated space. For one thread.</summary>
internal sealed unsafe class RotatedReader(IVectorSource source, RandomRotation rotation) : IDisposable
{
    // Squared norms outside of these bounds have lost bits to underflow, or overflowed: such vectors say nothing about where a centroid should be.
    private const float LeastSquaredNorm = 1e-30f;
    private const float GreatestSquaredNorm = 1e30f;

    private readonly FloatBuffer unrotated = new(rotation.Dimensions);
    private readonly FloatBuffer rotated = new(rotation.PaddedDimensions);

    /// <summary>The vector that <see cref="Read(int)"/> was called for last.</summary>
    public float* Rotated => rotated.Pointer;

    /// <summary>Reads a vector into <see cref="Rotated"/>.</summary>
    public bool Read(int index) => Read(index, rotated.Pointer);

    /// <summary>
    /// Writes a rotated vector, <see cref="RandomRotation.PaddedDimensions"/> numbers. False for one that is zero, or whose norm single precision
    /// cannot hold well: then zeros are written.
    /// </summary>
    public bool Read(int index, float* destination)
    {
        source.Read(index, unrotated.Pointer);
        float squaredNorm = DotProduct.Compute<F32Element>((byte*)unrotated.Pointer, unrotated.Pointer, rotation.Dimensions);
        if (!(squaredNorm >= LeastSquaredNorm && squaredNorm <= GreatestSquaredNorm))
        {
            new Span<float>(destination, rotation.PaddedDimensions).Clear();
            return false;
        }

        rotation.Apply(unrotated.Pointer, destination);
        return true;
    }

    public void Dispose()
    {
        unrotated.Dispose();
        rotated.Dispose();
    }
}
