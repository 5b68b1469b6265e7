using System.Runtime.Intrinsics;
using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed unsafe class GemmTests
{
    private delegate void Tile(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride);

    [Fact]
    public void Every_width_agrees_with_the_plain_loop()
    {
        var random = new Random(11);
        foreach (int dimensions in new[] { 1, 2, 7, 8, 63, 64, 65, 257, 768, 2112 })
        {
            long stride = dimensions + 3;
            using var x = NativeFloats.Gaussian(random, 8 * stride);
            using var y = NativeFloats.Gaussian(random, PackedRows.PanelWidth * dimensions);
            using var packed = PackedRows.Pack(y.Pointer, PackedRows.PanelWidth, dimensions, dimensions);
            foreach ((int tileRows, Tile tile) in Tiles())
            {
                for (int rows = 1; rows <= tileRows; rows++)
                {
                    Check(tile, x.Pointer, stride, rows, packed, dimensions);
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 33, 24)]
    [InlineData(100, 31, 65)]
    [InlineData(130, 200, 96)]
    [InlineData(3, 5, 10752)]
    public void Products_of_all_pairs(int rows, int columns, int dimensions)
    {
        var random = new Random(rows);
        long stride = dimensions + 5;
        using var x = NativeFloats.Gaussian(random, rows * stride);
        using var y = NativeFloats.Gaussian(random, columns * stride);
        using var packed = PackedRows.Pack(y.Pointer, columns, dimensions, stride);
        int resultStride = packed.PaddedCount + 1;
        using var result = new NativeFloats((long)rows * resultStride);
        Gemm.Dots(x.Pointer, rows, stride, packed, result.Pointer, resultStride);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double expected = DotProduct.Scalar<F32Element>((byte*)(x.Pointer + i * stride), y.Pointer + j * stride, dimensions);
                Assert.Equal(expected, result.Pointer[(long)i * resultStride + j], 1e-5 * dimensions);
            }
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(50, 33, 3)]
    [InlineData(200, 99, 64)]
    public void The_nearest_rows_are_found(int rows, int columns, int dimensions)
    {
        var random = new Random(columns);
        using var x = NativeFloats.Gaussian(random, (long)rows * dimensions);
        using var y = NativeFloats.Gaussian(random, (long)columns * dimensions);
        using var packed = PackedRows.Pack(y.Pointer, columns, dimensions, dimensions);
        var one = new int[rows];
        var distances = new float[rows];
        int count = Math.Min(columns, 5);
        var many = new int[rows * count];
        fixed (int* nearest = one, lists = many)
        fixed (float* squared = distances)
        {
            Gemm.Nearest(x.Pointer, rows, dimensions, packed, nearest, squared);
            Gemm.NearestMany(x.Pointer, rows, dimensions, packed, count, lists);
        }

        for (int i = 0; i < rows; i++)
        {
            double[] exact = [.. Enumerable.Range(0, columns).Select(j =>
                SquaredEuclidean.Scalar<F32Element>((byte*)(x.Pointer + i * dimensions), y.Pointer + j * dimensions, dimensions))];
            Assert.Equal(exact.Min(), exact[one[i]], 1e-4);
            Assert.Equal(exact.Min(), distances[i], 1e-4);
            double[] sorted = [.. exact.Order().Take(count)];
            int[] list = many[(i * count)..((i + 1) * count)];
            Assert.Equal(count, list.Distinct().Count());
            for (int z = 0; z < count; z++)
            {
                Assert.Equal(sorted[z], exact[list[z]], 1e-4);
            }
        }
    }

    [Fact]
    public void Ties_go_to_the_smaller_number_and_what_is_not_a_number_loses()
    {
        const int Columns = 70;
        using var x = new NativeFloats(2);
        using var y = new NativeFloats(Columns * 2);
        x.Span.Fill(1);
        y.Span.Fill(2);
        y.Pointer[0] = float.NaN;
        y.Pointer[2] = float.PositiveInfinity;
        using var packed = PackedRows.Pack(y.Pointer, Columns, 2, 2);
        int nearest;
        int* many = stackalloc int[Columns];
        Gemm.Nearest(x.Pointer, 1, 2, packed, &nearest, null);
        Gemm.NearestMany(x.Pointer, 1, 2, packed, Columns, many);
        Assert.Equal(2, nearest);
        Assert.Equal([.. Enumerable.Range(2, Columns - 2), 0, 1], new Span<int>(many, Columns).ToArray());

        y.Span.Fill(float.NaN);
        using var hopeless = PackedRows.Pack(y.Pointer, Columns, 2, 2);
        Gemm.Nearest(x.Pointer, 1, 2, hopeless, &nearest, null);
        Gemm.NearestMany(x.Pointer, 1, 2, hopeless, 3, many);
        Assert.Equal(0, nearest);
        Assert.Equal([0, 1, 2], new Span<int>(many, 3).ToArray());
    }

    private static List<(int Rows, Tile Tile)> Tiles()
    {
        var tiles = new List<(int, Tile)> { (GemmTile.Rows, GemmTile.Compute), (GemmTile.Rows256, GemmTile.Compute128) };
        if (Vector256.IsHardwareAccelerated)
        {
            tiles.Add((GemmTile.Rows256, GemmTile.Compute256));
        }

        if (Vector512.IsHardwareAccelerated)
        {
            tiles.Add((GemmTile.Rows512, GemmTile.Compute512));
        }

        return tiles;
    }

    private static void Check(Tile tile, float* x, long stride, int rows, PackedRows packed, int dimensions)
    {
        const int ResultStride = PackedRows.PanelWidth + 8;
        var expected = new float[rows * ResultStride];
        var actual = new float[rows * ResultStride];
        fixed (float* plain = expected, fast = actual)
        {
            GemmTile.Scalar(x, stride, rows, packed.Panel(0), dimensions, plain, ResultStride);
            tile(x, stride, rows, packed.Panel(0), dimensions, fast, ResultStride);
        }

        // Rounding errors of a sum of so many products of numbers about 1.
        double tolerance = 1e-6 * dimensions + 1e-5;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], tolerance);
        }
    }
}
