using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>Takes what a search finds.</summary>
internal interface IScoreSink
{
    /// <summary>Documents with a lower score cannot enter the result any more; negative infinity as long as all can.</summary>
    double Threshold { get; }

    void Offer(int document, double score);
}

/// <summary>
/// The documents of one set with the largest dot products with a sparse query, without those whose product is 0. Document at a time in windows of up to 16,384:
/// MAXSCORE (Turtle and Flood 1995) with the largest weights of the blocks a window meets (Ding and Suel 2011). Lists that
/// together cannot lift a document over the threshold are looked up only for documents that the other lists found. Approximate sums in single
/// precision, with a bound of their error, choose the documents (<see cref="ScorePool"/>); those are scored exactly in the end.
/// </summary>
internal sealed unsafe class SparseSearch : IDisposable
{
    private const int WindowDocuments = SparseScorer.WindowDocuments;

    /// <summary>The first window is to give a threshold, and does so without one; the next are twice as long each, up to the full length.</summary>
    private const int FirstWindowDocuments = 2_048;

    /// <summary>Documents scored exactly between two looks at the cancellation token.</summary>
    private const int ChunkDocuments = 1_024;

    /// <summary>In a window with fewer matches, lists are looked up for these instead of being added up.</summary>
    private const int FewMatches = 64;

    /// <summary>Marks documents no list has: sums of numbers none of which is -0 never give it.</summary>
    private const float Untouched = -0.0f;

    private readonly SparseScorer scorer;
    private readonly BitSet matches;
    private readonly double error;
    private readonly SparseCursor[] ranked;
    private readonly SparseCursor[] active;
    private readonly ScorePool pool;
    private int length = FirstWindowDocuments;
    private float* scores;
    private ushort* candidates;

    /// <param name="scorer">The query on the set's index.</param>
    /// <param name="matches">Documents that may be found: as many bits as the set has documents.</param>
    /// <param name="wanted">Results the sink keeps at most.</param>
    private SparseSearch(SparseScorer scorer, BitSet matches, int wanted)
    {
        this.scorer = scorer;
        this.matches = matches;
        active = new SparseCursor[scorer.Cursors.Length];
        ranked = scorer.Cursors.ToArray();
        Array.Sort(ranked, static (left, right) => (right.LargestContribution / right.Cost).CompareTo(left.LargestContribution / left.Cost));
        error = ErrorOf(scorer.Cursors);
        pool = new ScorePool(wanted, error);
        scores = (float*)NativeMemory.AlignedAlloc(WindowDocuments * sizeof(float), 64);
        candidates = (ushort*)NativeMemory.AlignedAlloc(WindowDocuments * sizeof(ushort), 64);
    }

    ~SparseSearch() => Free();

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Offers at least all documents that belong into the result of <paramref name="wanted"/> documents.</summary>
    public static void Run<TSink>(SparseScorer scorer, BitSet matches, int wanted, TSink sink, CancellationToken cancellation)
        where TSink : IScoreSink
    {
        if (scorer.Cursors.Length == 0 || wanted == 0)
        {
            return;
        }

        using var search = new SparseSearch(scorer, matches, wanted);
        for (int start = 0; start < matches.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            start = search.SearchWindow(start, sink.Threshold);
        }

        search.Offer(sink, cancellation);
    }

    /// <summary>
    /// What an approximate score may be off by. Each of n products and of n - 1 sums is off by at most 2^-24 of its size; twice that leaves room for the higher
    /// orders. Weights raised to 2^-100 add less than n × 2^-83.
    /// </summary>
    private static double ErrorOf(ReadOnlySpan<SparseCursor> cursors)
    {
        double largest = 0;
        foreach (var cursor in cursors)
        {
            largest += cursor.LargestContribution;
        }

        return (cursors.Length + 2) * (Math.ScaleB(largest, -23) + Math.ScaleB(1, -83));
    }

    /// <param name="start">The window's first document.</param>
    /// <param name="least">Documents with a lower score are not wanted.</param>
    /// <returns>Where the next window begins.</returns>
    private int SearchWindow(int start, double least)
    {
        int end = Math.Min(start + length, matches.Count);
        length = Math.Min(length * 2, WindowDocuments);
        var mask = matches.Words[(start >> 6)..((end + 63) >> 6)];
        int matching = Count(mask);
        if (matching == 0)
        {
            return end;
        }

        int count = Enter(start, end, out double total, out int next);
        if (count == 0)
        {
            return Math.Max(end, next & -64);
        }

        scorer.Counters.Windows++;
        double threshold = Math.Max(least * scorer.Scale, pool.Threshold) - error;
        if (total < threshold)
        {
            scorer.Counters.WindowsSkipped++;
            return end;
        }

        new Span<float>(scores, (end - start + 63) & -64).Fill(Untouched);
        int essential = matching <= FewMatches ? 0 : Partition(count, threshold);
        SortByBound(active.AsSpan(essential, count - essential));
        double rest = RestOf(active.AsSpan(essential, count - essential));
        for (int i = 0; i < essential; i++)
        {
            active[i].AddAll(scores);
        }

        int left = essential == 0 ? TakeMatches(mask) : Collect(mask, AtMost(threshold - rest));
        left = Refine(active.AsSpan(essential, count - essential), left, threshold, rest);
        Keep(start, left);
        return end;
    }

    /// <summary>Turns all lists to the window; those that meet it become active.</summary>
    private int Enter(int start, int end, out double total, out int next)
    {
        int count = 0;
        total = 0;
        next = int.MaxValue;
        foreach (var cursor in ranked)
        {
            if (cursor.Enter(start, end))
            {
                active[count++] = cursor;
                total += cursor.Bound;
            }

            next = Math.Min(next, cursor.NextDocument);
        }

        return count;
    }

    /// <summary>
    /// Moves the lists that are only looked up behind the others: as many postings as possible, with bounds that stay below the threshold together.
    /// </summary>
    /// <returns>The number of lists to add up.</returns>
    private int Partition(int count, double threshold)
    {
        // From the lists that cost most for what they can give. Their order hardly changes from window to window.
        SortByGain(active.AsSpan(0, count));
        double sum = 0;
        int essential = count;
        for (int i = count - 1; i >= 0; i--)
        {
            var cursor = active[i];
            if (sum + cursor.Bound < threshold)
            {
                sum += cursor.Bound;
                (active[i], active[essential - 1]) = (active[--essential], cursor);
            }
        }

        return essential;
    }

    /// <summary>Descending; in place and fast when little is out of order.</summary>
    private static void SortByGain(Span<SparseCursor> cursors)
    {
        for (int i = 1; i < cursors.Length; i++)
        {
            var cursor = cursors[i];
            int hole = i;
            for (; hole > 0 && cursors[hole - 1].Gain < cursor.Gain; hole--)
            {
                cursors[hole] = cursors[hole - 1];
            }

            cursors[hole] = cursor;
        }
    }

    private static void SortByBound(Span<SparseCursor> cursors)
    {
        for (int i = 1; i < cursors.Length; i++)
        {
            var cursor = cursors[i];
            int hole = i;
            for (; hole > 0 && cursors[hole - 1].Bound < cursor.Bound; hole--)
            {
                cursors[hole] = cursors[hole - 1];
            }

            cursors[hole] = cursor;
        }
    }

    private static double RestOf(ReadOnlySpan<SparseCursor> cursors)
    {
        double rest = 0;
        foreach (var cursor in cursors)
        {
            rest += cursor.Bound;
        }

        return rest;
    }

    /// <summary>All matches of the window become candidates.</summary>
    private int TakeMatches(ReadOnlySpan<ulong> mask)
    {
        int count = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            count = Append(count, i * 64, mask[i]);
        }

        return count;
    }

    /// <summary>Matches that some list added up has, and whose sum is not below the least.</summary>
    private int Collect(ReadOnlySpan<ulong> mask, float least)
    {
        int count = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 0 && AnyReaches(scores + i * 64, least))
            {
                count = Append(count, i * 64, mask[i] & Reaching(scores + i * 64, least));
            }
        }

        return count;
    }

    /// <summary>Whether one of 64 sums does; most words are done with after this.</summary>
    private static bool AnyReaches(float* sums, float least)
    {
        var left = Vector256.Max(
            Vector256.Max(Vector256.Load(sums), Vector256.Load(sums + 8)), Vector256.Max(Vector256.Load(sums + 16), Vector256.Load(sums + 24)));
        var right = Vector256.Max(
            Vector256.Max(Vector256.Load(sums + 32), Vector256.Load(sums + 40)), Vector256.Max(Vector256.Load(sums + 48), Vector256.Load(sums + 56)));
        return Vector256.GreaterThanOrEqualAny(Vector256.Max(left, right), Vector256.Create(least));
    }

    private static ulong Reaching(float* sums, float least)
    {
        var limit = Vector256.Create(least);
        var untouched = Vector256.Create(Untouched).AsInt32();
        ulong word = 0;
        for (int lane = 0; lane < 64; lane += Vector256<float>.Count)
        {
            var some = Vector256.Load(sums + lane);
            var passes = Vector256.GreaterThanOrEqual(some, limit).AsInt32() & ~Vector256.Equals(some.AsInt32(), untouched);
            word |= (ulong)passes.ExtractMostSignificantBits() << lane;
        }

        return word;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Append(int count, int first, ulong word)
    {
        for (; word != 0; word &= word - 1)
        {
            candidates[count++] = (ushort)(first + BitOperations.TrailingZeroCount(word));
        }

        return count;
    }

    /// <summary>Looks the other lists up for the candidates, dropping those that cannot reach the threshold any more.</summary>
    private int Refine(ReadOnlySpan<SparseCursor> cursors, int left, double threshold, double rest)
    {
        foreach (var cursor in cursors)
        {
            if (left == 0)
            {
                break;
            }

            cursor.AddTo(scores, candidates, left);
            rest = Math.Max(rest - cursor.Bound, 0);
            left = Drop(left, AtMost(threshold - rest));
        }

        return left;
    }

    private int Drop(int left, float least)
    {
        int kept = 0;
        for (int i = 0; i < left; i++)
        {
            ushort candidate = candidates[i];
            candidates[kept] = candidate;
            kept += scores[candidate] >= least ? 1 : 0;
        }

        return kept;
    }

    /// <summary>Puts the candidates of a window into the pool.</summary>
    private void Keep(int start, int left)
    {
        for (int i = 0; i < left; i++)
        {
            float score = scores[candidates[i]];
            if (BitConverter.SingleToInt32Bits(score) != BitConverter.SingleToInt32Bits(Untouched))
            {
                pool.Add(start + candidates[i], score);
            }
        }

        pool.Settle();
    }

    /// <summary>Scores the pool exactly and offers it.</summary>
    private void Offer<TSink>(TSink sink, CancellationToken cancellation)
        where TSink : IScoreSink
    {
        pool.Compact();
        var exact = new double[Math.Min(pool.Count, ChunkDocuments)];
        for (var left = pool.Documents; left.Length > 0; left = left[Math.Min(ChunkDocuments, left.Length)..])
        {
            cancellation.ThrowIfCancellationRequested();
            var documents = left[..Math.Min(ChunkDocuments, left.Length)];
            scorer.Score(documents, exact);
            for (int i = 0; i < documents.Length; i++)
            {
                if (exact[i] != 0 && exact[i] >= sink.Threshold)
                {
                    sink.Offer(documents[i], exact[i]);
                }
            }
        }
    }

    private static int Count(ReadOnlySpan<ulong> mask)
    {
        int count = 0;
        foreach (ulong word in mask)
        {
            count += BitOperations.PopCount(word);
        }

        return count;
    }

    /// <summary>A single-precision number that is not larger.</summary>
    private static float AtMost(double value) => MathF.BitDecrement((float)value);

    private void Free()
    {
        NativeMemory.AlignedFree(scores);
        NativeMemory.AlignedFree(candidates);
        scores = null;
        candidates = null;
    }
}
