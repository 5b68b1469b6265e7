using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// RaBitQ codes of one bit a dimension (Gao and Long, 2024) in blocks of 32 vectors, laid out for the look-up scan of <see cref="CodeQuery.Scan"/>. A block
/// is 32 × add (singles) and 32 × scale and error (packed, see <see cref="CodeFactors"/>), then for every 4 dimensions 16 bytes: lanes 0 to 15 in the low, 16
/// to 31 in the high halves, lane l in byte 2·(l mod 8) + (l / 8 mod 2); bit i is dimension 4t + i. A set bit stands for +½, a clear one for -½.
/// </summary>
internal static unsafe class BinaryCodes
{
    public const int BlockVectors = 32;

    /// <summary>Bytes of the factors, at the start of a block.</summary>
    internal const int FactorBytes = 2 * BlockVectors * sizeof(float);

    /// <summary>Bytes of codes for four dimensions.</summary>
    internal const int TableBytes = 16;

    /// <param name="padded">Dimensions, a multiple of 64.</param>
    public static int BlockBytes(int padded) => FactorBytes + padded / 4 * TableBytes;

    /// <summary>Makes every lane empty: no scan returns it. Blocks begin at multiples of 64 bytes.</summary>
    public static void Clear(byte* block, int padded)
    {
        NativeMemory.Clear(block, (nuint)BlockBytes(padded));
        for (int lane = 0; lane < BlockVectors; lane++)
        {
            Store(block, lane, CodeFactors.Empty);
        }
    }

    /// <summary>Encodes one vector into a lane, whatever was there before. Not for several threads in one block.</summary>
    /// <param name="residual">The rotated vector less its centroid.</param>
    /// <param name="centroid">The rotated centroid.</param>
    /// <param name="padded">Dimensions of both, a multiple of 64.</param>
    public static void Encode(float* residual, float* centroid, int padded, byte* block, int lane)
    {
        byte* codes = block + FactorBytes + LaneByte(lane);
        int shift = lane < 16 ? 0 : 4;
        var sums = Vector256.IsHardwareAccelerated
            ? Encode256(residual, centroid, padded, codes, shift)
            : EncodeScalar(residual, centroid, padded, codes, shift);
        Store(block, lane, CodeFactors.Create(padded, sums.SquaredNorm, 0.5f * sums.AbsoluteSum, 0.5 * sums.Centroid, 0.25 * padded));
    }

    /// <summary>The byte of each table, and with <c>lane / 16</c> the half of it, where a lane lies.</summary>
    internal static int LaneByte(int lane) => 2 * (lane % 8) + lane / 8 % 2;

    /// <summary>|r|², Σ|r_i| and Σ±c_i, the sign being that of r_i; writes the signs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float SquaredNorm, float AbsoluteSum, double Centroid) Encode256(float* residual, float* centroid, int padded, byte* codes, int shift)
    {
        Vector256<float> squares = default, absolutes = default;
        Vector256<double> low = default, high = default;
        var signBit = Vector256.Create(-0f);
        int keep = 0xF0 >> shift;
        for (int i = 0; i < padded; i += 16)
        {
            var r0 = Vector256.Load(residual + i);
            var r1 = Vector256.Load(residual + i + 8);
            squares = Vector256.MultiplyAddEstimate(r0, r0, squares);
            squares = Vector256.MultiplyAddEstimate(r1, r1, squares);
            absolutes += Vector256.AndNot(r0, signBit) + Vector256.AndNot(r1, signBit);

            // In double precision: where the centroid is far from the origin, its products nearly cancel.
            var c0 = Vector256.Load(centroid + i) ^ (r0 & signBit);
            var c1 = Vector256.Load(centroid + i + 8) ^ (r1 & signBit);
            low += Vector256.WidenLower(c0) + Vector256.WidenUpper(c0);
            high += Vector256.WidenLower(c1) + Vector256.WidenUpper(c1);
            uint bits = ~(r0.ExtractMostSignificantBits() | r1.ExtractMostSignificantBits() << 8);
            Write(codes + i / 4 * TableBytes, bits, keep, shift);
        }

        return (Vector256.Sum(squares), Vector256.Sum(absolutes), Vector256.Sum(low + high));
    }

    /// <summary>The plain loop: for machines without vectors of 256 bits, and what the other is tested against.</summary>
    internal static (float SquaredNorm, float AbsoluteSum, double Centroid) EncodeScalar(float* residual, float* centroid, int padded, byte* codes, int shift)
    {
        double squares = 0, absolutes = 0, along = 0;
        int keep = 0xF0 >> shift;
        for (int i = 0; i < padded; i += 16)
        {
            uint bits = 0;
            for (int j = i; j < i + 16; j++)
            {
                bool negative = float.IsNegative(residual[j]);
                squares += (double)residual[j] * residual[j];
                absolutes += Math.Abs(residual[j]);
                along += negative ? -centroid[j] : centroid[j];
                bits |= negative ? 0 : 1u << (j - i);
            }

            Write(codes + i / 4 * TableBytes, bits, keep, shift);
        }

        return ((float)squares, (float)absolutes, along);
    }

    /// <summary>Stores 16 bits as the halves of four tables, leaving the other lane's halves alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(byte* codes, uint bits, int keep, int shift)
    {
        codes[0] = (byte)((codes[0] & keep) | (int)(bits & 15) << shift);
        codes[TableBytes] = (byte)((codes[TableBytes] & keep) | (int)(bits >> 4 & 15) << shift);
        codes[2 * TableBytes] = (byte)((codes[2 * TableBytes] & keep) | (int)(bits >> 8 & 15) << shift);
        codes[3 * TableBytes] = (byte)((codes[3 * TableBytes] & keep) | (int)(bits >> 12 & 15) << shift);
    }

    private static void Store(byte* block, int lane, CodeFactors factors)
    {
        float* lanes = (float*)block + lane;
        lanes[0] = factors.Add;
        ((uint*)lanes)[BlockVectors] = factors.Pack();
    }
}
