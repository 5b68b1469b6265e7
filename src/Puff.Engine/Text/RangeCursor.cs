using System.Runtime.CompilerServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>A list with bounds of ranges on its way through the ranges that a <see cref="RangeSearch"/> looks into.</summary>
internal sealed unsafe class RangeCursor : PostingCursor
{
    private readonly float[] bounds = new float[TextRanges.CodeCount];
    private int block;
    private int place;
    private int before;

    public RangeCursor(TextField field, PostingList list, double weight)
        : base(list)
    {
        Ranges = list.Ranges!.Value;
        Weight = (float)weight;
        field.FillCodeBounds(Ranges, bounds);
        for (int code = 0; code < bounds.Length; code++)
        {
            bounds[code] *= Weight;
            Largest = Math.Max(Largest, bounds[code]);
        }

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

    /// <summary>What documents of a range of eight get at most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float BoundOf(int range) => bounds[Ranges.At(range)];

    /// <summary>Puts the frequencies of a range's documents in their places.</summary>
    /// <param name="range">Of eight documents.</param>
    /// <param name="frequencies">Eight, 0 so far.</param>
    public void Find(int range, int* frequencies)
    {
        int first = range << RangeSums.Shift;
        int last = first + (1 << RangeSums.Shift) - 1;
        block = FindBlock(first < before ? 0 : block, first);
        before = first;
        for (int current = block; current < List.BlockCount; current++)
        {
            int end = List.LastDocumentOf(current);
            if (Unpacked != current && List.HasBits(current))
            {
                List.FindNeighbors(current, first, Math.Min(last, end) - first + 1, frequencies + (first & (1 << RangeSums.Shift) - 1));
            }
            else
            {
                FindUnpacked(current, first, last, frequencies);
            }

            if (end >= last)
            {
                return;
            }

            first = end + 1;
        }

        block = Math.Min(block, List.BlockCount - 1);
    }

    private void FindUnpacked(int current, int first, int last, int* frequencies)
    {
        place = Unpack(current) || Documents[place & PostingList.BlockLength - 1] > first ? Rank(first) : RankFrom(place, first);
        int at = place;
        for (; at < Count && Documents[at] <= last; at++)
        {
            frequencies[Documents[at] & (1 << RangeSums.Shift) - 1] = Frequencies[at];
        }
    }
}
