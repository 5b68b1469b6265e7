using Puff.Engine.Numerics;

namespace Puff.Engine.Queries;

/// <summary>
/// Keeps the bit sets of finished queries for the next ones: for a million documents they are large enough that the garbage collector would treat each as a
/// large object, and collect everything every few dozen queries.
/// </summary>
internal static class BitSetPool
{
    private const int Kept = 16;
    private const int SmallestKept = 1 << 14;
    private const int LargestKept = 1 << 26;

    private static readonly BitSet?[] Free = new BitSet?[Kept];

    /// <summary>A bit set without any bit set.</summary>
    public static BitSet Rent(int count)
    {
        if (count is >= SmallestKept and <= LargestKept)
        {
            for (int i = 0; i < Kept; i++)
            {
                if (Volatile.Read(ref Free[i])?.Count == count && Interlocked.Exchange(ref Free[i], null) is { } found)
                {
                    if (found.Count == count)
                    {
                        found.ClearAll();
                        return found;
                    }

                    // Somebody put another one there in between.
                    Return(found);
                }
            }
        }

        return new BitSet(count);
    }

    /// <summary>Gives a bit set back that nobody looks at any more.</summary>
    public static void Return(BitSet bits)
    {
        if (bits.Count is < SmallestKept or > LargestKept)
        {
            return;
        }

        for (int i = 0; i < Kept; i++)
        {
            if (Interlocked.CompareExchange(ref Free[i], bits, null) is null)
            {
                return;
            }
        }

        // Full, perhaps of other lengths: the newest stays.
        Interlocked.Exchange(ref Free[0], bits);
    }
}
