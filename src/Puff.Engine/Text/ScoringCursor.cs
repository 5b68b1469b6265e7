using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>One list of a search: which of its blocks a window of documents meets, what they give at most, and the scores of the block unpacked last.</summary>
internal sealed unsafe class ScoringCursor : PostingCursor
{
    /// <summary>So many of a block's postings wanted at once are scored faster all together.</summary>
    private const int ManyWanted = 16;

    private readonly TextField field;
    private readonly float weight;
    private float* scores;
    private int scored = -1;
    private int block;
    private int endBlock;
    private int start;
    private int end;

    public ScoringCursor(TextField field, PostingList list, double weight)
        : base(list)
    {
        this.field = field;
        this.weight = (float)weight;
        Largest = weight * field.Bound(list.Impacts);
        scores = (float*)NativeMemory.AlignedAlloc(2 * PostingList.BlockLength * sizeof(float), 64);
    }

    ~ScoringCursor() => Free();

    /// <summary>No document gets more from the list.</summary>
    public double Largest { get; }

    /// <summary>No document of the window gets more.</summary>
    public double Bound { get; private set; }

    /// <summary>Postings of the blocks that the window meets.</summary>
    public int Postings => (endBlock - block) * PostingList.BlockLength;

    public override void Dispose()
    {
        Free();
        base.Dispose();
    }

    /// <summary>The first document from one on; int.MaxValue when there is none. The one asked for never goes back.</summary>
    public int NextDocument(int from)
    {
        block = FindBlock(block, from);
        if (block == List.BlockCount)
        {
            return int.MaxValue;
        }

        Unpack(block);
        return Documents[0] >= from ? Documents[0] : Documents[Rank(from)];
    }

    /// <summary>Turns to the documents from <paramref name="first"/> up to, but not including, <paramref name="limit"/>.</summary>
    /// <param name="first">Not before the window's before.</param>
    /// <param name="limit">Where the window ends.</param>
    /// <param name="isTight">The blocks' own bound is to be found out, not the list's.</param>
    /// <returns>False when the list certainly has none of them.</returns>
    public bool Enter(int first, int limit, bool isTight)
    {
        start = first;
        end = limit;
        block = FindBlock(block, first);
        endBlock = block;
        if (block == List.BlockCount || (block > 0 && List.LastDocumentOf(block - 1) + 1 >= limit))
        {
            return false;
        }

        if (!isTight)
        {
            endBlock = Math.Min(FindBlock(block, limit - 1) + 1, List.BlockCount);
            Bound = Largest;
            return true;
        }

        float best = 0;
        do
        {
            best = Math.Max(best, field.Bound(List.ImpactsOf(endBlock)));
        }
        while (List.LastDocumentOf(endBlock++) < limit - 1 && endBlock < List.BlockCount);
        Bound = (double)weight * best;
        return true;
    }

    /// <summary>Adds the postings of the window to sums that begin at its first document.</summary>
    /// <param name="sums">Of each document.</param>
    /// <param name="needed">Blocks that give less are passed over.</param>
    public void AddAll(float* sums, double needed)
    {
        for (int i = block; i < endBlock; i++)
        {
            if (!Reaches(i, needed))
            {
                continue;
            }

            var (from, to) = Score(i);

            // Locals, because the stores below could otherwise change the fields for all the compiler knows.
            int* documents = Documents;
            float* parts = scores;
            float* target = sums - start;
            for (int p = from; p < to; p++)
            {
                target[documents[p]] += parts[p];
            }
        }
    }

    /// <summary>The same, and marks the documents.</summary>
    public void AddAll(float* sums, ulong* touched, double needed)
    {
        for (int i = block; i < endBlock; i++)
        {
            if (!Reaches(i, needed))
            {
                continue;
            }

            var (from, to) = Score(i);
            int* documents = Documents;
            float* parts = scores;
            int first = start;
            int word = from < to ? documents[from] - first >> 6 : 0;
            ulong bits = 0;
            for (int p = from; p < to; p++)
            {
                int at = documents[p] - first;
                sums[at] += parts[p];
                if (at >> 6 != word)
                {
                    touched[word] |= bits;
                    word = at >> 6;
                    bits = 0;
                }

                bits |= 1UL << at;
            }

            touched[word] |= bits;
        }
    }

    /// <summary>Takes the postings of the window that give enough and whose documents match as candidates.</summary>
    /// <param name="mask">The window's matches; empty when all do.</param>
    /// <param name="candidates">Documents, ascending.</param>
    /// <param name="sums">Of each candidate.</param>
    /// <param name="least">More than 0.</param>
    /// <returns>How many.</returns>
    public int Take(ReadOnlySpan<ulong> mask, int* candidates, float* sums, float least)
    {
        int found = 0;
        for (int i = block; i < endBlock; i++)
        {
            if (!Reaches(i, least))
            {
                continue;
            }

            var (from, to) = Score(i);
            for (int p = from & -Vector256<float>.Count; p < to; p += Vector256<float>.Count)
            {
                uint bits = Vector256.GreaterThanOrEqual(Vector256.Load(scores + p), Vector256.Create(least)).ExtractMostSignificantBits();
                for (; bits != 0; bits &= bits - 1)
                {
                    int at = p + BitOperations.TrailingZeroCount(bits);
                    int document = Documents[at];
                    candidates[found] = document;
                    sums[found] = scores[at];
                    found += at >= from && at < to && (mask.IsEmpty || (mask[document - start >> 6] >> document & 1) != 0) ? 1 : 0;
                }
            }
        }

        return found;
    }

    /// <summary>Adds the postings of some documents of the window.</summary>
    /// <param name="candidates">Ascending.</param>
    /// <param name="sums">Of each candidate.</param>
    /// <param name="count">Of candidates.</param>
    public void AddTo(int* candidates, float* sums, int count)
    {
        int current = block;
        for (int i = 0; i < count;)
        {
            current = FindBlock(current, candidates[i]);
            if (current == List.BlockCount)
            {
                return;
            }

            int last = List.LastDocumentOf(current);
            int stop = i + 1;
            while (stop < count && candidates[stop] <= last)
            {
                stop++;
            }

            Unpack(current);
            if (stop - i >= ManyWanted || scored == current)
            {
                ScoreAll(current);
                AddScored(candidates, sums, i, stop);
            }
            else
            {
                AddFew(candidates, sums, i, stop);
            }

            i = stop;
        }
    }

    /// <summary>Adds to the candidates that the unpacked and scored block has.</summary>
    private void AddScored(int* candidates, float* sums, int from, int to)
    {
        int* documents = Documents;
        int at = 0;
        for (int i = from; i < to; i++)
        {
            at = RankFrom(at, candidates[i]);
            if (documents[at] == candidates[i])
            {
                sums[i] += scores[at];
            }
        }
    }

    /// <summary>The same for a few candidates in a block that is not scored.</summary>
    private void AddFew(int* candidates, float* sums, int from, int to)
    {
        int* places = stackalloc int[ManyWanted];
        int* wanted = stackalloc int[ManyWanted];
        int* lengths = stackalloc int[ManyWanted];
        int* documents = Documents;
        int hits = 0;
        int at = 0;
        for (int i = from; i < to; i++)
        {
            at = RankFrom(at, candidates[i]);
            wanted[hits] = candidates[i];
            places[hits] = at << 8 | i - from;
            hits += documents[at] == candidates[i] ? 1 : 0;
        }

        if (hits == 0)
        {
            return;
        }

        field.Index.ReadLengths(wanted, hits, lengths);
        int* frequencies = Frequencies;
        for (int i = 0; i < hits; i++)
        {
            float frequency = frequencies[places[i] >> 8];
            sums[from + (places[i] & 0xFF)] += weight * frequency / (frequency + (field.Constant + field.Slope * lengths[i]));
        }
    }

    /// <summary>Whether some posting of a block may give so much.</summary>
    private bool Reaches(int wanted, double needed) => needed <= 0 || weight * field.Bound(List.ImpactsOf(wanted)) >= needed;

    /// <summary>Unpacks a block, scores all its postings and tells which of them are in the window.</summary>
    private (int From, int To) Score(int wanted)
    {
        Unpack(wanted);
        ScoreAll(wanted);
        return (Documents[0] >= start ? 0 : Rank(start), Documents[Count - 1] < end ? Count : Rank(end));
    }

    private void ScoreAll(int wanted)
    {
        if (scored == wanted)
        {
            return;
        }

        int* lengths = (int*)(scores + PostingList.BlockLength);
        field.Index.ReadLengths(Documents, Count, lengths);
        var factor = Vector256.Create(weight);
        var constant = Vector256.Create(field.Constant);
        var slope = Vector256.Create(field.Slope);
        int* frequencies = Frequencies;
        for (int i = 0; i < Count; i += Vector256<float>.Count)
        {
            var frequency = Vector256.ConvertToSingle(Vector256.Load(frequencies + i));
            var half = constant + slope * Vector256.ConvertToSingle(Vector256.Load(lengths + i));
            (factor * frequency / (frequency + half)).Store(scores + i);
        }

        scored = wanted;
    }

    private void Free()
    {
        NativeMemory.AlignedFree(scores);
        scores = null;
    }
}
