using System.Numerics;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>One term of a search: its list in the set, and what its saturated frequency is multiplied with.</summary>
internal readonly record struct SearchTerm(TextField Field, PostingList List, double Weight);

/// <summary>
/// The documents of one set with the largest sums of BM25 parts. Document at a time in windows: MAXSCORE (Turtle and Flood 1995) with the impacts of the
/// blocks a window meets (Ding and Suel 2011). Lists that together cannot lift a document over the threshold are looked up only for documents
/// that the others found. Sums in single precision, with a bound of their error, choose the documents; the caller scores those exactly.
/// </summary>
internal sealed unsafe class TextSearch : IDisposable
{
    private const int DenseWindow = 4_096;
    private const int SparseWindow = TextScratch.Length;

    /// <summary>Postings of a window up to which only the documents touched are looked at afterwards.</summary>
    private const int FewPostings = 640;

    /// <summary>In a window with fewer matches of the filter, all lists are looked up for these.</summary>
    private const int FewMatches = 48;

    private readonly ScoringCursor[] ranked;
    private readonly ScoringCursor[] active;
    private readonly BitSet matches;
    private readonly bool matchesAll;
    private readonly TextCounters counters;
    private readonly ScorePool pool;
    private readonly double least;
    private readonly double error;
    private readonly TextScratch scratch;
    private readonly float* sums;
    private readonly float* candidateSums;
    private readonly int* candidates;
    private readonly ulong* touched;

    private TextSearch(IReadOnlyList<SearchTerm> terms, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters)
    {
        this.matches = matches;
        this.counters = counters;
        ranked = [.. terms.Select(t => new ScoringCursor(t.Field, t.List, t.Weight)).OrderByDescending(c => c.Largest)];
        active = new ScoringCursor[ranked.Length];
        this.matchesAll = matchesAll;

        // Each part is off by less than 8 × 2^-24 of itself, each of the sums by 2^-24; bounds are as inexact.
        error = (ranked.Length + 16) * Math.ScaleB(ranked.Sum(c => c.Largest), -23);
        this.least = least;
        pool = new ScorePool(wanted, error);
        scratch = TextScratch.Take();
        sums = scratch.Sums;
        candidateSums = scratch.CandidateSums;
        candidates = scratch.Candidates;
        touched = scratch.Touched;
    }

    public void Dispose()
    {
        foreach (var cursor in ranked)
        {
            cursor.Dispose();
        }

        scratch.Dispose();
    }

    /// <summary>At least all documents that belong to the best ones, in ascending order.</summary>
    /// <param name="terms">Weights are positive.</param>
    /// <param name="matches">Documents that may be found: as many bits as the set has documents.</param>
    /// <param name="matchesAll">All bits are set.</param>
    /// <param name="wanted">Results wanted, at least 1.</param>
    /// <param name="least">Documents with a lower score are not wanted.</param>
    /// <param name="counters">Counts what was done.</param>
    /// <param name="cancellation">Looked at in every window.</param>
    public static int[] Run(
        IReadOnlyList<SearchTerm> terms, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters,
        CancellationToken cancellation)
    {
        using var search = new TextSearch(terms, matches, matchesAll, wanted, least, counters);
        int position = matches.NextSet(0);
        while (position >= 0 && position < matches.Count)
        {
            cancellation.ThrowIfCancellationRequested();
            position = search.Advance(position);
        }

        foreach (var cursor in search.ranked)
        {
            counters.Blocks += cursor.List.BlockCount;
            counters.BlocksRead += cursor.BlocksRead;
        }

        search.pool.Compact();
        return search.pool.Documents.ToArray();
    }

    /// <returns>Where to go on; the number of documents when nothing can be found any more.</returns>
    private int Advance(int position)
    {
        double threshold = Math.Max(least, pool.Threshold) - error;
        int essential = Essential(threshold);
        int next = int.MaxValue;
        long postings = 0;
        for (int i = 0; i < essential; i++)
        {
            next = Math.Min(next, ranked[i].NextDocument(position));
            postings += ranked[i].List.Documents;
        }

        if (next >= matches.Count)
        {
            return matches.Count;
        }

        next = matches.NextSet(next);
        if (next < 0)
        {
            return matches.Count;
        }

        // Where the lists that matter are rare, windows are long, and the bounds of single blocks are not worth their price.
        bool isSparse = postings * DenseWindow / matches.Count < FewPostings / 8;
        int first = next & -64;
        int end = Math.Min(first + (isSparse ? SparseWindow : DenseWindow), matches.Count);
        counters.Windows++;
        scratch.IsDirty = true;
        SearchWindow(first, end, essential, isSparse, threshold);
        scratch.IsDirty = false;
        pool.Settle();
        return end;
    }

    /// <summary>How many of the lists, from the one that gives most, a document must be in to reach the threshold: one of these.</summary>
    private int Essential(double threshold)
    {
        double rest = 0;
        int essential = ranked.Length;
        while (essential > 0 && rest + ranked[essential - 1].Largest < threshold)
        {
            rest += ranked[--essential].Largest;
        }

        return essential;
    }

    private void SearchWindow(int first, int end, int essential, bool isSparse, double threshold)
    {
        int count = 0;
        double total = 0;
        for (int i = 0; i < ranked.Length; i++)
        {
            if (ranked[i].Enter(first, end, !isSparse || i < essential))
            {
                active[count++] = ranked[i];
                total += ranked[i].Bound;
            }
        }

        if (total < threshold)
        {
            counters.WindowsSkipped++;
            return;
        }

        SortByBound(active.AsSpan(0, count));
        int leading = count;
        double rest = 0;
        while (leading > 0 && rest + active[leading - 1].Bound < threshold)
        {
            rest += active[--leading].Bound;
        }

        int found = Find(first, end, ref leading, ref rest, count, threshold);
        counters.Candidates += found;
        for (int i = leading; i < count && found > 0; i++)
        {
            active[i].AddTo(candidates, candidateSums, found);
            rest = Math.Max(rest - active[i].Bound, 0);
            found = Drop(found, AtMost(threshold - rest));
        }

        for (int i = 0; i < found; i++)
        {
            if (candidateSums[i] > 0)
            {
                pool.Add(candidates[i], candidateSums[i]);
            }
        }
    }

    /// <summary>Finds the candidates of a window and what the leading lists give them.</summary>
    private int Find(int first, int end, ref int leading, ref double rest, int count, double threshold)
    {
        if (!matchesAll && TakeFewMatches(first, end, out int taken))
        {
            leading = 0;
            for (int i = 0; i < count; i++)
            {
                rest += active[i].Bound;
            }

            return taken;
        }

        float limit = AtMost(threshold - rest);
        if (leading == 1)
        {
            var mask = matchesAll ? default : matches.Words[(first >> 6)..((end + 63) >> 6)];
            return active[0].Take(mask, candidates, candidateSums, Math.Max(limit, float.Epsilon));
        }

        int postings = 0;
        double total = rest;
        for (int i = 0; i < leading; i++)
        {
            postings += active[i].Postings;
            total += active[i].Bound;
        }

        bool isSparse = postings <= FewPostings || end - first > DenseWindow;
        for (int i = 0; i < leading; i++)
        {
            // What a block has to give so that its documents reach the threshold with all that the other lists may add.
            double needed = threshold - (total - active[i].Bound);
            if (isSparse)
            {
                active[i].AddAll(sums, touched, needed);
            }
            else
            {
                active[i].AddAll(sums, needed);
            }
        }

        return isSparse ? CollectTouched(first, end, limit) : Collect(first, end, limit);
    }

    private bool TakeFewMatches(int first, int end, out int taken)
    {
        taken = 0;
        var words = matches.Words[(first >> 6)..((end + 63) >> 6)];
        int matching = 0;
        foreach (ulong word in words)
        {
            matching += BitOperations.PopCount(word);
        }

        if (matching > FewMatches)
        {
            return false;
        }

        for (int i = 0; i < words.Length; i++)
        {
            for (ulong word = words[i]; word != 0; word &= word - 1)
            {
                candidateSums[taken] = 0;
                candidates[taken++] = first + i * 64 + BitOperations.TrailingZeroCount(word);
            }
        }

        return true;
    }

    /// <summary>Takes the sums of the documents touched, which become 0 again.</summary>
    private int CollectTouched(int first, int end, float limit)
    {
        int found = 0;
        int words = (end - first + 63) >> 6;
        var mask = matches.Words[(first >> 6)..];
        for (int i = 0; i < words; i++)
        {
            ulong word = touched[i];
            if (word == 0)
            {
                continue;
            }

            touched[i] = 0;
            ulong matching = mask[i];
            for (; word != 0; word &= word - 1)
            {
                int bit = BitOperations.TrailingZeroCount(word);
                int at = i * 64 + bit;
                float sum = sums[at];
                sums[at] = 0;
                candidates[found] = first + at;
                candidateSums[found] = sum;
                found += sum >= limit && (matching >> bit & 1) != 0 ? 1 : 0;
            }
        }

        return found;
    }

    /// <summary>The same through all sums of the window.</summary>
    private int Collect(int first, int end, float limit)
    {
        int found = 0;
        int words = (end - first + 63) >> 6;
        var mask = matches.Words[(first >> 6)..];
        var lowest = Vector256.Create(Math.Max(limit, float.Epsilon));
        for (int i = 0; i < words; i++)
        {
            float* group = sums + i * 64;
            ulong word = 0;
            for (int lane = 0; lane < 64; lane += Vector256<float>.Count)
            {
                word |= (ulong)Vector256.GreaterThanOrEqual(Vector256.Load(group + lane), lowest).ExtractMostSignificantBits() << lane;
            }

            for (word &= mask[i]; word != 0; word &= word - 1)
            {
                int bit = BitOperations.TrailingZeroCount(word);
                candidates[found] = first + i * 64 + bit;
                candidateSums[found++] = group[bit];
            }
        }

        new Span<float>(sums, words * 64).Clear();
        return found;
    }

    private int Drop(int found, float limit)
    {
        int kept = 0;
        for (int i = 0; i < found; i++)
        {
            candidates[kept] = candidates[i];
            candidateSums[kept] = candidateSums[i];
            kept += candidateSums[i] >= limit ? 1 : 0;
        }

        return kept;
    }

    /// <summary>Descending; in place and fast when little is out of order.</summary>
    private static void SortByBound(Span<ScoringCursor> cursors)
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

    /// <summary>A single-precision number that is not larger.</summary>
    private static float AtMost(double value) => MathF.BitDecrement((float)value);
}
