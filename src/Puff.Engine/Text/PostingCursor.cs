using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>A posting list on its way through the documents in ascending order, with the block unpacked last. For one thread.</summary>
internal unsafe class PostingCursor : IDisposable
{
    private const int BlockLength = PostingList.BlockLength;
    private const int LinearSteps = 8;

    private int* memory;
    private int unpacked = -1;
    private bool hasFrequencies;

    public PostingCursor(PostingList list)
    {
        List = list;
        memory = (int*)NativeMemory.AlignedAlloc((nuint)(2 * BlockLength * sizeof(int)), 64);
    }

    ~PostingCursor() => Free();

    public PostingList List { get; }

    /// <summary>Blocks unpacked so far.</summary>
    public int BlocksRead { get; private set; }

    /// <summary>Documents of the block unpacked last, filled up with int.MaxValue.</summary>
    public int* Documents => memory;

    /// <summary>Of the same block, unpacked when they are first asked for.</summary>
    public int* Frequencies
    {
        get
        {
            if (!hasFrequencies)
            {
                List.ReadFrequencies(unpacked, memory + BlockLength);
                hasFrequencies = true;
            }

            return memory + BlockLength;
        }
    }

    /// <summary>Postings of the block unpacked last.</summary>
    public int Count { get; private set; }

    /// <summary>The block unpacked last, or -1.</summary>
    public int Unpacked => unpacked;

    public virtual void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <returns>False when the block is unpacked already.</returns>
    public bool Unpack(int block)
    {
        if (unpacked == block)
        {
            return false;
        }

        unpacked = -1;
        hasFrequencies = false;
        Count = List.ReadDocuments(block, Documents);
        unpacked = block;
        BlocksRead++;
        return true;
    }

    /// <summary>The frequency of a document, 0 when it lacks the term. Documents are asked for in ascending order of blocks.</summary>
    public int FrequencyOf(int document, ref int block)
    {
        block = FindBlock(block, document);
        if (block == List.BlockCount)
        {
            return 0;
        }

        if (unpacked != block && List.HasBits(block))
        {
            int frequency;
            List.FindFrequencies(block, &document, 1, &frequency);
            return frequency;
        }

        Unpack(block);
        int at = Rank(document);
        return at < Count && Documents[at] == document ? Frequencies[at] : 0;
    }

    /// <summary>Documents of the unpacked block before a document.</summary>
    public int Rank(int document)
    {
        var limit = Vector256.Create(document);
        var counts = Vector256<int>.Zero;
        int* documents = Documents;
        for (int i = 0; i < BlockLength; i += Vector256<int>.Count)
        {
            counts -= Vector256.LessThan(Vector256.Load(documents + i), limit);
        }

        return Vector256.Sum(counts);
    }

    /// <summary>The same for a document that does not come before the one at <paramref name="from"/>: fast for neighbours.</summary>
    public int RankFrom(int from, int document)
    {
        int* documents = Documents;
        int at = from & -Vector256<int>.Count;
        while (at < BlockLength && documents[at + Vector256<int>.Count - 1] < document)
        {
            at += Vector256<int>.Count;
        }

        return at == BlockLength
            ? at
            : at + BitOperations.PopCount(Vector256.LessThan(Vector256.Load(documents + at), Vector256.Create(document)).ExtractMostSignificantBits());
    }

    /// <summary>The first block from <paramref name="from"/> on that ends at or behind a document; the number of blocks when there is none.</summary>
    public int FindBlock(int from, int document)
    {
        int limit = List.BlockCount;
        from = Math.Max(from, List.StartOf(document));
        int near = Math.Min(from + LinearSteps, limit);
        while (from < near && List.LastDocumentOf(from) < document)
        {
            from++;
        }

        if (from < near || near == limit)
        {
            return from;
        }

        // Documents with the term are spread more or less evenly: a guess saves most of the steps of a long way.
        int passed = List.LastDocumentOf(from);
        int farthest = List.LastDocumentOf(limit - 1);
        if (document >= farthest)
        {
            return document == farthest ? limit - 1 : limit;
        }

        int guess = from + (int)((long)(document - passed) * (limit - 1 - from) / Math.Max(farthest - passed, 1)) - LinearSteps;
        if (guess > from && List.LastDocumentOf(guess) < document)
        {
            from = guess;
        }

        int step = LinearSteps;
        while (from + step < limit && List.LastDocumentOf(from + step) < document)
        {
            from += step;
            step *= 2;
        }

        int low = from;
        int high = Math.Min(from + step, limit);
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (List.LastDocumentOf(middle) < document)
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

    private void Free()
    {
        NativeMemory.AlignedFree(memory);
        memory = null;
    }
}
