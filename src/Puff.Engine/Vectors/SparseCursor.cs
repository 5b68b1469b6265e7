using System.Runtime.Intrinsics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Vectors;

/// <summary>
/// One posting list on its way through the documents, in ascending order: which of its blocks a range of documents meets, what they can contribute at
/// most, and the block unpacked last. Holds pointers into scratch memory of the <see cref="SparseScorer"/> that made it.
/// </summary>
internal sealed unsafe class SparseCursor
{
    /// <summary>So many of a block's postings wanted at once are found faster by adding all of them up.</summary>
    private const int DenseCandidates = 12;

    private const int LinearSteps = 8;

    private readonly SparseIndex index;
    private readonly SparseList list;
    private readonly SparseCounters counters;
    private readonly int* documents;
    private readonly float* weights;
    private int block;
    private int endBlock;
    private int unpacked = -1;
    private int unpackedCount;
    private int start;
    private int end;

    /// <param name="index">Where the list lies.</param>
    /// <param name="list">The list.</param>
    /// <param name="queryWeight">Finite, not 0.</param>
    /// <param name="scaled">The same in the units of the approximate scores.</param>
    /// <param name="counters">Counts unpacked blocks.</param>
    /// <param name="documents">Scratch for 128.</param>
    /// <param name="weights">Scratch for 128.</param>
    public SparseCursor(
        SparseIndex index, in SparseList list, float queryWeight, float scaled, SparseCounters counters, int* documents, float* weights)
    {
        this.index = index;
        this.list = list;
        this.counters = counters;
        this.documents = documents;
        this.weights = weights;
        QueryWeight = queryWeight;
        Scaled = scaled;
        Cost = list.Postings;
        LargestContribution = Math.Abs((double)scaled) * Math.Max(Math.Abs(list.Maximum), Math.Abs(list.Minimum));
    }

    public double QueryWeight { get; }

    public float Scaled { get; }

    /// <summary>Postings of the list: what passing over it costs.</summary>
    public int Cost { get; }

    /// <summary>Of any posting, without its sign, in scaled units.</summary>
    public double LargestContribution { get; }

    /// <summary>No document of the range entered gets more than this from the list, in scaled units; not negative.</summary>
    public double Bound { get; private set; }

    /// <summary>The bound for each posting of the list.</summary>
    public double Gain { get; private set; }

    /// <summary>A document at or before the list's first one at or behind the start of the range entered; int.MaxValue behind the last.</summary>
    public int NextDocument { get; private set; }

    /// <summary>Turns to the documents from <paramref name="first"/> up to, but not including, <paramref name="limit"/>.</summary>
    /// <returns>False when the list certainly has none of them.</returns>
    public bool Enter(int first, int limit)
    {
        int before = block;
        bool goesOn = first >= start;
        block = FindBlock(goesOn ? block : 0, list.BlockCount, first);
        start = first;
        end = limit;
        if (block == list.BlockCount)
        {
            NextDocument = int.MaxValue;
            endBlock = block;
            return false;
        }

        // A document known to be next stays so until the range has passed it.
        if (!goesOn || block != before || NextDocument < first)
        {
            NextDocument = block == unpacked
                ? documents[Rank(first)]
                : block == 0 ? first : Math.Max(first, (int)list.Blocks[block - 1].LastDocument + 1);
        }

        if (NextDocument >= limit)
        {
            endBlock = block;
            return false;
        }

        Bound = Math.Max(0, (double)Scaled * SparseIndex.Weight(Scaled > 0 ? FindEndAndMaximum((uint)limit - 1) : FindEndAndMinimum((uint)limit - 1)));
        Gain = Bound / Cost;
        return true;
    }

    /// <summary>Turns to the documents from <paramref name="first"/> on, for looking some up: no bound is worked out.</summary>
    public void Seek(int first)
    {
        block = FindBlock(first >= start ? block : 0, list.BlockCount, first);
        endBlock = list.BlockCount;
        start = first;
        end = int.MaxValue;
        NextDocument = first;
    }

    /// <summary>Adds every posting of the range to the approximate scores, which begin at the range's first document.</summary>
    public void AddAll(float* scores)
    {
        for (int i = block; i < endBlock; i++)
        {
            Unpack(i);
            AddRange(scores, FirstInRange(), EndInRange());
        }
    }

    /// <summary>The same in double precision and with the true weights.</summary>
    public void AddAll(double* scores)
    {
        for (int i = block; i < endBlock; i++)
        {
            Unpack(i);
            AddRange(scores, FirstInRange(), EndInRange());
        }
    }

    /// <summary>
    /// Adds the postings of some documents of the range; what other documents have there may change as well. Blocks without any are not unpacked.
    /// </summary>
    /// <param name="scores">Begin at the range's first document.</param>
    /// <param name="candidates">Ascending distances from the range's first document.</param>
    /// <param name="count">Of candidates.</param>
    public void AddTo(float* scores, ushort* candidates, int count)
    {
        int current = block;
        for (int i = 0; i < count;)
        {
            current = FindBlock(current, endBlock, start + candidates[i]);
            if (current == endBlock)
            {
                return;
            }

            int last = (int)list.Blocks[current].LastDocument - start;
            int stop = i + 1;
            while (stop < count && candidates[stop] <= last)
            {
                stop++;
            }

            Unpack(current);
            if (stop - i >= DenseCandidates)
            {
                AddRange(scores, FirstInRange(), EndInRange());
                i = stop;
            }

            for (; i < stop; i++)
            {
                int at = Rank(start + candidates[i]);
                if (documents[at & (PackedIntegers.BlockLength - 1)] == start + candidates[i])
                {
                    scores[candidates[i]] += Scaled * weights[at];
                }
            }
        }
    }

    /// <summary>Adds the postings of some documents of the range to their scores, in double precision and with the true weights.</summary>
    public void AddTo(ReadOnlySpan<int> wanted, Span<double> scores)
    {
        int current = block;
        for (int i = 0; i < wanted.Length; i++)
        {
            current = FindBlock(current, endBlock, wanted[i]);
            if (current == endBlock)
            {
                return;
            }

            Unpack(current);
            int at = Rank(wanted[i]);
            if (documents[at & (PackedIntegers.BlockLength - 1)] == wanted[i])
            {
                scores[i] += QueryWeight * weights[at];
            }
        }
    }

    /// <summary>Documents of the unpacked block before a document.</summary>
    private int Rank(int document)
    {
        var limit = Vector256.Create(document);
        var counts = Vector256<int>.Zero;
        for (int i = 0; i < PackedIntegers.BlockLength; i += Vector256<int>.Count)
        {
            counts -= Vector256.LessThan(Vector256.Load(documents + i), limit);
        }

        return Vector256.Sum(counts);
    }

    private int FirstInRange() => documents[0] >= start ? 0 : Rank(start);

    private int EndInRange() => documents[unpackedCount - 1] < end ? unpackedCount : Rank(end);

    private void AddRange(float* scores, int from, int to)
    {
        // Locals, because the stores below could otherwise change the fields for all the compiler knows.
        int* source = documents;
        float* sourceWeights = weights;
        float* target = scores - start;
        float factor = Scaled;
        for (int i = from; i < to; i++)
        {
            target[source[i]] += factor * sourceWeights[i];
        }
    }

    private void AddRange(double* scores, int from, int to)
    {
        int* source = documents;
        float* sourceWeights = weights;
        double* target = scores - start;
        double factor = QueryWeight;
        for (int i = from; i < to; i++)
        {
            target[source[i]] += factor * sourceWeights[i];
        }
    }

    private void Unpack(int wanted)
    {
        if (unpacked != wanted)
        {
            unpacked = -1;
            unpackedCount = index.Read(list, wanted, documents, weights);
            unpacked = wanted;
            counters.BlocksRead++;
        }
    }

    /// <summary>Ends the range with the first block that reaches a document; the largest weight up to there.</summary>
    private ushort FindEndAndMaximum(uint document)
    {
        var blocks = list.Blocks;
        int last = list.BlockCount - 1;
        int at = block;
        short best = SparseEncoder.Sortable(blocks[at].Maximum);
        while (at < last && blocks[at].LastDocument < document)
        {
            best = Math.Max(best, SparseEncoder.Sortable(blocks[++at].Maximum));
        }

        endBlock = at + 1;
        return (ushort)SparseEncoder.Sortable((ushort)best);
    }

    private ushort FindEndAndMinimum(uint document)
    {
        var blocks = list.Blocks;
        int last = list.BlockCount - 1;
        int at = block;
        short best = SparseEncoder.Sortable(blocks[at].Minimum);
        while (at < last && blocks[at].LastDocument < document)
        {
            best = Math.Min(best, SparseEncoder.Sortable(blocks[++at].Minimum));
        }

        endBlock = at + 1;
        return (ushort)SparseEncoder.Sortable((ushort)best);
    }

    /// <summary>The first block from <paramref name="from"/> on, before <paramref name="limit"/>, that ends at or behind a document; else the limit.</summary>
    private int FindBlock(int from, int limit, int document)
    {
        int near = Math.Min(from + LinearSteps, limit);
        while (from < near && list.Blocks[from].LastDocument < (uint)document)
        {
            from++;
        }

        if (from < near || near == limit)
        {
            return from;
        }

        int step = LinearSteps;
        while (from + step < limit && list.Blocks[from + step].LastDocument < (uint)document)
        {
            from += step;
            step *= 2;
        }

        int low = from;
        int high = Math.Min(from + step, limit);
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (list.Blocks[middle].LastDocument < (uint)document)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
