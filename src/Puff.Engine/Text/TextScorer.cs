using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>Computes exact BM25 scores of given documents, in double precision and always in the order of the query's terms. For one thread.</summary>
internal sealed unsafe class TextScorer : IDisposable
{
    private readonly ITextIndex index;
    private readonly Bm25 formula;
    private readonly PostingCursor?[] cursors;
    private readonly double[] weights;
    private readonly BitSet? prefix;

    /// <param name="index">Of a document set.</param>
    /// <param name="formula">With the corpus of all sets.</param>
    /// <param name="lists">Of each term; null when the set lacks it.</param>
    /// <param name="weights">Of each term.</param>
    /// <param name="prefix">Documents with a term that begins as the query ends: each gets 1.</param>
    public TextScorer(ITextIndex index, in Bm25 formula, PostingList?[] lists, double[] weights, BitSet? prefix)
    {
        this.index = index;
        this.formula = formula;
        this.weights = weights;
        this.prefix = prefix;
        cursors = Array.ConvertAll(lists, l => l is null ? null : new PostingCursor(l));
    }

    public void Dispose()
    {
        foreach (var cursor in cursors)
        {
            cursor?.Dispose();
        }
    }

    /// <summary>Scores documents, best ascending ones; 0 for those that match nothing.</summary>
    public void Score(ReadOnlySpan<int> documents, Span<double> scores)
    {
        for (int i = 0; i < documents.Length; i++)
        {
            scores[i] = 0;
        }

        for (int term = 0; term < cursors.Length; term++)
        {
            if (cursors[term] is { } cursor)
            {
                Add(cursor, weights[term], documents, scores);
            }
        }

        for (int i = 0; prefix is not null && i < documents.Length; i++)
        {
            scores[i] += prefix[documents[i]] ? 1 : 0;
        }
    }

    /// <summary>The documents that have one of the lists' terms.</summary>
    public static BitSet Union(IReadOnlyList<PostingList> lists, int documents, CancellationToken cancellation)
    {
        var union = new BitSet(documents);
        int* numbers = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        foreach (var list in lists)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int block = 0; block < list.BlockCount; block++)
            {
                int count = list.Read(block, numbers, frequencies);
                for (int i = 0; i < count; i++)
                {
                    union[numbers[i]] = true;
                }
            }
        }

        return union;
    }

    private void Add(PostingCursor cursor, double weight, ReadOnlySpan<int> documents, Span<double> scores)
    {
        int block = 0;
        int before = -1;
        for (int i = 0; i < documents.Length; i++)
        {
            block = documents[i] < before ? 0 : block;
            before = documents[i];
            int frequency = cursor.FrequencyOf(documents[i], ref block);
            if (frequency > 0)
            {
                scores[i] += formula.Score(weight, frequency, Math.Max(index.LengthOf(documents[i]), 0));
            }
        }
    }
}
