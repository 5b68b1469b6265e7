using System.Runtime.Intrinsics;
using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

/// <summary>
/// Every kernel, at every vector width that this processor has, against its scalar twin in double precision. The tolerance is what single precision
/// allows when n terms are added: n × 2^-24 of the sum of the absolute terms, and generous by a factor of two.
/// </summary>
public sealed unsafe class KernelTests
{
    public static TheoryData<string> ElementTypeNames => [.. Enum.GetNames<ElementType>()];

    [Theory]
    [MemberData(nameof(ElementTypeNames))]
    public void Every_length_and_alignment_equals_the_scalar_twin(string typeName)
    {
        var type = Enum.Parse<ElementType>(typeName);
        var random = new Random(17);
        foreach (int length in Enumerable.Range(0, 258).Concat([511, 768, 1_023, 1_536, 3_071, 10_751, 10_752]))
        {
            Check(type, length, random.Next(0, 64), random);
        }
    }

    [Fact]
    public void Every_finite_half_is_widened_exactly()
    {
        var halves = Enumerable.Range(0, 65_536).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits)).Where(Half.IsFinite).ToArray();
        float[] expected = [.. halves.Select(half => (float)half)];
        fixed (Half* first = halves)
        {
            byte* row = (byte*)first;
            for (int i = 0; i + 16 <= halves.Length; i += 16)
            {
                for (int lane = 0; lane < 16; lane++)
                {
                    int expectedBits = BitConverter.SingleToInt32Bits(expected[i + lane]);
                    Assert.Equal(expectedBits, BitConverter.SingleToInt32Bits(F16Element.Load(row, i + lane)));
                    Assert.Equal(expectedBits, BitConverter.SingleToInt32Bits(F16Element.Load128(row, i + lane / 4 * 4)[lane % 4]));
                    Assert.Equal(expectedBits, BitConverter.SingleToInt32Bits(F16Element.Load256(row, i + lane / 8 * 8)[lane % 8]));
                    Assert.Equal(expectedBits, BitConverter.SingleToInt32Bits(F16Element.Load512(row, i)[lane]));
                }
            }
        }
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(1f / (1 << 20))]
    [InlineData(1L << 40)]
    public void Scaled_halves_are_their_widened_rows_to_the_last_bit(float scale)
    {
        var random = new Random(19);
        foreach (int length in new[] { 64, 128, 768, 10_752 })
        {
            Half[] halves = [.. StoredRows.RandomVector(random, ElementType.F16, length).Select(x => (Half)x)];
            float[] query = [.. StoredRows.RandomVector(random, ElementType.F32, length).Select(x => x * scale)];
            float[] widened = [.. halves.Select(x => (float)x * scale)];
            var copy = new float[length];
            fixed (Half* row = halves)
            fixed (float* q = query, x = widened, target = copy)
            {
                ScaledHalves.Widen(row, scale, target, length);
                Assert.Equal(widened, copy);
                Assert.Equal(SquaredEuclidean.Compute512<F32Element>((byte*)x, q, length), ScaledHalves.SquaredDistance512((byte*)row, scale, q, length));
                Assert.Equal(SquaredEuclidean.Compute256<F32Element>((byte*)x, q, length), ScaledHalves.SquaredDistance256((byte*)row, scale, q, length));
                Assert.Equal(SquaredEuclidean.Compute128<F32Element>((byte*)x, q, length), ScaledHalves.SquaredDistance128((byte*)row, scale, q, length));
                Assert.Equal(SquaredEuclidean.Compute<F32Element>((byte*)x, q, length), ScaledHalves.SquaredDistance(row, scale, q, length));
            }
        }
    }

    [Fact]
    public void Small_distances_keep_their_digits()
    {
        // The squared norms are about 3e6; subtracting those would leave nothing of a distance of 0.01.
        float[] query = [1000.7f, 1000.8f, 1000.9f];
        float[] near = [1000.8f, 1000.8f, 1000.9f];
        fixed (float* q = query, x = near)
        {
            Assert.Equal(0.01, SquaredEuclidean.Compute<F32Element>((byte*)x, q, 3), 4);
        }
    }

    private static void Check(ElementType type, int length, int misalignment, Random random)
    {
        float[] query = StoredRows.RandomVector(random, ElementType.F32, length);
        float[] vector = StoredRows.RandomVector(random, type, length);
        using var row = new StoredRows(type, length, [vector], misalignment);
        using var storedQuery = new StoredRows(ElementType.F32, length, [query], random.Next(0, 16) * sizeof(float));
        float* q = (float*)storedQuery.Pointer;
        switch (type)
        {
            case ElementType.F32:
                CheckKernels<F32Element>(row.Pointer, q, length);
                break;
            case ElementType.F16:
                CheckKernels<F16Element>(row.Pointer, q, length);
                break;
            default:
                CheckKernels<I8Element>(row.Pointer, q, length);
                break;
        }
    }

    private static void CheckKernels<TElement>(byte* row, float* query, int length)
        where TElement : struct, IElement
    {
        double absoluteDot = 0;
        double squaredNorm = 0;
        for (int i = 0; i < length; i++)
        {
            double element = TElement.Load(row, i);
            absoluteDot += Math.Abs(element * query[i]);
            squaredNorm += element * element;
        }

        double unit = 2.0 * (length + 4) * Math.Pow(2, -24);
        double dot = DotProduct.Scalar<TElement>(row, query, length);
        double euclidean = SquaredEuclidean.Scalar<TElement>(row, query, length);
        var both = DotAndNorm.Scalar<TElement>(row, query, length);
        Assert.Equal(dot, both.Dot, 1e-9 * absoluteDot);
        foreach (int width in Widths())
        {
            Assert.Equal(dot, Dot<TElement>(width, row, query, length), unit * absoluteDot);
            Assert.Equal(euclidean, Euclidean<TElement>(width, row, query, length), unit * euclidean);
            var (fusedDot, fusedNorm) = Fused<TElement>(width, row, query, length);
            Assert.Equal(both.Dot, fusedDot, unit * absoluteDot);
            Assert.Equal(squaredNorm, fusedNorm, unit * squaredNorm);
        }
    }

    /// <summary>Bits of the vectors to try; 0 stands for the kernel's own choice.</summary>
    private static IEnumerable<int> Widths() =>
        new[] { 0, 128, 256, 512 }.Where(width => width is 0 or 128 || (width == 256 ? Vector256.IsHardwareAccelerated : Vector512.IsHardwareAccelerated));

    private static float Dot<TElement>(int width, byte* row, float* query, int length)
        where TElement : struct, IElement => width switch
        {
            128 => DotProduct.Compute128<TElement>(row, query, length),
            256 => DotProduct.Compute256<TElement>(row, query, length),
            512 => DotProduct.Compute512<TElement>(row, query, length),
            _ => DotProduct.Compute<TElement>(row, query, length),
        };

    private static float Euclidean<TElement>(int width, byte* row, float* query, int length)
        where TElement : struct, IElement => width switch
        {
            128 => SquaredEuclidean.Compute128<TElement>(row, query, length),
            256 => SquaredEuclidean.Compute256<TElement>(row, query, length),
            512 => SquaredEuclidean.Compute512<TElement>(row, query, length),
            _ => SquaredEuclidean.Compute<TElement>(row, query, length),
        };

    private static (float Dot, float SquaredNorm) Fused<TElement>(int width, byte* row, float* query, int length)
        where TElement : struct, IElement => width switch
        {
            128 => DotAndNorm.Compute128<TElement>(row, query, length),
            256 => DotAndNorm.Compute256<TElement>(row, query, length),
            512 => DotAndNorm.Compute512<TElement>(row, query, length),
            _ => DotAndNorm.Compute<TElement>(row, query, length),
        };
}
