using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Reads an inverted index to the last posting and checks what searches rely on: the order of keys and documents, and the bounds of weights.</summary>
internal static unsafe class SparseVerifier
{
    /// <exception cref="CorruptDataException">The first thing found wrong.</exception>
    public static void Walk(SparseIndex index)
    {
        long postings = 0;
        for (int dimension = 0; dimension < index.Dimensions; dimension++)
        {
            if (dimension > 0 && index.KeyAt(dimension - 1).SequenceCompareTo(index.KeyAt(dimension)) >= 0)
            {
                throw new CorruptDataException($"the key of dimension {dimension} does not come after the one before");
            }

            var list = index.GetList(dimension);
            WalkList(index, list, dimension);
            postings += list.Postings;
        }

        if (postings != index.Postings)
        {
            throw new CorruptDataException($"the lists have {postings} postings instead of {index.Postings}");
        }
    }

    private static void WalkList(SparseIndex index, in SparseList list, int dimension)
    {
        int* documents = stackalloc int[PackedIntegers.BlockLength];
        float* weights = stackalloc float[PackedIntegers.BlockLength];
        float maximum = float.NegativeInfinity, minimum = float.PositiveInfinity;
        for (int block = 0; block < list.BlockCount; block++)
        {
            int count = index.Read(list, block, documents, weights);
            float high = float.NegativeInfinity, low = float.PositiveInfinity;
            for (int i = 0; i < count; i++)
            {
                high = Math.Max(high, weights[i]);
                low = Math.Min(low, weights[i]);
            }

            var entry = list.Blocks[block];
            Check(high, low, SparseIndex.Weight(entry.Maximum), SparseIndex.Weight(entry.Minimum), $"block {block} of dimension {dimension}");
            maximum = Math.Max(maximum, high);
            minimum = Math.Min(minimum, low);
        }

        Check(maximum, minimum, list.Maximum, list.Minimum, $"dimension {dimension}");
    }

    private static void Check(float high, float low, float maximum, float minimum, string where)
    {
        if (high != maximum || low != minimum)
        {
            throw new CorruptDataException($"the weights of {where} lie within {low}..{high} and not {minimum}..{maximum}");
        }
    }
}
