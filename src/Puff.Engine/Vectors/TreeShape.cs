namespace Puff.Engine.Vectors;

/// <summary>What is the same for all nodes of a tree.</summary>
/// <param name="Id">Names the tree; not 0, which stands for "no tree".</param>
/// <param name="RotationSeed">Names the rotation of its centroids and of all vectors coded against them.</param>
/// <param name="Dimensions">Of the attribute.</param>
/// <param name="CentroidScale">
/// A power of two: a centroid's coordinate is its 16-bit float times this. Euclidean vectors may be far larger or smaller than 16-bit floats reach, and
/// clamping them would leave a tree whose centroids are far from their vectors. Part of the stored header, because vectors are coded against the product.
/// </param>
internal readonly record struct TreeShape(ulong Id, ulong RotationSeed, int Dimensions, float CentroidScale)
{
    private const int CoordinateMultiple = 64;

    /// <summary>Coordinates after the rotation.</summary>
    public int PaddedDimensions => (Dimensions + CoordinateMultiple - 1) / CoordinateMultiple * CoordinateMultiple;
}
