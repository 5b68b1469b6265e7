using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed unsafe class CentroidCodesTests
{
    [Theory]
    [InlineData(64, 0)]
    [InlineData(768, 0)]
    [InlineData(768, 100)]
    [InlineData(10752, 1)]
    public void Distances_are_nearly_exact(int padded, float offset)
    {
        const int Count = 20;
        using var centroids = NativeFloats.Gaussian(new Random(padded), (Count + 1) * padded);
        for (int i = 0; i < centroids.Count; i++)
        {
            centroids.Pointer[i] += offset;
        }

        float* query = centroids.Pointer + Count * padded;
        using var codes = CentroidCodes.Create(centroids.Pointer, Count, padded, padded);
        int[] rows = [.. Enumerable.Range(0, Count).Reverse().Append(3)];
        var distances = new float[rows.Length];
        codes.Distances(query, rows, distances);
        for (int i = 0; i < rows.Length; i++)
        {
            // About 2 × padded, with errors of 0.01 × padded / √padded; five of those.
            double exact = SquaredEuclidean.Scalar<F32Element>((byte*)(centroids.Pointer + rows[i] * padded), query, padded);
            Assert.Equal(exact, distances[i], 0.05 * Math.Sqrt(padded) + 1e-4 * padded);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1e-38f)]
    [InlineData(1e18f)]
    [InlineData(float.MaxValue)]
    public void Extremes_give_numbers(float size)
    {
        using var centroids = new NativeFloats(3 * 64);
        centroids.Span[..64].Fill(size);
        centroids.Span[64..128].Fill(-size);
        using var codes = CentroidCodes.Create(centroids.Pointer, 2, 64, 64);
        var distances = new float[2];
        codes.Distances(centroids.Pointer, [0, 1], distances);
        Assert.All(distances, distance => Assert.True(distance >= 0));
        Assert.True(distances[0] <= distances[1]);
        codes.Distances(centroids.Pointer + 128, [0, 1], distances);
        Assert.All(distances, distance => Assert.True(distance >= 0));
    }
}
