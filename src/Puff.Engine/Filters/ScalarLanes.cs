using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Filters;

/// <summary>Compares whole columns of 64-bit scalars with one operand, four or eight rows an instruction, into 64-bit words of one bit a row.</summary>
internal static class ScalarLanes
{
    private const int RowsPerWord = 64;

    /// <summary>How two scalars of a column compare, alone, and four or eight at a time. Lanes that match are all ones.</summary>
    internal interface ILane
    {
        static abstract bool Test(long value, long operand);

        static abstract Vector256<long> Test(Vector256<long> values, Vector256<long> operand);

        static abstract Vector512<long> Test(Vector512<long> values, Vector512<long> operand);
    }

    /// <param name="values">One a row.</param>
    /// <param name="operand">In the form of the column.</param>
    /// <param name="words">As many as the rows need.</param>
    /// <param name="accumulate">True to add to the bits in <paramref name="words"/>, false to overwrite them.</param>
    public static void Compare<TLane>(ReadOnlySpan<long> values, long operand, Span<ulong> words, bool accumulate)
        where TLane : struct, ILane
    {
        var wide = Vector256.Create(operand);
        for (int w = 0; w < words.Length; w++)
        {
            var rows = values[(w * RowsPerWord)..];
            ulong bits = rows.Length >= RowsPerWord ? WholeWord<TLane>(rows, wide) : LastWord<TLane>(rows, operand);
            words[w] = accumulate ? words[w] | bits : bits;
        }
    }

    private static ulong WholeWord<TLane>(ReadOnlySpan<long> rows, Vector256<long> operand)
        where TLane : struct, ILane
    {
        ref long first = ref MemoryMarshal.GetReference(rows);
        ulong bits = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            var wide = Vector512.Create(operand, operand);
            for (int i = 0; i < RowsPerWord; i += Vector512<long>.Count)
            {
                bits |= TLane.Test(Vector512.LoadUnsafe(ref first, (nuint)i), wide).ExtractMostSignificantBits() << i;
            }

            return bits;
        }

        for (int i = 0; i < RowsPerWord; i += Vector256<long>.Count)
        {
            var lanes = TLane.Test(Vector256.LoadUnsafe(ref first, (nuint)i), operand);
            bits |= (ulong)lanes.ExtractMostSignificantBits() << i;
        }

        return bits;
    }

    private static ulong LastWord<TLane>(ReadOnlySpan<long> rows, long operand)
        where TLane : struct, ILane
    {
        ulong bits = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            bits |= TLane.Test(rows[i], operand) ? 1UL << i : 0;
        }

        return bits;
    }

    internal readonly struct Equal : ILane
    {
        public static bool Test(long value, long operand) => value == operand;

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) => Vector256.Equals(values, operand);

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) => Vector512.Equals(values, operand);
    }

    internal readonly struct SignedGreater : ILane
    {
        public static bool Test(long value, long operand) => value > operand;

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) => Vector256.GreaterThan(values, operand);

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) => Vector512.GreaterThan(values, operand);
    }

    internal readonly struct SignedGreaterOrEqual : ILane
    {
        public static bool Test(long value, long operand) => value >= operand;

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) => Vector256.GreaterThanOrEqual(values, operand);

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) => Vector512.GreaterThanOrEqual(values, operand);
    }

    internal readonly struct UnsignedGreater : ILane
    {
        public static bool Test(long value, long operand) => (ulong)value > (ulong)operand;

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) =>
            Vector256.GreaterThan(values.AsUInt64(), operand.AsUInt64()).AsInt64();

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) =>
            Vector512.GreaterThan(values.AsUInt64(), operand.AsUInt64()).AsInt64();
    }

    internal readonly struct UnsignedGreaterOrEqual : ILane
    {
        public static bool Test(long value, long operand) => (ulong)value >= (ulong)operand;

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) =>
            Vector256.GreaterThanOrEqual(values.AsUInt64(), operand.AsUInt64()).AsInt64();

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) =>
            Vector512.GreaterThanOrEqual(values.AsUInt64(), operand.AsUInt64()).AsInt64();
    }

    // By value, not by bits: -0.0 equals 0.0. There is no NaN in a column.
    internal readonly struct FloatEqual : ILane
    {
        public static bool Test(long value, long operand) => BitConverter.Int64BitsToDouble(value) == BitConverter.Int64BitsToDouble(operand);

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) =>
            Vector256.Equals(values.AsDouble(), operand.AsDouble()).AsInt64();

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) =>
            Vector512.Equals(values.AsDouble(), operand.AsDouble()).AsInt64();
    }

    internal readonly struct FloatGreater : ILane
    {
        public static bool Test(long value, long operand) => BitConverter.Int64BitsToDouble(value) > BitConverter.Int64BitsToDouble(operand);

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) =>
            Vector256.GreaterThan(values.AsDouble(), operand.AsDouble()).AsInt64();

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) =>
            Vector512.GreaterThan(values.AsDouble(), operand.AsDouble()).AsInt64();
    }

    internal readonly struct FloatGreaterOrEqual : ILane
    {
        public static bool Test(long value, long operand) => BitConverter.Int64BitsToDouble(value) >= BitConverter.Int64BitsToDouble(operand);

        public static Vector256<long> Test(Vector256<long> values, Vector256<long> operand) =>
            Vector256.GreaterThanOrEqual(values.AsDouble(), operand.AsDouble()).AsInt64();

        public static Vector512<long> Test(Vector512<long> values, Vector512<long> operand) =>
            Vector512.GreaterThanOrEqual(values.AsDouble(), operand.AsDouble()).AsInt64();
    }
}
