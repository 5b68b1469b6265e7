using System.Numerics;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>One query vector against a dense vector attribute, over the contiguous blocks of a set.</summary>
/// <param name="attribute">What is searched.</param>
/// <param name="scorer">Exact distances to the query.</param>
/// <param name="vector">The query as an index sees it: of unit length under cosine distance.</param>
/// <param name="isCosine">The metric.</param>
internal sealed unsafe class DenseVectorQuery(AttributeDefinition attribute, ExactScorer scorer, float[] vector, bool isCosine) : VectorQuery(attribute)
{
    public ExactScorer Scorer => scorer;

    public float[] Vector => vector;

    public bool IsCosine => isCosine;

    public override void Scan(QueryRun run, SetView view, RankedHeap heap) => Scan(run, view, view.Matches, heap);

    /// <summary>The same for some of the matching documents.</summary>
    public void Scan(QueryRun run, SetView view, BitSet matches, RankedHeap heap)
    {
        var rows = view.Set.GetVectors(Attribute);
        if (rows is null)
        {
            return;
        }

        foreach (var block in rows.Blocks)
        {
            ScanBlock(run, view.Index, matches, block, rows.RowBytes, heap);
        }
    }

    public override bool TryDistance(DocumentSet set, int document, out float distance)
    {
        distance = 0;
        if (set.GetExactRows(Attribute) is { } stored)
        {
            // One vector of a segment, not the blocks of all: those would be read and verified from beginning to end.
            byte* buffer = stackalloc byte[Attribute.Type.VectorBytes];
            byte* row = stored.Row(document, buffer);
            distance = row == null ? 0 : scorer.Distance(row);
            return row != null;
        }

        var rows = set.GetVectors(Attribute);
        if (rows is null)
        {
            return false;
        }

        int low = 0, high = rows.Blocks.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = rows.Blocks[middle].FirstDocument <= document ? (middle, high) : (low, middle - 1);
        }

        if (high < 0 || (uint)(document - rows.Blocks[low].FirstDocument) >= (uint)rows.Blocks[low].Count)
        {
            return false;
        }

        var block = rows.Blocks[low];
        distance = scorer.Distance(block.Pointer + (long)(document - block.FirstDocument) * rows.RowBytes);
        return true;
    }

    public override void Dispose() => scorer.Dispose();

    private void ScanBlock(QueryRun run, int set, BitSet matches, VectorBlock block, int rowBytes, RankedHeap heap)
    {
        Span<float> distances = stackalloc float[ChunkRows];
        int end = block.FirstDocument + block.Count;
        int document = matches.NextSet(block.FirstDocument);
        while (document >= 0 && document < end)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            int length = EndOfRun(matches, document, Math.Min(end, document + ChunkRows)) - document;
            scorer.Distances(block.Pointer + (long)(document - block.FirstDocument) * rowBytes, rowBytes, length, distances);
            run.VectorsScored += length;
            for (int i = 0; i < length; i++)
            {
                if (distances[i] <= heap.Bound)
                {
                    heap.Offer(distances[i], set, document + i);
                }
            }

            document = matches.NextSet(document + length);
        }
    }

    /// <summary>The first clear bit after the set bit <paramref name="from"/>, at most <paramref name="limit"/>.</summary>
    private static int EndOfRun(BitSet bits, int from, int limit)
    {
        var words = bits.Words;
        int index = from >> 6;
        ulong clear = ~words[index] & (ulong.MaxValue << from);
        while (clear == 0)
        {
            index++;
            if (index << 6 >= limit || index == words.Length)
            {
                return limit;
            }

            clear = ~words[index];
        }

        return Math.Min(limit, (index << 6) + BitOperations.TrailingZeroCount(clear));
    }
}
