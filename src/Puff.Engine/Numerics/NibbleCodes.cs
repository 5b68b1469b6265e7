using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Extended RaBitQ codes of four bits a dimension (Gao et al., 2025), one row a vector: D/2 bytes of code, then add, scale and error (singles, see
/// <see cref="CodeFactors"/>). Of every 32 bytes, byte e holds dimension e of 64 in its low and dimension 32 + e in its high half. Digit u stands for u - 7½.
/// The digits are those of a uniform quantizer with the step that suits normally distributed coordinates best, which a random rotation makes of any vector;
/// searching the best step for each vector gains next to nothing and costs ten times as much.
/// </summary>
internal static unsafe class NibbleCodes
{
    /// <summary>Step of the best uniform quantizer with 16 levels, in standard deviations (Max, 1960).</summary>
    private const double Step = 0.3352;

    private const float Center = 7.5f;

    /// <param name="padded">Dimensions, a multiple of 64.</param>
    public static int RowBytes(int padded) => padded / 2 + 3 * sizeof(float);

    /// <summary>Encodes one vector.</summary>
    /// <param name="residual">The rotated vector less its centroid.</param>
    /// <param name="centroid">The rotated centroid.</param>
    /// <param name="padded">Dimensions of both, a multiple of 64.</param>
    /// <param name="row">At any address.</param>
    public static void Encode(float* residual, float* centroid, int padded, byte* row)
    {
        float squaredNorm = DotProduct.Compute<F32Element>((byte*)residual, residual, padded);
        float inverseStep = (float)(Math.Sqrt(padded / (double)squaredNorm) / Step);
        if (!float.IsFinite(inverseStep))
        {
            inverseStep = 0;
        }

        var sums = Vector256.IsHardwareAccelerated
            ? Encode256(residual, centroid, padded, inverseStep, row)
            : EncodeScalar(residual, centroid, padded, inverseStep, row);
        var factors = CodeFactors.Create(padded, squaredNorm, sums.Residual, sums.Centroid, sums.SquaredNorm);
        byte* stored = row + padded / 2;
        Unsafe.WriteUnaligned(stored, factors.Add);
        Unsafe.WriteUnaligned(stored + sizeof(float), factors.Scale);
        Unsafe.WriteUnaligned(stored + 2 * sizeof(float), factors.Error);
    }

    internal static CodeFactors Factors(byte* row, int padded)
    {
        byte* stored = row + padded / 2;
        return new CodeFactors(
            Unsafe.ReadUnaligned<float>(stored), Unsafe.ReadUnaligned<float>(stored + sizeof(float)), Unsafe.ReadUnaligned<float>(stored + 2 * sizeof(float)));
    }

    /// <summary>⟨v,r⟩, ⟨v,c⟩ and |v|² of the digits, which it writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Residual, double Centroid, float SquaredNorm) Encode256(
        float* residual, float* centroid, int padded, float inverseStep, byte* row)
    {
        Vector256<float> alongResidual = default, squares = default;
        Vector256<double> alongCentroid = default;
        for (int i = 0; i < padded; i += 64)
        {
            for (int j = i; j < i + 32; j += 8)
            {
                var low = Digits(residual + j, inverseStep, out var v);
                alongResidual = Vector256.MultiplyAddEstimate(v, Vector256.Load(residual + j), alongResidual);
                squares = Vector256.MultiplyAddEstimate(v, v, squares);
                var product = v * Vector256.Load(centroid + j);
                var high = Digits(residual + j + 32, inverseStep, out v);
                alongResidual = Vector256.MultiplyAddEstimate(v, Vector256.Load(residual + j + 32), alongResidual);
                squares = Vector256.MultiplyAddEstimate(v, v, squares);
                product = Vector256.MultiplyAddEstimate(v, Vector256.Load(centroid + j + 32), product);
                alongCentroid += Vector256.WidenLower(product) + Vector256.WidenUpper(product);
                Pack(low | high << 4, row + (i / 2 + j - i));
            }
        }

        return (Vector256.Sum(alongResidual), Vector256.Sum(alongCentroid), Vector256.Sum(squares));
    }

    /// <summary>The plain loop: for machines without vectors of 256 bits, and what the other is tested against.</summary>
    internal static (float Residual, double Centroid, float SquaredNorm) EncodeScalar(
        float* residual, float* centroid, int padded, float inverseStep, byte* row)
    {
        double alongResidual = 0, alongCentroid = 0, squares = 0;
        for (int i = 0; i < padded; i++)
        {
            float scaled = residual[i] * inverseStep + 8;
            int digit = scaled >= 15 ? 15 : scaled > 0 ? (int)scaled : 0;
            float v = digit - Center;
            alongResidual += v * (double)residual[i];
            alongCentroid += v * (double)centroid[i];
            squares += v * v;
            byte* code = row + (i / 64 * 32 + i % 32);
            *code = (byte)(i % 64 < 32 ? digit : *code | digit << 4);
        }

        return ((float)alongResidual, alongCentroid, (float)squares);
    }

    /// <summary>Digits 0 to 15 of eight elements, and the numbers that they stand for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Digits(float* residual, float inverseStep, out Vector256<float> v)
    {
        // Separate operations, not a fused one: the plain loop has to round to the same digit.
        var scaled = Vector256.Load(residual) * inverseStep + Vector256.Create(8f);
        var digits = Vector256.ConvertToInt32Native(Vector256.MaxNative(Vector256.MinNative(scaled, Vector256.Create(15f)), default));
        v = Vector256.ConvertToSingle(digits) - Vector256.Create(Center);
        return digits;
    }

    /// <summary>Stores the low bytes of eight integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pack(Vector256<int> bytes, byte* destination)
    {
        var words = Vector128.Narrow(bytes.GetLower(), bytes.GetUpper());
        Unsafe.WriteUnaligned(destination, Vector128.Narrow(words, words).AsUInt64().ToScalar());
    }
}
