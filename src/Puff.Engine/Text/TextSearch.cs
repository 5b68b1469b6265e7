using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>One term of a search: its list in the set, and what its saturated frequency is multiplied with.</summary>
internal readonly record struct SearchTerm(TextField Field, PostingList List, double Weight);

/// <summary>What a search sums up in one set.</summary>
/// <param name="Terms">Parts of BM25.</param>
/// <param name="Bits">Documents that get the same each.</param>
/// <param name="Added">What is no list; null when there is nothing else.</param>
internal readonly record struct TextLists(IReadOnlyList<SearchTerm> Terms, IReadOnlyList<SearchBits> Bits, AddedScores? Added);

/// <summary>
/// The documents of one set with the largest sums of BM25 parts. Document at a time in windows: MAXSCORE (Turtle and Flood 1995) with the impacts of the
/// blocks a window meets (Ding and Suel 2011). Lists that together cannot lift a document over the threshold are looked up only for documents
/// that the others found. Sums in single precision, with a bound of their error, choose the documents; the caller scores those exactly. Terms of one attribute
/// are searched by <see cref="RangeSearch"/> instead.
/// </summary>
internal sealed unsafe class TextSearch : IDisposable
{
    private const int WindowShift = 12;
    private const int Window = 1 << WindowShift;

    /// <summary>Windows taken together where the lists that matter are rare.</summary>
    private const int SparseWindows = TextScratch.Length / Window;

    /// <summary>The windows that promise most are searched first: their documents soon set a threshold that most of the others cannot reach.</summary>
    private const int PromisingWindows = 6;

    /// <summary>With fewer windows than this, or fewer postings, that is not worth it.</summary>
    private const int ManyWindows = 24;
    private const int ManyPostings = 4_096;

    /// <summary>Postings of a window up to which only the documents touched are looked at afterwards.</summary>
    private const int FewPostings = 640;

    /// <summary>In a window with fewer matches of the filter, all lists are looked up for these.</summary>
    private const int FewMatches = 48;

    private readonly ISearchList[] ranked;
    private readonly TextField? field;
    private readonly AddedScores? added;
    private readonly BitSet matches;
    private readonly bool matchesAll;
    private readonly TextCounters counters;
    private readonly ScorePool pool;
    private readonly double least;
    private readonly double error;
    private readonly TextScratch scratch;
    private readonly float* sums;
    private readonly ulong* touched;
    private readonly TextCandidates candidates;
    private readonly LengthBounds lengthBounds;
    private readonly float[] windowBounds;

    /// <summary>What no list gives, over the whole set and in each window, at most; no windows where nothing is added.</summary>
    private readonly double most;
    private readonly float[] addedBounds;

    /// <summary>What the lists from each one on give in the window at most.</summary>
    private readonly double[] rests;

    private TextSearch(in TextLists lists, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters)
    {
        this.matches = matches;
        this.matchesAll = matchesAll;
        this.counters = counters;
        added = lists.Added;
        var cursors = lists.Terms.Select(ISearchList (t) => new ScoringCursor(t.Field, t.List, t.Weight, WindowShift));
        ranked = [.. cursors.Concat(lists.Bits.Select(b => new BitsCursor(b, WindowShift))).OrderByDescending(c => c.Largest)];
        field = ranked.Select(r => r.Field).FirstOrDefault(f => f is not null);
        most = added?.Largest ?? 0;
        rests = new double[ranked.Length + 1];
        rests[^1] = most;
        lengthBounds = new LengthBounds(ranked, field, most);

        // Each part is off by less than 8 × 2^-24 of itself, each of the sums by 2^-24; bounds are as inexact.
        error = (ranked.Length + 16) * Math.ScaleB(ranked.Sum(c => c.Largest) + most, -23);
        this.least = least;
        pool = new ScorePool(wanted, error);
        scratch = TextScratch.Take();
        sums = scratch.Sums;
        candidates = new TextCandidates(scratch);
        touched = scratch.Touched;
        windowBounds = new float[(matches.Count + Window - 1) >> WindowShift];
        addedBounds = new float[added is null ? 0 : windowBounds.Length];
        for (int window = 0; window < addedBounds.Length; window++)
        {
            int first = window << WindowShift;
            double largest = Math.Min(most, added!.LargestIn(first, Math.Min(first + Window, matches.Count)));
            windowBounds[window] = addedBounds[window] = MathF.BitIncrement((float)largest);
        }

        foreach (var cursor in ranked)
        {
            TensorPrimitives.Add(windowBounds.AsSpan(0, cursor.WindowBounds.Length), cursor.WindowBounds, windowBounds);
        }
    }

    public void Dispose()
    {
        foreach (var cursor in ranked)
        {
            cursor.Dispose();
        }

        lengthBounds.Dispose();
        scratch.Dispose();
    }

    /// <summary>At least all documents that belong to the best ones, in ascending order.</summary>
    /// <param name="lists">Weights are positive.</param>
    /// <param name="matches">Documents that may be found: as many bits as the set has documents.</param>
    /// <param name="matchesAll">All bits are set.</param>
    /// <param name="wanted">Results wanted, at least 1.</param>
    /// <param name="least">Documents with a lower score are not wanted.</param>
    /// <param name="counters">Counts what was done.</param>
    /// <param name="cancellation">Looked at in every window.</param>
    public static int[] Run(
        in TextLists lists, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters,
        CancellationToken cancellation)
    {
        if (lists.Terms.Count == 0 && lists.Bits.Count == 0 && lists.Added is null)
        {
            return [];
        }

        return RangeSearch.Suits(lists, matches.Count, wanted)
            ? RangeSearch.Run(lists, matches, matchesAll, wanted, least, counters, cancellation)
            : RunInWindows(lists, matches, matchesAll, wanted, least, counters, cancellation);
    }

    /// <summary>The same for lists of any kind.</summary>
    public static int[] RunInWindows(
        in TextLists lists, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters,
        CancellationToken cancellation)
    {
        using var search = new TextSearch(lists, matches, matchesAll, wanted, least, counters);
        bool isOrdered = !search.SearchPromising();
        int position = matches.NextSet(0);
        while (position >= 0 && position < matches.Count)
        {
            cancellation.ThrowIfCancellationRequested();
            position = search.Advance(position);
        }

        foreach (var cursor in search.ranked)
        {
            counters.Blocks += cursor.BlockCount;
            counters.BlocksRead += cursor.BlocksRead;
        }

        search.pool.Compact();
        int[] found = search.pool.Documents.ToArray();
        if (!isOrdered)
        {
            Array.Sort(found);
        }

        return found;
    }

    /// <summary>Searches the windows with the highest bounds; what was searched has no bound any more.</summary>
    /// <returns>False when that is not worth it.</returns>
    private bool SearchPromising()
    {
        if (windowBounds.Length < ManyWindows || ranked.Sum(c => (long)c.Documents) < ManyPostings)
        {
            return false;
        }

        for (int i = 0; i < PromisingWindows; i++)
        {
            int window = TensorPrimitives.IndexOfMax<float>(windowBounds);
            if (windowBounds[window] <= 0)
            {
                break;
            }

            Search(window, 1, Threshold);
            windowBounds[window] = 0;
        }

        return true;
    }

    private double Threshold => Math.Max(least, pool.Threshold) - error;

    private void Search(int window, int count, double threshold)
    {
        counters.Windows++;
        scratch.IsDirty = true;
        SearchWindow(window, count, threshold);
        scratch.IsDirty = false;
        pool.Settle();
    }

    /// <returns>Where to go on; the number of documents when nothing can be found any more.</returns>
    private int Advance(int position)
    {
        double threshold = Threshold;
        int essential = Essential(threshold);

        // What is added to all documents may be enough for those that no list has.
        bool areAllWanted = added is not null && most >= threshold;
        int next = areAllWanted ? position : int.MaxValue;
        long postings = areAllWanted ? matches.Count : 0;
        for (int i = 0; i < essential && !areAllWanted; i++)
        {
            next = Math.Min(next, ranked[i].NextDocument(position));
            postings += ranked[i].Documents;
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
        bool isSparse = postings * Window / matches.Count < FewPostings / 8;
        int window = next >> WindowShift;
        int count = 1;
        if (isSparse)
        {
            count = Math.Min(SparseWindows, windowBounds.Length - window);
        }
        else if (windowBounds[window] < Math.Max(threshold, float.Epsilon))
        {
            counters.Windows++;
            counters.WindowsSkipped++;
            return (window + 1) << WindowShift;
        }

        Search(window, count, threshold);
        return (window + count) << WindowShift;
    }

    /// <summary>How many of the lists, from the one that gives most, a document must be in to reach the threshold: one of these.</summary>
    private int Essential(double threshold)
    {
        double rest = most;
        int essential = ranked.Length;
        while (essential > 0 && rest + ranked[essential - 1].Largest < threshold)
        {
            rest += ranked[--essential].Largest;
        }

        return essential;
    }

    private void SearchWindow(int window, int windows, double threshold)
    {
        int first = window << WindowShift;
        int end = (int)Math.Min((long)(window + windows) << WindowShift, matches.Count);
        rests[^1] = added is null ? 0 : TensorPrimitives.Max<float>(addedBounds.AsSpan(window, Math.Min(windows, addedBounds.Length - window)));
        for (int i = ranked.Length - 1; i >= 0; i--)
        {
            rests[i] = rests[i + 1] + (ranked[i].Enter(window, windows) ? ranked[i].Bound : 0);
        }

        if (rests[0] < threshold)
        {
            counters.WindowsSkipped++;
            return;
        }

        int leading = ranked.Length;
        while (leading > 0 && rests[leading - 1] < threshold)
        {
            leading--;
        }

        Find(first, end, ref leading, threshold);
        counters.Candidates += candidates.Count;
        LookUp(leading, threshold);
        AddOthers(threshold);
        for (int i = 0; i < candidates.Count; i++)
        {
            int document = candidates.Documents[i];
            if (candidates.Sums[i] > 0 && windowBounds[document >> WindowShift] > 0)
            {
                pool.Add(document, candidates.Sums[i]);
            }
        }
    }

    /// <summary>Adds what is no list to the documents that are left.</summary>
    private void AddOthers(double threshold)
    {
        if (added is not null && candidates.Count > 0)
        {
            added.Add(new ReadOnlySpan<int>(candidates.Documents, candidates.Count), new Span<float>(candidates.Sums, candidates.Count));
            candidates.Keep(AtMost(threshold));
        }
    }

    /// <summary>Adds what the other lists give to the candidates, and drops those that cannot reach the threshold any more.</summary>
    private void LookUp(int leading, double threshold)
    {
        if (leading == ranked.Length || candidates.Count == 0)
        {
            return;
        }

        candidates.ReadLengths(field?.Index);
        candidates.Keep(float.NegativeInfinity, lengthBounds.From(leading), AtMost(threshold));
        for (int i = leading; i < ranked.Length && candidates.Count > 0; i++)
        {
            var cursor = ranked[i];
            if (rests[i] > rests[i + 1])
            {
                double needed = threshold - rests[i + 1];
                cursor.AddTo(candidates, cursor.Field == field ? candidates.Lengths : null, needed);
                candidates.Keep(AtMost(needed), lengthBounds.From(i + 1), AtMost(threshold));
            }
        }
    }

    /// <summary>Finds the candidates of a window and what the leading lists give them.</summary>
    private void Find(int first, int end, ref int leading, double threshold)
    {
        bool areAllWanted = added is not null && rests[^1] >= threshold;
        if ((areAllWanted || !matchesAll) && TakeFewMatches(first, end, areAllWanted ? int.MaxValue : FewMatches))
        {
            leading = 0;
            return;
        }

        float limit = AtMost(threshold - rests[leading]);
        int postings = 0;
        int entered = 0;
        int only = 0;
        for (int i = 0; i < leading; i++)
        {
            if (rests[i] > rests[i + 1])
            {
                entered++;
                only = i;
                ranked[i].Turn(first, end);
                postings += ranked[i].Postings;
            }
        }

        if (entered == 1)
        {
            var mask = matchesAll ? default : matches.Words[(first >> 6)..((end + 63) >> 6)];
            candidates.Count = ranked[only].Take(mask, candidates.Documents, candidates.Sums, Math.Max(limit, float.Epsilon));
            return;
        }

        bool isSparse = postings <= FewPostings || end - first > Window;
        for (int i = 0; i < leading; i++)
        {
            if (rests[i] <= rests[i + 1])
            {
                continue;
            }

            // What a block has to give so that its documents reach the threshold with all that the other lists may add.
            double needed = threshold - (rests[0] - (rests[i] - rests[i + 1]));
            if (isSparse)
            {
                ranked[i].AddAll(sums, touched, needed);
            }
            else
            {
                ranked[i].AddAll(sums, needed);
            }
        }

        candidates.Count = isSparse ? CollectTouched(first, end, limit) : Collect(first, end, limit);
    }

    private bool TakeFewMatches(int first, int end, int most)
    {
        var words = matches.Words[(first >> 6)..((end + 63) >> 6)];
        int matching = 0;
        foreach (ulong word in words)
        {
            matching += BitOperations.PopCount(word);
        }

        if (matching > most)
        {
            return false;
        }

        int taken = 0;
        for (int i = 0; i < words.Length; i++)
        {
            for (ulong word = words[i]; word != 0; word &= word - 1)
            {
                candidates.Sums[taken] = 0;
                candidates.Documents[taken++] = first + i * 64 + BitOperations.TrailingZeroCount(word);
            }
        }

        candidates.Count = taken;
        return true;
    }

    /// <summary>Takes the sums of the documents touched, which become 0 again.</summary>
    private int CollectTouched(int first, int end, float limit)
    {
        int found = 0;
        int* documents = candidates.Documents;
        float* candidateSums = candidates.Sums;
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
                documents[found] = first + at;
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
        int* documents = candidates.Documents;
        float* candidateSums = candidates.Sums;
        int words = (end - first + 63) >> 6;
        var mask = matches.Words[(first >> 6)..];
        var lowest = Vector512.Create(Math.Max(limit, float.Epsilon));
        for (int i = 0; i < words; i++)
        {
            float* group = sums + i * 64;
            ulong word = 0;
            for (int lane = 0; lane < 64; lane += Vector512<float>.Count)
            {
                word |= Vector512.GreaterThanOrEqual(Vector512.Load(group + lane), lowest).ExtractMostSignificantBits() << lane;
            }

            for (word &= mask[i]; word != 0; word &= word - 1)
            {
                int bit = BitOperations.TrailingZeroCount(word);
                documents[found] = first + i * 64 + bit;
                candidateSums[found++] = group[bit];
            }

            new Span<float>(group, 64).Clear();
        }

        return found;
    }

    /// <summary>A single-precision number that is not larger.</summary>
    private static float AtMost(double value) => MathF.BitDecrement((float)value);
}
