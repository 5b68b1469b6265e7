using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed unsafe class RandomRotationTests
{
    [Fact]
    public void Every_length_agrees_with_the_plain_loops_bit_for_bit()
    {
        foreach (int dimensions in (int[])[.. Enumerable.Range(1, 257), 768, 1000, 1024, 1536, 2112, 10752])
        {
            var random = new Random(dimensions);
            var rotation = new RandomRotation(dimensions, 99);
            Assert.Equal((dimensions + 63) / 64 * 64, rotation.PaddedDimensions);
            using var source = NativeFloats.Gaussian(random, dimensions);
            using var rotated = new NativeFloats(rotation.PaddedDimensions);
            rotated.Span.Fill(float.NaN);
            var expected = new float[rotation.PaddedDimensions];
            rotation.Apply(source.Pointer, rotated.Pointer);
            rotation.ApplyScalar(source.Span, expected);
            Assert.Equal(expected, rotated.Span.ToArray());
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(512)]
    [InlineData(2048)]
    public void The_narrow_transform_gives_the_same_bits(int count)
    {
        using var wide = NativeFloats.Gaussian(new Random(count), count);
        using var narrow = new NativeFloats(count);
        wide.Span.CopyTo(narrow.Span);
        HadamardTransform.Apply(wide.Pointer, count);
        HadamardTransform.Apply128(narrow.Pointer, count);
        Assert.Equal(wide.Span.ToArray(), narrow.Span.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(65)]
    [InlineData(768)]
    [InlineData(1536)]
    public void Distances_stay_and_coordinates_become_alike(int dimensions)
    {
        var rotation = new RandomRotation(dimensions, 5);
        using var source = new NativeFloats(2 * dimensions);
        using var rotated = new NativeFloats(2 * rotation.PaddedDimensions);
        source.Pointer[0] = 3;
        source.Pointer[2 * dimensions - 1] = -4;
        rotation.Apply(source.Pointer, rotated.Pointer);
        rotation.Apply(source.Pointer + dimensions, rotated.Pointer + rotation.PaddedDimensions);
        double distance = SquaredEuclidean.Scalar<F32Element>((byte*)source.Pointer, source.Pointer + dimensions, dimensions);
        double after = SquaredEuclidean.Scalar<F32Element>((byte*)rotated.Pointer, rotated.Pointer + rotation.PaddedDimensions, rotation.PaddedDimensions);
        Assert.Equal(distance, after, 1e-4);

        // One coordinate held everything; no coordinate holds much now.
        double mean = 9.0 / rotation.PaddedDimensions;
        for (int i = 0; i < rotation.PaddedDimensions; i++)
        {
            Assert.True(rotated.Pointer[i] * rotated.Pointer[i] < 36 * mean);
        }
    }

    [Fact]
    public void A_seed_means_the_same_transform_for_ever()
    {
        using var source = new NativeFloats(3);
        using var rotated = new NativeFloats(64);
        for (int i = 0; i < 3; i++)
        {
            source.Pointer[i] = i + 1;
        }

        new RandomRotation(3, 0x1234_5678_9ABC_DEF0).Apply(source.Pointer, rotated.Pointer);
        uint hash = 2166136261;
        foreach (float value in rotated.Span)
        {
            hash = unchecked((hash ^ BitConverter.SingleToUInt32Bits(value)) * 16777619);
        }

        Assert.Equal(3_342_822_085u, hash);
    }
}
