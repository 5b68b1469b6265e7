using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>
/// An inverted index in memory that documents are added to, in ascending order of their numbers: what a segment's index is written from, and what answers for
/// documents that are in no segment yet. For one thread at a time; who shares it locks it.
/// </summary>
internal sealed unsafe class TextCollector : IDisposable
{
    private readonly TermTable terms = new();
    private readonly IntLists memory = new();
    private readonly List<Gathered> lists = [];
    private readonly List<uint> lengths = [];

    /// <summary>One more than the last document added.</summary>
    public int Documents => lengths.Count;

    public int Terms => terms.Count;

    /// <summary>Of memory that it holds.</summary>
    public long Bytes => terms.Bytes + memory.Bytes + lists.Capacity * (long)sizeof(Gathered) + lengths.Capacity * (long)sizeof(uint);

    public void Dispose()
    {
        terms.Dispose();
        memory.Dispose();
    }

    /// <summary>Adds a document that has a text. Numbers passed over have none.</summary>
    public void Add(int document, TokenBuffer tokens)
    {
        PassTo(document);
        lengths.Add((uint)tokens.Count + 1);
        for (int i = 0; i < tokens.Count; i++)
        {
            int number = terms.Add(tokens.Term(i));
            if (number == lists.Count)
            {
                lists.Add(new Gathered { LastDocument = -1 });
            }

            ref var list = ref CollectionsMarshal.AsSpan(lists)[number];
            if (list.LastDocument != document)
            {
                memory.Append(ref list.Numbers, document);
                list.Frequency = memory.Append(ref list.Numbers, 0);
                list.LastDocument = document;
                list.Documents++;
            }

            ++*list.Frequency;
            memory.Append(ref list.Numbers, tokens.Position(i));
        }
    }

    /// <summary>The documents up to, but not including, this one have no text unless they were added.</summary>
    public void PassTo(int document)
    {
        while (lengths.Count < document)
        {
            lengths.Add(0);
        }
    }

    /// <summary>Of each of the first documents: 0 when it has no text, otherwise 1 more than its tokens.</summary>
    public uint[] Lengths(int documents)
    {
        var result = new uint[documents];
        CollectionsMarshal.AsSpan(lengths)[..Math.Min(documents, lengths.Count)].CopyTo(result);
        return result;
    }

    /// <summary>The numbers of the terms in bytewise order.</summary>
    public int[] Ordered() => terms.Ordered();

    public ReadOnlySpan<byte> TermAt(int number) => terms[number];

    /// <summary>The number of a term, or -1.</summary>
    public int Find(ReadOnlySpan<byte> term) => terms.Find(term);

    /// <summary>Documents with a term, at most.</summary>
    public int DocumentsOf(int number) => lists[number].Documents;

    /// <summary>Copies a term's list as far as it concerns the first documents; null when none of them has the term.</summary>
    public CollectedPostings? Copy(int number, int documents, uint[] lengthOf)
    {
        var list = lists[number];
        var reader = new IntListReader(list.Numbers);
        var result = new List<int>(list.Documents);
        var frequencies = new List<int>(list.Documents);
        var positions = new List<int>(list.Documents);
        var frontier = default(TextImpactFrontier);
        for (int i = 0; i < list.Documents; i++)
        {
            int document = reader.Next();
            int frequency = reader.Next();
            if (document >= documents)
            {
                break;
            }

            result.Add(document);
            frequencies.Add(frequency);
            frontier.Add(TextImpact.Encode(frequency, (int)lengthOf[document] - 1));
            for (int left = frequency; left > 0; left--)
            {
                positions.Add(reader.Next());
            }
        }

        return result.Count == 0 ? null : new CollectedPostings([.. result], [.. frequencies], [.. positions], frontier.ToWord());
    }

    /// <summary>Hands the postings of a term to an encoder.</summary>
    public void Write(int number, TextEncoder encoder, ByteWriter scratch)
    {
        var list = lists[number];
        var reader = new IntListReader(list.Numbers);
        encoder.BeginTerm(terms[number]);
        var positions = new List<int>();
        for (int i = 0; i < list.Documents; i++)
        {
            int document = reader.Next();
            int frequency = reader.Next();
            positions.Clear();
            for (int left = frequency; left > 0; left--)
            {
                positions.Add(reader.Next());
            }

            scratch.Clear();
            TextPositions.Write(scratch, CollectionsMarshal.AsSpan(positions));
            encoder.Add(document, frequency, scratch.Written.AsSpan());
        }

        encoder.EndTerm();
    }

    /// <summary>The list of one term: document, frequency, positions; and so on.</summary>
    private struct Gathered
    {
        public IntList Numbers;
        public int* Frequency;
        public int LastDocument;
        public int Documents;
    }
}

/// <summary>A posting list copied out of a collector.</summary>
internal sealed unsafe class CollectedPostings(int[] documents, int[] frequencies, int[] positions, ulong impacts) : PostingList(documents.Length, impacts)
{
    private int[]? positionStarts;

    public override int LastDocumentOf(int block) => documents[Math.Min((block + 1) * BlockLength, documents.Length) - 1];

    public override ulong ImpactsOf(int block) => Impacts;

    public override int ReadDocuments(int block, int* target)
    {
        int count = CountOf(block);
        documents.AsSpan(block * BlockLength, count).CopyTo(new Span<int>(target, BlockLength));
        new Span<int>(target + count, BlockLength - count).Fill(int.MaxValue);
        return count;
    }

    public override void ReadFrequencies(int block, int* target)
    {
        int count = CountOf(block);
        frequencies.AsSpan(block * BlockLength, count).CopyTo(new Span<int>(target, BlockLength));
        new Span<int>(target + count, BlockLength - count).Clear();
    }

    public override int FrequencyAt(int block, int posting) => frequencies[block * BlockLength + posting];

    public override void ReadPositions(int block, ReadOnlySpan<int> blockFrequencies, List<int> result)
    {
        int[] starts = positionStarts ??= Starts();
        result.Clear();
        int start = starts[block * BlockLength];
        int end = starts[Math.Min((block + 1) * BlockLength, documents.Length)];
        result.AddRange(positions.AsSpan(start, end - start));
    }

    private int CountOf(int block) => Math.Min(BlockLength, documents.Length - block * BlockLength);

    private int[] Starts()
    {
        int[] starts = new int[frequencies.Length + 1];
        for (int i = 0; i < frequencies.Length; i++)
        {
            starts[i + 1] = starts[i] + frequencies[i];
        }

        return starts;
    }
}

/// <summary>The first documents of a collector, as an index. Later documents do not disturb it.</summary>
internal sealed unsafe class CollectedText : ITextIndex
{
    private readonly TextCollector collector;
    private readonly uint[] lengths;

    /// <param name="collector">Locked while it is read; whoever adds to it locks it too.</param>
    /// <param name="documents">What belongs to this index.</param>
    public CollectedText(TextCollector collector, int documents)
    {
        this.collector = collector;
        Documents = documents;
        lock (collector)
        {
            lengths = collector.Lengths(documents);
        }

        long withText = 0, total = 0;
        foreach (uint length in lengths)
        {
            withText += length > 0 ? 1 : 0;
            total += length > 0 ? length - 1 : 0;
        }

        Totals = (withText, total);
    }

    public int Documents { get; }

    public (long Documents, long Length) Totals { get; }

    public PostingList? Find(ReadOnlySpan<byte> term)
    {
        lock (collector)
        {
            int number = collector.Find(term);
            return number < 0 ? null : collector.Copy(number, Documents, lengths);
        }
    }

    public void ForEachTerm(TermVisitor visit)
    {
        lock (collector)
        {
            for (int number = 0; number < collector.Terms; number++)
            {
                // Also of documents that were added since: those are left out where the list is read.
                visit(collector.TermAt(number), 1);
            }
        }
    }

    public void FindPrefix(ReadOnlySpan<byte> prefix, List<PostingList> lists)
    {
        lock (collector)
        {
            for (int number = 0; number < collector.Terms; number++)
            {
                if (collector.TermAt(number).StartsWith(prefix) && collector.Copy(number, Documents, lengths) is { } list)
                {
                    lists.Add(list);
                }
            }
        }
    }

    public int LengthOf(int document) => (int)lengths[document] - 1;

    public void ReadLengths(int* documents, int count, int* values)
    {
        for (int i = 0; i < count; i++)
        {
            values[i] = (int)lengths[documents[i]] - 1;
        }
    }

    public void ReadLengths(int first, int* values)
    {
        for (int i = 0; i < Math.Min(TextRanges.Documents, Documents - first); i++)
        {
            values[i] = (int)lengths[first + i] - 1;
        }
    }
}
