using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>A list with bounds of ranges on its way through the ranges that a <see cref="RangeSearch"/> looks into.</summary>
internal sealed unsafe class RangeCursor : PostingCursor
{
    private readonly float[] bounds = new float[TextRanges.CodeCount];
    private readonly Vector256<float> lowerBounds;
    private readonly Vector256<float> upperBounds;
    private readonly StoredPostings stored;
    private int place;

    public RangeCursor(TextField field, PostingList list, double weight)
        : base(list)
    {
        stored = (StoredPostings)list; // Known exactly: the calls below are many and short.
        Ranges = list.Ranges!.Value;
        Weight = (float)weight;
        field.FillCodeBounds(Ranges, bounds);
        for (int code = 0; code < bounds.Length; code++)
        {
            bounds[code] *= Weight;
            Largest = Math.Max(Largest, bounds[code]);
        }

        lowerBounds = Vector256.Create(bounds);
        upperBounds = Vector256.Create(bounds, Vector256<float>.Count);
        int final = list.LastDocumentOf(list.BlockCount - 1);
        if ((uint)final >= (uint)field.Index.Documents)
        {
            throw new CorruptDataException($"a posting list ends with document {(uint)final} of {field.Index.Documents}");
        }
    }

    public TextRanges Ranges { get; }

    public float Weight { get; }

    /// <summary>No document gets more.</summary>
    public float Largest { get; }

    /// <summary>What each code stands for.</summary>
    public ReadOnlySpan<float> Bounds => bounds;

    /// <summary>Adds what documents of ranges of four get at most.</summary>
    public void AddBounds(int* ranges, int count, float* rests)
    {
        int i = 0;
        for (; Avx512F.VL.IsSupported && i <= count - Vector256<int>.Count; i += Vector256<int>.Count)
        {
            (Vector256.Load(rests + i) + BoundsOf(Vector256.Load(ranges + i))).Store(rests + i);
        }

        for (; i < count; i++)
        {
            rests[i] += BoundOf(ranges[i]);
        }
    }

    /// <summary>
    /// Puts the frequencies of ranges' documents in their places. Memory that is far away is asked for before it is needed: first all entries of
    /// blocks, then all blocks.
    /// </summary>
    /// <param name="ranges">Of four documents, ascending.</param>
    /// <param name="count">How many.</param>
    /// <param name="rests">What the range may get: the list's bound is taken off.</param>
    /// <param name="frequencies">Four a range, 0 so far.</param>
    /// <param name="scratch">Room for two a range.</param>
    public void Find(int* ranges, int count, float* rests, int* frequencies, int* scratch)
    {
        int* found = scratch;
        int* blocks = scratch + count;
        int hits = 0;
        for (int i = 0; i < count; i++)
        {
            float bound = BoundOf(ranges[i]);
            rests[i] -= bound;
            found[hits] = i;
            hits += bound > 0 ? 1 : 0;
        }

        for (int hit = 0; hit < hits; hit++)
        {
            blocks[hit] = (int)Math.Min(Ranges.StartOf(ranges[found[hit]] << RangeSums.Shift), (uint)stored.BlockCount - 1);
            stored.FetchEntry(blocks[hit]);
        }

        for (int hit = 0; hit < hits; hit++)
        {
            int block = blocks[hit];
            int first = ranges[found[hit]] << RangeSums.Shift;
            while (block < stored.BlockCount && stored.LastDocumentOf(block) < first)
            {
                block++;
            }

            blocks[hit] = block;
            if (block < stored.BlockCount)
            {
                stored.FetchBlock(block);
            }
        }

        for (int hit = 0; hit < hits; hit++)
        {
            Find(ranges[found[hit]], blocks[hit], frequencies + found[hit] * TextRanges.Documents);
        }
    }

    /// <summary>What documents of a range of four get at most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float BoundOf(int range) => bounds[Ranges.At(range)];

    /// <summary>The same for eight ranges: of each the byte with its code is the last of four that are read.</summary>
    private Vector256<float> BoundsOf(Vector256<int> ranges)
    {
        var places = ((ranges >> 6) << 5) + (ranges & Vector256.Create(31));
        var four = Avx2.GatherVector256((int*)((byte*)Ranges.Codes - 3), places, 1);
        var halves = (ranges & Vector256.Create(32)) >> 3;
        var codes = Avx2.ShiftRightLogicalVariable(four, (halves + Vector256.Create(24)).AsUInt32()) & Vector256.Create(0xF);
        return Avx512F.VL.PermuteVar8x32x2(lowerBounds, codes, upperBounds);
    }

    private void Find(int range, int block, int* frequencies)
    {
        int first = range << RangeSums.Shift;
        int last = first + TextRanges.Documents - 1;
        for (; block < stored.BlockCount; block++)
        {
            int end = stored.LastDocumentOf(block);
            if (Unpacked != block && stored.HasBits(block))
            {
                stored.FindNeighbors(block, first, Math.Min(last, end) - first + 1, frequencies + (first & TextRanges.Documents - 1));
            }
            else
            {
                FindUnpacked(block, first, last, frequencies);
            }

            if (end >= last)
            {
                return;
            }

            first = Math.Max(first, end + 1);
        }
    }

    private void FindUnpacked(int block, int first, int last, int* frequencies)
    {
        place = Unpack(block) || Documents[place & PostingList.BlockLength - 1] > first ? Rank(first) : RankFrom(place, first);
        for (int at = place; at < Count && Documents[at] <= last; at++)
        {
            frequencies[Documents[at] & TextRanges.Documents - 1] = stored.FrequencyAt(block, at);
        }
    }
}
