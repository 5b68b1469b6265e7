using System.Numerics;
using System.Numerics.Tensors;

namespace Puff.Engine.Numerics;

/// <summary>A fixed number of bits in 64-bit words; bits at and beyond <see cref="Count"/> are always zero.</summary>
internal sealed class BitSet
{
    private readonly ulong[] words;

    public BitSet(int count, bool value = false)
    {
        Count = count;
        words = new ulong[(count + 63) / 64];
        if (value)
        {
            SetAll();
        }
    }

    private BitSet(BitSet other)
    {
        Count = other.Count;
        words = (ulong[])other.words.Clone();
    }

    public int Count { get; }

    public Span<ulong> Words => words;

    public bool this[int index]
    {
        get => (words[index >> 6] >> index & 1) != 0;
        set
        {
            if (value)
            {
                words[index >> 6] |= 1UL << index;
            }
            else
            {
                words[index >> 6] &= ~(1UL << index);
            }
        }
    }

    public BitSet Clone() => new(this);

    public void SetAll()
    {
        words.AsSpan().Fill(ulong.MaxValue);
        TrimLastWord();
    }

    public void ClearAll() => words.AsSpan().Clear();

    public void And(BitSet other) => TensorPrimitives.BitwiseAnd<ulong>(words, other.words, words);

    public void Or(BitSet other) => TensorPrimitives.BitwiseOr<ulong>(words, other.words, words);

    public void AndNot(BitSet other)
    {
        for (int i = 0; i < words.Length; i++)
        {
            words[i] &= ~other.words[i];
        }
    }

    public void Not()
    {
        TensorPrimitives.OnesComplement<ulong>(words, words);
        TrimLastWord();
    }

    public void CopyFrom(BitSet other) => other.words.AsSpan().CopyTo(words);

    /// <summary>Bits <paramref name="first"/> .. <paramref name="first"/> + <paramref name="count"/> - 1, which exist, as a set of their own.</summary>
    public BitSet Slice(int first, int count)
    {
        var slice = new BitSet(count);
        int shift = first & 63;
        for (int i = 0; i < slice.words.Length; i++)
        {
            int word = (first >> 6) + i;
            ulong upper = shift > 0 && word + 1 < words.Length ? words[word + 1] << (64 - shift) : 0;
            slice.words[i] = (words[word] >> shift) | upper;
        }

        slice.TrimLastWord();
        return slice;
    }

    /// <summary>Clears bits <paramref name="first"/> .. <paramref name="end"/> - 1.</summary>
    public void Clear(int first, int end)
    {
        for (int bit = first; bit < end;)
        {
            int next = Math.Min(end, (bit | 63) + 1);
            ulong mask = (ulong.MaxValue << bit) & (ulong.MaxValue >> (63 - ((next - 1) & 63)));
            words[bit >> 6] &= ~mask;
            bit = next;
        }
    }

    public int PopCount()
    {
        long count = 0;
        foreach (ulong word in words)
        {
            count += BitOperations.PopCount(word);
        }

        return (int)count;
    }

    /// <summary>Bits that both sets have.</summary>
    public int PopCountOfAnd(BitSet other)
    {
        long count = 0;
        for (int i = 0; i < words.Length; i++)
        {
            count += BitOperations.PopCount(words[i] & other.words[i]);
        }

        return (int)count;
    }

    /// <summary>The first set bit at or after <paramref name="from"/>, or -1.</summary>
    public int NextSet(int from)
    {
        int index = from >> 6;
        if (index >= words.Length)
        {
            return -1;
        }

        ulong word = words[index] & (ulong.MaxValue << from);
        while (word == 0)
        {
            if (++index == words.Length)
            {
                return -1;
            }

            word = words[index];
        }

        return (index << 6) + BitOperations.TrailingZeroCount(word);
    }

    private void TrimLastWord()
    {
        if ((Count & 63) != 0)
        {
            words[^1] &= (1UL << Count) - 1;
        }
    }
}
