using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Numerics;

namespace Puff.Engine.Queries;

/// <summary>Adds up the values of the documents in a set, four at a time. Absent documents hold 0, so that they need no test.</summary>
internal static class MaskedSum
{
    private const int WordRows = 64;

    /// <summary>Words with fewer bits are added bit by bit.</summary>
    private const int FewBits = 12;

    /// <summary>The exact sum. Halves of 32 bits are added apart, which cannot overflow.</summary>
    public static Int128 OfIntegers(ReadOnlySpan<long> values, BitSet documents, bool isSigned)
    {
        var words = documents.Words;
        var lowHalf = Vector256.Create(0xFFFF_FFFFL);
        Vector256<long> low = default, high = default;
        Int128 rest = 0;
        for (int w = 0; w < words.Length; w++)
        {
            ulong word = words[w];
            var rows = values[(w * WordRows)..];
            if (rows.Length < WordRows || BitOperations.PopCount(word) < FewBits)
            {
                for (; word != 0; word &= word - 1)
                {
                    long value = rows[BitOperations.TrailingZeroCount(word)];
                    rest += isSigned ? value : (Int128)(ulong)value;
                }

                continue;
            }

            ref long first = ref MemoryMarshal.GetReference(rows);
            for (int i = 0; i < WordRows; i += Vector256<long>.Count)
            {
                var chosen = Vector256.LoadUnsafe(ref first, (nuint)i) & LanesOf(word >> i);
                low += chosen & lowHalf;
                high += isSigned ? Vector256.ShiftRightArithmetic(chosen, 32) : Vector256.ShiftRightLogical(chosen, 32);
            }
        }

        return rest + Vector256.Sum(low) + ((Int128)Vector256.Sum(high) << 32);
    }

    /// <summary>The sum of doubles, in the order of four lanes.</summary>
    public static double OfFloats(ReadOnlySpan<long> values, BitSet documents)
    {
        var words = documents.Words;
        Vector256<double> sums = default;
        double rest = 0;
        for (int w = 0; w < words.Length; w++)
        {
            ulong word = words[w];
            var rows = values[(w * WordRows)..];
            if (rows.Length < WordRows || BitOperations.PopCount(word) < FewBits)
            {
                for (; word != 0; word &= word - 1)
                {
                    rest += BitConverter.Int64BitsToDouble(rows[BitOperations.TrailingZeroCount(word)]);
                }

                continue;
            }

            ref long first = ref MemoryMarshal.GetReference(rows);
            for (int i = 0; i < WordRows; i += Vector256<long>.Count)
            {
                sums += (Vector256.LoadUnsafe(ref first, (nuint)i) & LanesOf(word >> i)).AsDouble();
            }
        }

        return rest + Vector256.Sum(sums);
    }

    /// <summary>All ones in the lanes whose bit is set among the four lowest.</summary>
    private static Vector256<long> LanesOf(ulong bits)
    {
        var lanes = Vector256.Create(1L, 2L, 4L, 8L);
        return Vector256.Equals(Vector256.Create((long)bits) & lanes, lanes);
    }
}
