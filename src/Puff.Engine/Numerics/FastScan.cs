using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>
/// Sums of look-up table entries for 32 vectors at once (André, Kermarrec and Le Scouarnec, 2015; the layout of <see cref="BinaryCodes"/>): a byte shuffle
/// looks 16 codes up in a table of 16 entries. Entries have 7 bits, so that two of them add up in a byte before the sum is widened to 16 bits.
/// </summary>
internal static unsafe class FastScan
{
    /// <summary>Tables whose entries of at most 127 add up without overflowing 16 bits; a multiple of what the loops take at a time.</summary>
    public const int MaxTables = 512;

    /// <summary>Chooses the widest shuffle of this machine.</summary>
    /// <param name="codes">16 bytes for each table.</param>
    /// <param name="lut">16 entries, at most 127, for each table.</param>
    /// <param name="tables">A multiple of 16, at most <see cref="MaxTables"/>.</param>
    /// <param name="sums">The sum of each of the 32 lanes is added to these. Singles hold all of them exactly, up to 2^24.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(byte* codes, byte* lut, int tables, float* sums)
    {
        if (Avx512BW.IsSupported && Vector512.IsHardwareAccelerated)
        {
            Add512(codes, lut, tables, sums);
        }
        else if (Avx2.IsSupported)
        {
            Add256(codes, lut, tables, sums);
        }
        else
        {
            Add128(codes, lut, tables, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add512(byte* codes, byte* lut, int tables, float* sums)
    {
        var half = Vector512.Create((byte)15);

        // A sum of bytes seen as 16 bits is that of the even lanes plus 256 times that of the odd ones; the latter is counted apart and taken off at the end.
        Vector512<ushort> a0 = default, a1 = default, a2 = default, a3 = default;
        for (int i = 0; i < tables * 16; i += 128)
        {
            var c0 = Vector512.Load(codes + i);
            var c1 = Vector512.Load(codes + i + 64);
            var t0 = Vector512.Load(lut + i);
            var t1 = Vector512.Load(lut + i + 64);
            var low = (Avx512BW.Shuffle(t0, c0 & half) + Avx512BW.Shuffle(t1, c1 & half)).AsUInt16();
            var high = (Avx512BW.Shuffle(t0, (c0.AsUInt16() >>> 4).AsByte() & half) + Avx512BW.Shuffle(t1, (c1.AsUInt16() >>> 4).AsByte() & half)).AsUInt16();
            a0 += low;
            a1 += low >>> 8;
            a2 += high;
            a3 += high >>> 8;
        }

        a0 -= a1 << 8;
        a2 -= a3 << 8;

        // Each quarter of a register has seen every fourth table: add the quarters, and bring the four sums side by side.
        var left = Quarters(a0, a1, 0x44) + Quarters(a0, a1, 0xEE);
        var right = Quarters(a2, a3, 0x44) + Quarters(a2, a3, 0xEE);
        var sum = Quarters(left, right, 0x88) + Quarters(left, right, 0xDD);
        (Vector512.Load(sums) + Vector512.ConvertToSingle(Vector512.WidenLower(sum).AsInt32())).Store(sums);
        (Vector512.Load(sums + 16) + Vector512.ConvertToSingle(Vector512.WidenUpper(sum).AsInt32())).Store(sums + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add256(byte* codes, byte* lut, int tables, float* sums)
    {
        var half = Vector256.Create((byte)15);
        Vector256<ushort> a0 = default, a1 = default, a2 = default, a3 = default;
        for (int i = 0; i < tables * 16; i += 64)
        {
            var c0 = Vector256.Load(codes + i);
            var c1 = Vector256.Load(codes + i + 32);
            var t0 = Vector256.Load(lut + i);
            var t1 = Vector256.Load(lut + i + 32);
            var low = (Avx2.Shuffle(t0, c0 & half) + Avx2.Shuffle(t1, c1 & half)).AsUInt16();
            var high = (Avx2.Shuffle(t0, (c0.AsUInt16() >>> 4).AsByte() & half) + Avx2.Shuffle(t1, (c1.AsUInt16() >>> 4).AsByte() & half)).AsUInt16();
            a0 += low;
            a1 += low >>> 8;
            a2 += high;
            a3 += high >>> 8;
        }

        a0 -= a1 << 8;
        a2 -= a3 << 8;
        AddEight(a0.GetLower() + a0.GetUpper(), sums);
        AddEight(a1.GetLower() + a1.GetUpper(), sums + 8);
        AddEight(a2.GetLower() + a2.GetUpper(), sums + 16);
        AddEight(a3.GetLower() + a3.GetUpper(), sums + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add128(byte* codes, byte* lut, int tables, float* sums)
    {
        var half = Vector128.Create((byte)15);
        Vector128<ushort> a0 = default, a1 = default, a2 = default, a3 = default;
        for (int i = 0; i < tables * 16; i += 32)
        {
            var c0 = Vector128.Load(codes + i);
            var c1 = Vector128.Load(codes + i + 16);
            var t0 = Vector128.Load(lut + i);
            var t1 = Vector128.Load(lut + i + 16);
            var low = (Vector128.ShuffleNative(t0, c0 & half) + Vector128.ShuffleNative(t1, c1 & half)).AsUInt16();
            var high = (Vector128.ShuffleNative(t0, c0 >>> 4) + Vector128.ShuffleNative(t1, c1 >>> 4)).AsUInt16();
            a0 += low;
            a1 += low >>> 8;
            a2 += high;
            a3 += high >>> 8;
        }

        AddEight(a0 - (a1 << 8), sums);
        AddEight(a1, sums + 8);
        AddEight(a2 - (a3 << 8), sums + 16);
        AddEight(a3, sums + 24);
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
    internal static void Scalar(byte* codes, byte* lut, int tables, float* sums)
    {
        for (int lane = 0; lane < BinaryCodes.BlockVectors; lane++)
        {
            int sum = 0;
            for (int t = 0; t < tables; t++)
            {
                int code = codes[t * BinaryCodes.TableBytes + BinaryCodes.LaneByte(lane)] >> (lane < 16 ? 0 : 4) & 15;
                sum += lut[t * BinaryCodes.TableBytes + code];
            }

            sums[lane] += sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddEight(Vector128<ushort> sum, float* sums)
    {
        (Vector128.Load(sums) + Vector128.ConvertToSingle(Vector128.WidenLower(sum).AsInt32())).Store(sums);
        (Vector128.Load(sums + 4) + Vector128.ConvertToSingle(Vector128.WidenUpper(sum).AsInt32())).Store(sums + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Quarters(Vector512<ushort> left, Vector512<ushort> right, [ConstantExpected] byte control) =>
        Avx512F.Shuffle4x128(left.AsUInt32(), right.AsUInt32(), control).AsUInt16();
}
