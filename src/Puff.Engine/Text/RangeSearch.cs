using System.Numerics;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>
/// The documents of one set with the largest sums of BM25 parts, range at a time (block-max pruning: Mallia, Suel and Tonellotto 2024): bounds of all lists are
/// added for every range of four documents; ranges are looked into from the highest bounds down, as long as these reach the threshold. Answers like
/// <see cref="TextSearch"/>, and in its place where it <see cref="Suits"/>.
/// </summary>
internal sealed unsafe class RangeSearch : IDisposable
{
    /// <summary>Ranges looked into together.</summary>
    private const int ChunkRanges = 192;

    private const int MostTaken = ChunkRanges + TextRanges.GroupRanges;

    private const int MostLists = 64;

    /// <summary>No document has nearly all that so many lists could give: levels may be finer, and saturate.</summary>
    private const int ManyLists = 6;

    /// <summary>Postings of all lists without bounds of ranges, up to which unpacking them is cheap.</summary>
    private const int MostDecoded = 1 << 18;

    /// <summary>So many lists without bounds of ranges are looked up only where they have something.</summary>
    private const int ManyDecoded = 3;

    /// <summary>Results wanted for each document of the set, up to which not most ranges have to be looked into.</summary>
    private const int DocumentsOfResult = 256;

    private readonly TextField field;
    private readonly BitSet matches;
    private readonly bool matchesAll;
    private readonly int wanted;
    private readonly double least;
    private readonly double error;
    private readonly TextCounters counters;
    private readonly CancellationToken cancellation;
    private readonly ScorePool pool;
    private readonly RangeCursor[] rows;
    private readonly DecodedList[] decoded;
    private readonly RangeScratch scratch;
    private readonly RangeSums levels;
    private readonly float scale;

    /// <summary>Of each range, which of the short lists have documents in it; null where there are few such lists.</summary>
    private readonly byte* marks;

    // Of each range of a chunk: its number, what its documents have, what they may still get, and what their lengths add to frequencies.
    private readonly int* ranges;
    private readonly float* rests;
    private readonly Vector128<float>* sums;
    private readonly Vector128<float>* halves;
    private readonly int* frequencies;
    private readonly int* lengths; // Behind the halves, room for a list's look-ups.
    private int count;

    private RangeSearch(
        in TextLists lists, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters, CancellationToken cancellation)
    {
        this.matches = matches;
        this.matchesAll = matchesAll;
        this.wanted = wanted;
        this.least = least;
        this.counters = counters;
        this.cancellation = cancellation;
        field = lists.Terms[0].Field;
        decoded = [.. lists.Terms.Where(t => t.List.Ranges is null).Select(t => new DecodedList(t.List, t.Weight, t.Weight * field.Bound(t.List.Impacts)))];
        rows = [.. lists.Terms.Where(t => t.List.Ranges is not null).Select(t => new RangeCursor(t.Field, t.List, t.Weight)).OrderByDescending(r => r.Largest)];
        double largest = rows.Sum(r => (double)r.Largest) + decoded.Sum(d => d.Largest);
        error = (lists.Terms.Count + 16) * Math.ScaleB(largest, -23);
        scale = (float)((byte.MaxValue - lists.Terms.Count) / largest) * (lists.Terms.Count >= ManyLists ? 2 : 1);
        pool = new ScorePool(wanted, error);

        int padded = RangeSums.PaddedOf(matches.Count);
        long room = decoded.Sum(d => (long)DecodedList.RoomFor(d.List));
        long entries = decoded.Sum(d => (long)DecodedList.DirectoryOf(d.List, matches.Count));
        long fixedBytes = MostTaken * (sizeof(int) + sizeof(float) + 2 * sizeof(Vector128<float>) + 2 * TextRanges.Documents * sizeof(int));
        scratch = RangeScratch.Take(fixedBytes + 2L * padded + room * (sizeof(int) + sizeof(float)) + entries * sizeof(int));
        sums = (Vector128<float>*)scratch.Memory;
        halves = sums + MostTaken;
        frequencies = (int*)(halves + MostTaken);
        lengths = frequencies + MostTaken * TextRanges.Documents;
        ranges = lengths + MostTaken * TextRanges.Documents;
        rests = (float*)(ranges + MostTaken);
        levels = new RangeSums((byte*)(rests + MostTaken), matches.Count);
        byte* behind = (byte*)(rests + MostTaken) + padded;
        if (decoded.Length >= ManyDecoded)
        {
            marks = behind;
            behind += padded;
            new Span<byte>(marks, padded).Clear();
        }

        Decode((int*)behind, room);
    }

    private double Threshold => Math.Max(least, pool.Threshold) - error;

    /// <summary>The lowest level a range must have.</summary>
    private int Limit => (int)Math.Clamp(Math.Ceiling(Threshold * scale - 0.01), 1, byte.MaxValue);

    public void Dispose()
    {
        foreach (var row in rows)
        {
            row.Dispose();
        }

        scratch.Dispose();
    }

    /// <summary>Whether the lists are such that this is the faster way: terms of one attribute, of which the frequent ones have bounds of ranges.</summary>
    public static bool Suits(in TextLists lists, int documents, int wanted)
    {
        if (lists.Added is not null || lists.Bits.Count > 0 || lists.Terms.Count is 0 or > MostLists || wanted > documents / DocumentsOfResult)
        {
            return false;
        }

        long others = 0;
        bool hasRanges = false;
        foreach (var term in lists.Terms)
        {
            if (term.Field != lists.Terms[0].Field)
            {
                return false;
            }

            bool has = term.List.Ranges is not null;
            hasRanges |= has;
            others += has ? 0 : term.List.Documents;
        }

        return hasRanges && others <= MostDecoded;
    }

    /// <summary>As <see cref="TextSearch.Run"/>.</summary>
    public static int[] Run(
        in TextLists lists, BitSet matches, bool matchesAll, int wanted, double least, TextCounters counters, CancellationToken cancellation)
    {
        using var search = new RangeSearch(lists, matches, matchesAll, wanted, least, counters, cancellation);
        search.Run();
        search.pool.Compact();
        int[] found = search.pool.Documents.ToArray();
        Array.Sort(found);
        return found;
    }

    private void Decode(int* room, long total)
    {
        levels.Clear();
        int number = 0;
        float* scores = (float*)(room + total);
        int* directory = (int*)(scores + total);
        foreach (var list in decoded)
        {
            list.Decode(field, room, scores, directory);
            directory += DecodedList.DirectoryOf(list.List, matches.Count);
            levels.Add(room, scores, list.List.Documents, scale);
            if (marks != null)
            {
                Mark(list, number);
            }

            number++;
            room += DecodedList.RoomFor(list.List);
            scores += DecodedList.RoomFor(list.List);
            counters.Blocks += list.List.BlockCount;
            counters.BlocksRead += list.List.BlockCount;
        }
    }

    private void Run()
    {
        for (int row = 1; row < rows.Length; row += 2)
        {
            levels.Add(rows[row - 1].Ranges, LevelsOf(rows[row - 1]), rows[row].Ranges, LevelsOf(rows[row]));
        }

        if ((rows.Length & 1) != 0)
        {
            levels.Add(rows[^1].Ranges, LevelsOf(rows[^1]));
        }

        if (!matchesAll)
        {
            levels.Mask(matches.Words);
        }

        // The highest bounds first: their documents soon set a threshold that most of the others do not reach.
        int end = byte.MaxValue + 1;
        foreach (int first in (ReadOnlySpan<int>)[4 * wanted + 16, 64 * wanted + 256])
        {
            int limit = Math.Max(Limit, levels.LimitFor(first));
            if (limit < end)
            {
                Search(limit, end);
                end = limit;
            }
        }

        Search(Limit, end);
        foreach (var row in rows)
        {
            counters.Blocks += row.List.BlockCount;
            counters.BlocksRead += row.BlocksRead;
        }

        counters.Windows += matches.Count + TextRanges.Documents - 1 >> RangeSums.Shift;
        counters.WindowsSkipped += matches.Count + TextRanges.Documents - 1 >> RangeSums.Shift;
    }

    private Vector128<byte> LevelsOf(RangeCursor row)
    {
        var levelOf = (Span<byte>)stackalloc byte[TextRanges.CodeCount];
        for (int code = 0; code < levelOf.Length; code++)
        {
            levelOf[code] = (byte)Math.Min(MathF.Ceiling(row.Bounds[code] * scale), byte.MaxValue);
        }

        return Vector128.Create<byte>(levelOf);
    }

    /// <summary>Looks into the ranges with levels from <paramref name="limit"/> up to, but not including, <paramref name="end"/>.</summary>
    private void Search(int limit, int end)
    {
        for (int next = 0; next < levels.Count && limit < end; limit = Math.Max(limit, Limit))
        {
            cancellation.ThrowIfCancellationRequested();
            count = levels.Take(ref next, limit, end, ranges, ChunkRanges);
            counters.WindowsSkipped -= count;
            if (count > 0)
            {
                SearchChunk();
            }
        }
    }

    private void SearchChunk()
    {
        double threshold = Threshold;
        Prepare();
        AddDecoded();
        Keep(threshold);
        ReadLengths();
        foreach (var row in rows)
        {
            counters.Candidates += count;
            LookUp(row);
            Keep(threshold);
        }

        for (int i = 0; i < count; i++)
        {
            Take(i, threshold);
        }

        pool.Settle();
    }

    /// <summary>Adds what the short lists give.</summary>
    private void AddDecoded()
    {
        int* found = lengths;
        for (int number = 0; number < decoded.Length; number++)
        {
            int hits = 0;
            int own = BitOf(number);
            for (int i = 0; i < count; i++)
            {
                found[hits] = i;
                hits += marks == null || (marks[ranges[i]] & own) != 0 ? 1 : 0;
            }

            for (int hit = 0; hit < hits; hit++)
            {
                decoded[number].AddTo(ranges[found[hit]], (float*)(sums + found[hit]));
            }
        }
    }

    /// <summary>Remembers which ranges have documents of a short list.</summary>
    private void Mark(DecodedList list, int number)
    {
        byte* all = marks;
        int* numbers = list.Documents;
        int own = BitOf(number);
        for (int i = 0; i < list.List.Documents; i++)
        {
            all[numbers[i] >> RangeSums.Shift] |= (byte)own;
        }
    }

    /// <summary>The lists behind the seventh share a bit.</summary>
    private static int BitOf(int number) => 1 << Math.Min(number, 7);

    /// <summary>Sums and bounds of a chunk's ranges before the first list.</summary>
    private void Prepare()
    {
        for (int i = 0; i < count; i++)
        {
            rests[i] = 0;
            sums[i] = matchesAll ? Vector128<float>.Zero : Unmatched(ranges[i] << RangeSums.Shift);
        }

        foreach (var row in rows)
        {
            row.AddBounds(ranges, count, rests);
        }
    }

    private void ReadLengths()
    {
        var index = field.Index;
        for (int i = 0; i < count; i++)
        {
            index.ReadLengths(ranges[i] << RangeSums.Shift, lengths + i * TextRanges.Documents);
        }

        var constant = Vector128.Create(field.Constant);
        var slope = Vector128.Create(field.Slope);
        for (int i = 0; i < count; i++)
        {
            halves[i] = constant + slope * Vector128.ConvertToSingle(Vector128.Load(lengths + i * TextRanges.Documents));
        }
    }

    /// <summary>Negative infinity for documents that do not match, whatever is added to it.</summary>
    private Vector128<float> Unmatched(int first)
    {
        var bits = Vector128.Create((int)(matches.Words[first >> 6] >> first & 0xF)) & Vector128.Create(1, 2, 4, 8);
        return Vector128.ConditionalSelect(
            Vector128.Equals(bits, Vector128<int>.Zero).AsSingle(), Vector128.Create(float.NegativeInfinity), Vector128<float>.Zero);
    }

    /// <summary>Drops ranges of which no document can reach the threshold any more.</summary>
    private void Keep(double threshold)
    {
        int kept = 0;
        float needed = MathF.BitDecrement((float)threshold);
        for (int i = 0; i < count; i++)
        {
            ranges[kept] = ranges[i];
            rests[kept] = rests[i];
            sums[kept] = sums[i];
            halves[kept] = halves[i];
            kept += Vector128.GreaterThanOrEqualAny(sums[i], Vector128.Create(needed - rests[i])) ? 1 : 0;
        }

        count = kept;
    }

    /// <summary>
    /// Replaces what a list may give by what it gives. First the frequencies of all ranges, then the scores: a vector read right behind writes to parts of it
    /// would wait for these.
    /// </summary>
    private void LookUp(RangeCursor row)
    {
        new Span<int>(frequencies, count * TextRanges.Documents).Clear();
        row.Find(ranges, count, rests, frequencies, lengths);
        var weight = Vector128.Create(row.Weight);
        for (int i = 0; i < count; i++)
        {
            var frequency = Vector128.ConvertToSingle(Vector128.Load(frequencies + i * TextRanges.Documents));
            sums[i] += weight * frequency / Vector128.Max(frequency + halves[i], Vector128.Create(float.Epsilon));
        }
    }

    private void Take(int i, double threshold)
    {
        var lowest = Vector128.Create(Math.Max(MathF.BitDecrement((float)threshold), float.Epsilon));
        uint enough = Vector128.GreaterThanOrEqual(sums[i], lowest).ExtractMostSignificantBits();
        for (; enough != 0; enough &= enough - 1)
        {
            int lane = BitOperations.TrailingZeroCount(enough);
            int document = (ranges[i] << RangeSums.Shift) + lane;
            if (document < matches.Count)
            {
                pool.Add(document, sums[i][lane]);
            }
        }
    }
}
