using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>The documents of a window that may still reach the threshold, ascending, with what they have got so far and their lengths.</summary>
internal sealed unsafe class TextCandidates(TextScratch scratch)
{
    /// <summary>Longer documents are bounded like those of this length.</summary>
    public const int LongestLength = 255;

    public int* Documents { get; } = scratch.Candidates;

    public float* Sums { get; } = scratch.CandidateSums;

    /// <summary>Tokens of each document in the attribute of the search's first term; after <see cref="ReadLengths"/>.</summary>
    public int* Lengths { get; } = scratch.CandidateLengths;

    public int Count { get; set; }

    /// <param name="index">Null when lengths do not matter.</param>
    public void ReadLengths(ITextIndex? index)
    {
        if (index is null)
        {
            new Span<int>(Lengths, Count).Clear();
        }
        else
        {
            index.ReadLengths(Documents, Count, Lengths);
        }
    }

    /// <summary>Keeps those that have enough, together with what documents of their length may still get.</summary>
    /// <param name="limit">What they must have.</param>
    /// <param name="bounds">What a document of each length up to <see cref="LongestLength"/> may still get.</param>
    /// <param name="threshold">What both together must reach.</param>
    public void Keep(float limit, float* bounds, float threshold)
    {
        int kept = 0;
        int i = 0;
        if (Avx512F.VL.IsSupported)
        {
            KeepEight(limit, bounds, threshold, ref i, ref kept);
        }

        for (; i < Count; i++)
        {
            float sum = Sums[i];
            int length = Lengths[i];
            Documents[kept] = Documents[i];
            Sums[kept] = sum;
            Lengths[kept] = length;
            kept += sum >= limit && sum + bounds[Math.Min((uint)length, LongestLength)] >= threshold ? 1 : 0;
        }

        Count = kept;
    }

    /// <summary>The same without lengths.</summary>
    public void Keep(float limit)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            Documents[kept] = Documents[i];
            Sums[kept] = Sums[i];
            kept += Sums[i] >= limit ? 1 : 0;
        }

        Count = kept;
    }

    private void KeepEight(float limit, float* bounds, float threshold, ref int i, ref int kept)
    {
        var limits = Vector256.Create(limit);
        var thresholds = Vector256.Create(threshold);
        var longest = Vector256.Create((uint)LongestLength);
        for (; i <= Count - Vector256<int>.Count; i += Vector256<int>.Count)
        {
            var sum = Vector256.Load(Sums + i);
            var length = Vector256.Load(Lengths + i);
            var rest = Avx2.GatherVector256(bounds, Vector256.Min(length.AsUInt32(), longest).AsInt32(), sizeof(float));
            var enough = Vector256.GreaterThanOrEqual(sum, limits) & Vector256.GreaterThanOrEqual(sum + rest, thresholds);
            uint lanes = enough.ExtractMostSignificantBits();
            if (lanes == 0)
            {
                continue;
            }

            Avx512F.VL.Compress(Vector256<float>.Zero, enough, sum).Store(Sums + kept);
            Avx512F.VL.Compress(Vector256<int>.Zero, enough.AsInt32(), length).Store(Lengths + kept);
            Avx512F.VL.Compress(Vector256<int>.Zero, enough.AsInt32(), Vector256.Load(Documents + i)).Store(Documents + kept);
            kept += int.PopCount((int)lanes);
        }
    }
}
