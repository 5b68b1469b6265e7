using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>
/// For every range of four documents a level: what the lists of a search together give to one of them at most, in 255 steps. Levels of lists are added
/// saturating, 64 ranges at a time.
/// </summary>
/// <param name="levels">Aligned to 64 bytes, <see cref="PaddedOf"/> bytes.</param>
/// <param name="documents">Of the set.</param>
internal readonly unsafe struct RangeSums(byte* levels, int documents)
{
    public const int Shift = TextRanges.Shift;

    /// <summary>Of so many groups of 64 ranges one is counted.</summary>
    private const int Sampled = 16;

    /// <summary>Bytes of codes asked for ahead: the processor itself stops at the end of each page.</summary>
    private const int Ahead = 1_024;

    /// <summary>Levels, those behind the last range included: all of them 0.</summary>
    public int Count { get; } = PaddedOf(documents);

    /// <summary>Room for whole groups of codes.</summary>
    public static int PaddedOf(int documents) => ((documents - 1 >> Shift) / TextRanges.GroupRanges + 1) * TextRanges.GroupRanges;

    public void Clear() => new Span<byte>(levels, Count).Clear();

    /// <summary>Adds a list, posting by posting; of those in one range only the highest counts.</summary>
    /// <param name="numbers">The documents, ascending.</param>
    /// <param name="scores">Of each document; some more can be read.</param>
    /// <param name="count">How many.</param>
    /// <param name="scale">Levels for a score of 1.</param>
    public void Add(int* numbers, float* scores, int count, float scale)
    {
        // Locals, because the stores below could otherwise change the fields for all the compiler knows.
        byte* all = levels;
        int* own = stackalloc int[Vector256<int>.Count];
        var factor = Vector256.Create(scale);
        int last = -1;
        int before = 0;
        for (int first = 0; first < count; first += Vector256<int>.Count)
        {
            (Vector256.ConvertToInt32(Vector256.Load(scores + first) * factor) + Vector256<int>.One).Store(own);
            int end = Math.Min(Vector256<int>.Count, count - first);
            for (int i = 0; i < end; i++)
            {
                int range = numbers[first + i] >> Shift;
                int level = own[i];
                if (range == last)
                {
                    (level, before) = (Math.Max(level - before, 0), Math.Max(level, before));
                }
                else
                {
                    last = range;
                    before = level;
                }

                all[range] = (byte)Math.Min(all[range] + level, byte.MaxValue);
            }
        }
    }

    /// <summary>Adds what the codes of two lists stand for.</summary>
    /// <param name="left">Ranges of a list.</param>
    /// <param name="levelOfLeft">Of each code.</param>
    /// <param name="right">Ranges of another list.</param>
    /// <param name="levelOfRight">Of each code.</param>
    public void Add(in TextRanges left, Vector128<byte> levelOfLeft, in TextRanges right, Vector128<byte> levelOfRight)
    {
        if (Avx512BW.IsSupported)
        {
            AddWide((byte*)left.Codes, levelOfLeft, (byte*)right.Codes, levelOfRight);
            return;
        }

        Add(left, levelOfLeft);
        Add(right, levelOfRight);
    }

    /// <summary>Adds what a list's codes stand for.</summary>
    /// <param name="ranges">Of the list.</param>
    /// <param name="levelOf">Of each code.</param>
    public void Add(in TextRanges ranges, Vector128<byte> levelOf)
    {
        byte* codes = (byte*)ranges.Codes;
        int groups = Count / TextRanges.GroupRanges;
        if (Avx512BW.IsSupported)
        {
            AddWide(codes, groups, levelOf);
            return;
        }

        for (int group = 0; group < groups; group++)
        {
            for (int half = 0; half < 2; half++)
            {
                var pair = Vector128.Load(codes + group * TextRanges.GroupBytes + half * Vector128<byte>.Count);
                int first = group * TextRanges.GroupRanges + half * Vector128<byte>.Count;
                AddSixteen(first, Vector128.Shuffle(levelOf, pair & Vector128.Create((byte)0xF)));
                AddSixteen(first + TextRanges.GroupRanges / 2, Vector128.Shuffle(levelOf, pair >> 4));
            }
        }
    }

    /// <summary>Ranges without a document that matches get level 0.</summary>
    public void Mask(ReadOnlySpan<ulong> matches)
    {
        var four = Vector128.Create((byte)0xF);
        for (int i = 0; i < matches.Length; i++)
        {
            var word = Vector128.CreateScalar(matches[i]).AsByte();
            var low = word & four;
            var high = (word.AsUInt16() >> 4).AsByte() & four;
            var none = Vector128.Equals(Sse2.UnpackLow(low, high), Vector128<byte>.Zero);
            byte* target = levels + i * Vector128<byte>.Count;
            Vector128.AndNot(Vector128.Load(target), none).Store(target);
        }
    }

    /// <summary>About the highest limit that so many ranges reach, at least 1.</summary>
    public int LimitFor(int ranges)
    {
        int low = 1;
        int high = byte.MaxValue;
        while (low < high)
        {
            int middle = (low + high + 1) >> 1;
            (low, high) = CountFrom(middle) >= ranges ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>About how many ranges are not below a limit.</summary>
    private int CountFrom(int limit)
    {
        var lowest = Vector512.Create((byte)limit);
        int count = 0;
        for (int i = 0; i < Count; i += Vector512<byte>.Count * Sampled)
        {
            count += BitOperations.PopCount(Vector512.GreaterThanOrEqual(Vector512.Load(levels + i), lowest).ExtractMostSignificantBits());
        }

        return count * Sampled;
    }

    /// <summary>Takes the ranges of the next groups of 64 whose level is from a limit up to, but not including, <paramref name="end"/>.</summary>
    /// <param name="next">Where to begin, a multiple of 64; where to go on.</param>
    /// <param name="limit">At least 1.</param>
    /// <param name="end">At most 256.</param>
    /// <param name="taken">Room for <paramref name="room"/> and 64 more.</param>
    /// <param name="room">Stops when there are so many.</param>
    /// <returns>How many were taken.</returns>
    public int Take(ref int next, int limit, int end, int* taken, int room)
    {
        var lowest = Vector512.Create((byte)limit);
        var highest = Vector512.Create((byte)(end - 1));
        int count = 0;
        int i = next;
        for (; i < Count && count < room; i += Vector512<byte>.Count)
        {
            var group = Vector512.Load(levels + i);
            ulong bits = (Vector512.GreaterThanOrEqual(group, lowest) & Vector512.LessThanOrEqual(group, highest)).ExtractMostSignificantBits();
            for (; bits != 0; bits &= bits - 1)
            {
                taken[count++] = i + BitOperations.TrailingZeroCount(bits);
            }
        }

        next = i;
        return count;
    }

    private void AddSixteen(int first, Vector128<byte> added) =>
        Vector128.AddSaturate(Vector128.Load(levels + first), added).Store(levels + first);

    private void AddWide(byte* codes, int groups, Vector128<byte> levelOf)
    {
        var table = FourTimes(levelOf);
        byte* target = levels;
        for (int group = 0; group < groups; group++, codes += TextRanges.GroupBytes, target += Vector512<byte>.Count)
        {
            Sse.Prefetch0(codes + Ahead);
            Avx512BW.AddSaturate(Vector512.Load(target), LevelsOf(codes, table)).Store(target);
        }
    }

    private void AddWide(byte* left, Vector128<byte> levelOfLeft, byte* right, Vector128<byte> levelOfRight)
    {
        var leftTable = FourTimes(levelOfLeft);
        var rightTable = FourTimes(levelOfRight);
        byte* target = levels;
        byte* end = target + Count;
        for (; target < end; target += Vector512<byte>.Count, left += TextRanges.GroupBytes, right += TextRanges.GroupBytes)
        {
            Sse.Prefetch0(left + Ahead);
            Sse.Prefetch0(right + Ahead);
            var sum = Avx512BW.AddSaturate(Vector512.Load(target), LevelsOf(left, leftTable));
            Avx512BW.AddSaturate(sum, LevelsOf(right, rightTable)).Store(target);
        }
    }

    private static Vector512<byte> FourTimes(Vector128<byte> table)
    {
        var pair = Vector256.Create(table, table);
        return Vector512.Create(pair, pair);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> LevelsOf(byte* codes, Vector512<byte> table)
    {
        var low = Vector256.Create((byte)0xF);
        var stored = Vector256.Load(codes);
        return Avx512BW.Shuffle(table, Vector512.Create(stored & low, (stored.AsUInt16() >> 4).AsByte() & low));
    }
}
