using System.Numerics;
using Puff.Engine.Numerics;

namespace Puff.Engine.Queries;

/// <summary>The numbers of the bits of a set, ascending, some hundreds at a time, for loops without a test for each bit.</summary>
internal ref struct DocumentBlocks(BitSet documents)
{
    /// <summary>Most numbers of a block.</summary>
    public const int Length = 1_024;

    private const int WordBits = 64;

    private readonly ReadOnlySpan<ulong> words = documents.Words;
    private int next;

    /// <returns>How many numbers were written; 0 at the end.</returns>
    public int Next(Span<int> block)
    {
        int count = 0;
        for (; next < words.Length && count <= block.Length - WordBits; next++)
        {
            ulong word = words[next];
            int first = next * WordBits;
            if (word == ulong.MaxValue)
            {
                var all = block.Slice(count, WordBits);
                for (int i = 0; i < all.Length; i++)
                {
                    all[i] = first + i;
                }

                count += WordBits;
                continue;
            }

            for (; word != 0; word &= word - 1)
            {
                block[count++] = first + BitOperations.TrailingZeroCount(word);
            }
        }

        return count;
    }
}
