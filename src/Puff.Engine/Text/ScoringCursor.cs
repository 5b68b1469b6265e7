using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>One list of a search: which of its blocks a window of documents meets, what they give at most, and the scores of the block unpacked last.</summary>
internal sealed unsafe class ScoringCursor : PostingCursor, ISearchList
{
    /// <summary>So many of a block's postings wanted at once are scored faster all together.</summary>
    private const int ManyWanted = 24;

    private const int BitsAtOnce = 64;

    private readonly TextField field;
    private readonly float weight;
    private readonly float[] windowBounds;
    private float* scores;
    private int scored = -1;
    private int block;
    private int endBlock;
    private int start;
    private int end;

    /// <param name="field">How postings are scored.</param>
    /// <param name="list">The list.</param>
    /// <param name="weight">What a saturated frequency is multiplied with.</param>
    /// <param name="windowShift">The documents of a window, as a power of two.</param>
    public ScoringCursor(TextField field, PostingList list, double weight, int windowShift)
        : base(list)
    {
        this.field = field;
        this.weight = (float)weight;
        Largest = weight * field.Bound(list.Impacts);
        windowBounds = FillWindowBounds(windowShift);
        scores = (float*)NativeMemory.AlignedAlloc(2 * PostingList.BlockLength * sizeof(float), 64);
    }

    ~ScoringCursor() => Free();

    public double Largest { get; }

    public TextField? Field => this.field;

    int ISearchList.Documents => List.Documents;

    public int BlockCount => List.BlockCount;

    public double Bound { get; private set; }

    public ReadOnlySpan<float> WindowBounds => windowBounds;

    public int Postings => (endBlock - block) * PostingList.BlockLength;

    public override void Dispose()
    {
        Free();
        base.Dispose();
    }

    public int NextDocument(int from)
    {
        block = FindBlock(from < start ? 0 : block, from);
        start = from;
        if (block == List.BlockCount)
        {
            return int.MaxValue;
        }

        Unpack(block);
        return Documents[0] >= from ? Documents[0] : Documents[Rank(from)];
    }

    public bool Enter(int window, int count)
    {
        if (window >= windowBounds.Length)
        {
            return false;
        }

        float best = 0;
        for (int i = window; i < Math.Min(window + count, windowBounds.Length); i++)
        {
            best = Math.Max(best, windowBounds[i]);
        }

        Bound = best;
        return best > 0;
    }

    public void Turn(int first, int limit)
    {
        block = FindBlock(first < start ? 0 : block, first);
        start = first;
        end = limit;
        endBlock = Math.Min(FindBlock(block, limit - 1) + 1, List.BlockCount);
    }

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

    public void AddTo(TextCandidates all, int* lengths, double needed)
    {
        int* candidates = all.Documents;
        float* sums = all.Sums;
        int count = all.Count;
        int current = candidates[0] < start ? 0 : block;
        for (int i = 0; i < count;)
        {
            current = FindBlock(current, candidates[i]);
            if (current == List.BlockCount)
            {
                break;
            }

            int last = List.LastDocumentOf(current);
            float largest = sums[i];
            int stop = i + 1;
            while (stop < count && candidates[stop] <= last)
            {
                largest = Math.Max(largest, sums[stop++]);
            }

            if (Reaches(current, needed - largest))
            {
                AddBlock(current, all, lengths, i, stop);
            }

            i = stop;
        }

        block = Math.Min(current, List.BlockCount - 1);
        start = candidates[0];
    }

    private void AddBlock(int current, TextCandidates all, int* lengths, int from, int to)
    {
        if (scored == current)
        {
            AddScored(all.Documents, all.Sums, from, to);
        }
        else if (Unpacked != current && List.HasBits(current))
        {
            AddByBits(current, all, lengths, from, to);
        }
        else if (to - from < ManyWanted)
        {
            Unpack(current);
            AddFew(all, lengths, from, to);
        }
        else
        {
            Unpack(current);
            ScoreAll(current);
            AddScored(all.Documents, all.Sums, from, to);
        }
    }

    /// <summary>Adds to the candidates that a block has which is a bit set.</summary>
    private void AddByBits(int current, TextCandidates all, int* known, int from, int to)
    {
        int* found = stackalloc int[BitsAtOnce];
        int* read = stackalloc int[BitsAtOnce];
        for (; from < to; from += BitsAtOnce)
        {
            int count = Math.Min(to - from, BitsAtOnce);
            List.FindFrequencies(current, all.Documents + from, count, found);
            if (known == null)
            {
                field.Index.ReadLengths(all.Documents + from, count, read);
            }

            int* lengths = known == null ? read : known + from;
            float* sums = all.Sums + from;
            int i = 0;
            for (; i <= count - Vector256<int>.Count; i += Vector256<int>.Count)
            {
                (Vector256.Load(sums + i) + Score(Vector256.Load(found + i), Vector256.Load(lengths + i))).Store(sums + i);
            }

            for (; i < count; i++)
            {
                sums[i] += found[i] == 0 ? 0 : weight * found[i] / (found[i] + (field.Constant + field.Slope * lengths[i]));
            }
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
    private void AddFew(TextCandidates all, int* known, int from, int to)
    {
        int* places = stackalloc int[ManyWanted];
        int* wanted = stackalloc int[ManyWanted];
        int* lengths = stackalloc int[ManyWanted];
        int* documents = Documents;
        int hits = 0;
        int at = 0;
        for (int i = from; i < to; i++)
        {
            at = RankFrom(at, all.Documents[i]);
            wanted[hits] = all.Documents[i];
            places[hits] = at << 8 | i - from;
            hits += documents[at] == all.Documents[i] ? 1 : 0;
        }

        if (hits == 0)
        {
            return;
        }

        if (known == null)
        {
            field.Index.ReadLengths(wanted, hits, lengths);
        }

        int* frequencies = Frequencies;
        for (int i = 0; i < hits; i++)
        {
            float frequency = frequencies[places[i] >> 8];
            int candidate = from + (places[i] & 0xFF);
            int length = known == null ? lengths[i] : known[candidate];
            all.Sums[candidate] += weight * frequency / (frequency + (field.Constant + field.Slope * length));
        }
    }

    public void FillLengthBounds(Span<float> bounds, TextField? lengthsOf)
    {
        if (field != lengthsOf)
        {
            bounds.Fill((float)Largest);
            return;
        }

        field.FillLengthBounds(List.Impacts, bounds);
        TensorPrimitives.Multiply(bounds, weight, bounds);
    }

    private float[] FillWindowBounds(int shift)
    {
        int final = List.LastDocumentOf(List.BlockCount - 1);
        if ((uint)final >= (uint)field.Index.Documents)
        {
            throw new CorruptDataException($"a posting list ends with document {(uint)final} of {field.Index.Documents}");
        }

        var bounds = new float[(final >> shift) + 1];
        int first = 0;
        for (int i = 0; i < List.BlockCount; i++)
        {
            float bound = Math.Max(weight * field.Bound(List.ImpactsOf(i)), float.Epsilon);
            int last = List.LastDocumentOf(i);
            if (last < first || last > final)
            {
                throw new CorruptDataException($"a block of postings ends with document {(uint)last}, which does not fit its list");
            }

            for (int window = first >> shift; window <= last >> shift; window++)
            {
                bounds[window] = Math.Max(bounds[window], bound);
            }

            first = last + 1;
        }

        return bounds;
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
        int* frequencies = Frequencies;
        for (int i = 0; i < Count; i += Vector256<float>.Count)
        {
            Score(Vector256.Load(frequencies + i), Vector256.Load(lengths + i)).Store(scores + i);
        }

        scored = wanted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<float> Score(Vector256<int> frequencies, Vector256<int> lengths)
    {
        var frequency = Vector256.ConvertToSingle(frequencies);
        var half = Vector256.Create(field.Constant) + Vector256.Create(field.Slope) * Vector256.ConvertToSingle(lengths);

        // What lacks the term gets 0, even where nothing is added to its frequency.
        return Vector256.Create(weight) * frequency / Vector256.Max(frequency + half, Vector256.Create(float.Epsilon));
    }

    private void Free()
    {
        NativeMemory.AlignedFree(scores);
        scores = null;
    }
}
