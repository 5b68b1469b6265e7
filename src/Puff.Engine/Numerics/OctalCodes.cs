using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Extended RaBitQ codes of three bits a dimension (Gao et al., 2025), one row a vector: two planes of code, then add (a single), scale and error (packed,
/// see <see cref="CodeFactors"/>). Of every 64 dimensions, the first plane has 16 bytes, byte e with the two low bits of digits e, 16 + e, 32 + e and 48 + e,
/// lowest first; the second has 8 bytes, byte e with the high bits of the same four digits, then those of the four that begin with digit 8 + e. Digit u
/// stands for u - 3½. The digits are those of a uniform quantizer with the step that suits normally distributed coordinates best, which a random rotation
/// makes of any vector; searching the best step for each vector gains next to nothing and costs ten times as much.
/// </summary>
internal static unsafe class OctalCodes
{
    /// <summary>Step of the best uniform quantizer with 8 levels, in standard deviations (Max, 1960).</summary>
    private const double Step = 0.586;

    private const float Center = 3.5f;
    private const int Unit = 64;

    /// <param name="padded">Dimensions, a multiple of 64.</param>
    public static int RowBytes(int padded) => CodeBytes(padded) + 2 * sizeof(float);

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
        byte* stored = row + CodeBytes(padded);
        Unsafe.WriteUnaligned(stored, factors.Add);
        Unsafe.WriteUnaligned(stored + sizeof(float), factors.Pack());
    }

    /// <summary>Both planes.</summary>
    internal static int CodeBytes(int padded) => padded / 8 * 3;

    internal static CodeFactors Factors(byte* row, int padded)
    {
        byte* stored = row + CodeBytes(padded);
        return CodeFactors.Unpack(Unsafe.ReadUnaligned<float>(stored), Unsafe.ReadUnaligned<uint>(stored + sizeof(float)));
    }

    /// <summary>⟨v,r⟩, ⟨v,c⟩ and |v|² of the digits, which it writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Residual, double Centroid, float SquaredNorm) Encode256(
        float* residual, float* centroid, int padded, float inverseStep, byte* row)
    {
        Vector256<float> alongResidual = default, squares = default;
        Vector256<double> alongCentroid = default;
        byte* digits = stackalloc byte[Unit];
        for (int i = 0; i < padded; i += Unit)
        {
            for (int j = 0; j < Unit; j += 8)
            {
                var r = Vector256.Load(residual + i + j);
                Pack(Digits(r, inverseStep, out var v), digits + j);
                alongResidual = Vector256.MultiplyAddEstimate(v, r, alongResidual);
                squares = Vector256.MultiplyAddEstimate(v, v, squares);
                var product = v * Vector256.Load(centroid + i + j);
                alongCentroid += Vector256.WidenLower(product) + Vector256.WidenUpper(product);
            }

            Write(digits, row + i / 4, row + padded / 4 + i / 8);
        }

        return (Vector256.Sum(alongResidual), Vector256.Sum(alongCentroid), Vector256.Sum(squares));
    }

    /// <summary>The plain loop: for machines without vectors of 256 bits, and what the other is tested against.</summary>
    internal static (float Residual, double Centroid, float SquaredNorm) EncodeScalar(
        float* residual, float* centroid, int padded, float inverseStep, byte* row)
    {
        double alongResidual = 0, alongCentroid = 0, squares = 0;
        NativeMemory.Clear(row, (nuint)CodeBytes(padded));
        for (int i = 0; i < padded; i++)
        {
            float scaled = residual[i] * inverseStep + 4;
            int digit = scaled >= 7 ? 7 : scaled > 0 ? (int)scaled : 0;
            float v = digit - Center;
            alongResidual += v * (double)residual[i];
            alongCentroid += v * (double)centroid[i];
            squares += v * v;
            int place = i % 16;
            int quarter = i % Unit / 16;
            row[i / Unit * 16 + place] |= (byte)((digit & 3) << 2 * quarter);
            row[padded / 4 + i / Unit * 8 + place % 8] |= (byte)(digit >> 2 << quarter + place / 8 * 4);
        }

        return ((float)alongResidual, alongCentroid, (float)squares);
    }

    /// <summary>Digits 0 to 7 of eight elements, and the numbers that they stand for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Digits(Vector256<float> residual, float inverseStep, out Vector256<float> v)
    {
        // Separate operations, not a fused one: the plain loop has to round to the same digit.
        var scaled = residual * inverseStep + Vector256.Create(4f);
        var digits = Vector256.ConvertToInt32Native(Vector256.MaxNative(Vector256.MinNative(scaled, Vector256.Create(7f)), default));
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

    /// <summary>Writes 64 digits, a byte each, to both planes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(byte* digits, byte* low, byte* high)
    {
        var d0 = Vector128.Load(digits);
        var d1 = Vector128.Load(digits + 16);
        var d2 = Vector128.Load(digits + 32);
        var d3 = Vector128.Load(digits + 48);
        var three = Vector128.Create((byte)3);
        ((d0 & three) | (d1 & three) << 2 | (d2 & three) << 4 | (d3 & three) << 6).Store(low);
        var bits = d0 >>> 2 | d1 >>> 2 << 1 | d2 >>> 2 << 2 | d3 >>> 2 << 3;
        Unsafe.WriteUnaligned(high, (bits.GetLower() | bits.GetUpper() << 4).AsUInt64().ToScalar());
    }
}
