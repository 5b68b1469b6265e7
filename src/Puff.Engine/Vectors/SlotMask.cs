using System.Runtime.CompilerServices;
using Puff.Engine.Formats;

namespace Puff.Engine.Vectors;

/// <summary>Which of up to 32 neighbouring slots hold documents that match.</summary>
internal static class SlotMask
{
    /// <param name="set">The slots' set.</param>
    /// <param name="firstSlot">The slot of bit 0.</param>
    /// <param name="count">1..32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(SearchSet set, int firstSlot, int count)
    {
        uint all = uint.MaxValue >> (32 - count);
        return set.MatchesAll ? all : set.Index.IsAligned ? all & Bits(set.Matches.Words, firstSlot) : Gather(set, firstSlot, count);
    }

    /// <summary>Whether any vector of a group matches.</summary>
    public static bool Any(SearchSet set, in CodeGroup group)
    {
        for (int i = 0; i < group.Count; i += 32)
        {
            if (Of(set, group.FirstSlot + i, Math.Min(32, group.Count - i)) != 0)
            {
                return true;
            }
        }

        return false;
    }

    private static uint Bits(ReadOnlySpan<ulong> words, int first)
    {
        int word = first >> 6;
        int shift = first & 63;
        ulong bits = words[word] >> shift;
        if (shift > 32 && word + 1 < words.Length)
        {
            bits |= words[word + 1] << (64 - shift);
        }

        return (uint)bits;
    }

    /// <summary>Where slots are not in the order of documents, each is looked up.</summary>
    private static uint Gather(SearchSet set, int firstSlot, int count)
    {
        uint bits = 0;
        for (int i = 0; i < count; i++)
        {
            bits |= set.Matches[set.Index.DocumentOf(firstSlot + i)] ? 1u << i : 0;
        }

        return bits;
    }
}
