using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Reads a text index to the last position and checks what searches rely on: the order of terms, documents and positions, impacts and bounds that no posting
/// exceeds, and frequencies that add up to the lengths of documents.
/// </summary>
internal static unsafe class TextVerifier
{
    /// <exception cref="CorruptDataException">The first thing found wrong.</exception>
    public static void Walk(TextIndex index)
    {
        var tokens = new long[index.Documents];
        long terms = 0, postings = 0;
        byte[] before = [];
        for (var reader = index.Terms(); reader.Next(); terms++)
        {
            if (terms > 0 && before.AsSpan().SequenceCompareTo(reader.Term) >= 0)
            {
                throw new CorruptDataException($"term {terms} does not come after the one before");
            }

            before = reader.Term.ToArray();
            var list = reader.Postings();
            postings += list.Documents;
            WalkList(index, list, tokens);
            if (list.Ranges is { } ranges)
            {
                WalkRanges(index, list, ranges);
            }
        }

        if (terms != index.Facts.Terms || postings != index.Facts.Postings)
        {
            throw new CorruptDataException($"the dictionary has {terms} terms and {postings} postings, not {index.Facts.Terms} and {index.Facts.Postings}");
        }

        CheckLengths(index, tokens);
    }

    private static void WalkList(TextIndex index, PostingList list, long[] tokens)
    {
        int* documents = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        var positions = new List<int>();
        var all = default(TextImpactFrontier);
        for (int block = 0; block < list.BlockCount; block++)
        {
            int count = list.Read(block, documents, frequencies);
            list.ReadPositions(block, new ReadOnlySpan<int>(frequencies, count), positions);
            var frontier = default(TextImpactFrontier);
            int at = 0;
            for (int i = 0; i < count; i++)
            {
                tokens[documents[i]] += frequencies[i];
                ushort impact = TextImpact.Encode(frequencies[i], Math.Max(index.LengthOf(documents[i]), 0));
                frontier.Add(impact);
                all.Add(impact);
                CheckPositions(positions, at, frequencies[i]);
                at += frequencies[i];
            }

            Check(frontier.ToWord(), list.ImpactsOf(block));
        }

        Check(all.ToWord(), list.Impacts);
    }

    /// <summary>Every range with a posting has a code, no other has one, and the table is what the postings behind each code are.</summary>
    private static void WalkRanges(TextIndex index, PostingList list, in TextRanges ranges)
    {
        int* documents = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        Span<byte> table = stackalloc byte[TextRanges.TableBytes];
        table.Fill(TextRanges.None);
        int next = 0;
        for (int block = 0; block < list.BlockCount; block++)
        {
            int count = list.Read(block, documents, frequencies);
            for (int i = 0; i < count; i++)
            {
                int range = documents[i] >> TextRanges.Shift;
                CheckEmpty(ranges, next, range);
                next = range + 1;
                ushort impact = TextImpact.Encode(frequencies[i], Math.Max(index.LengthOf(documents[i]), 0));
                ref byte shortest = ref table[CodeOf(ranges, range) * TextRanges.CodeCount + (impact >> 8)];
                shortest = Math.Min(shortest, Math.Min((byte)impact, TextRanges.LongestCode));
            }
        }

        CheckEmpty(ranges, next, TextRanges.CodeBytes(index.Documents) * 2);
        CheckStarts(index, list, ranges);
        if (!table.SequenceEqual(new ReadOnlySpan<byte>((byte*)ranges.Table, TextRanges.TableBytes)))
        {
            throw new CorruptDataException("the bounds of a list's ranges are not those of its postings");
        }
    }

    private static void CheckStarts(TextIndex index, PostingList list, in TextRanges ranges)
    {
        uint block = 0;
        for (int start = 0; start < TextRanges.StartCount(index.Documents); start++)
        {
            int first = start << TextRanges.StartShift;
            while (block < list.BlockCount && list.LastDocumentOf((int)block) < first)
            {
                block++;
            }

            if (ranges.StartOf(first) != block)
            {
                throw new CorruptDataException($"block {block} is the first one not before document {first}, and not block {ranges.StartOf(first)}");
            }
        }
    }

    private static int CodeOf(in TextRanges ranges, int range) =>
        ranges.At(range) is > 0 and var code ? code : throw new CorruptDataException($"range {range} has a posting but no bound");

    private static void CheckEmpty(in TextRanges ranges, int from, int to)
    {
        for (; from < to; from++)
        {
            if (ranges.At(from) != 0)
            {
                throw new CorruptDataException($"range {from} has a bound but no posting");
            }
        }
    }

    private static void CheckPositions(List<int> positions, int start, int count)
    {
        for (int i = start + 1; i < start + count; i++)
        {
            if (positions[i] <= positions[i - 1])
            {
                throw new CorruptDataException($"position {positions[i]} of a term does not come after {positions[i - 1]}");
            }
        }
    }

    private static void Check(ulong computed, ulong stored)
    {
        if (computed != stored)
        {
            throw new CorruptDataException($"impacts are {computed:x16} and not {stored:x16}");
        }
    }

    private static void CheckLengths(TextIndex index, long[] tokens)
    {
        long withText = 0, total = 0;
        for (int document = 0; document < tokens.Length; document++)
        {
            int length = index.LengthOf(document);
            if (Math.Max(length, 0) != tokens[document])
            {
                throw new CorruptDataException($"document {document} has {tokens[document]} tokens and not {length}");
            }

            withText += length >= 0 ? 1 : 0;
            total += tokens[document];
        }

        if ((withText, total) != index.Totals)
        {
            throw new CorruptDataException($"{withText} documents have {total} tokens, not {index.Totals}");
        }
    }
}
