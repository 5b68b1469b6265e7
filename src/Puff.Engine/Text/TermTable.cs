using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;

namespace Puff.Engine.Text;

/// <summary>Numbers terms in the order they are first seen: an open-addressing table over unmanaged copies. For one thread at a time.</summary>
internal sealed class TermTable : IDisposable
{
    private readonly ByteWriter bytes = new(1 << 12);
    private readonly List<Term> terms = [];
    private int[] slots = new int[1 << 10];

    public int Count => terms.Count;

    public long Bytes => bytes.Capacity + terms.Capacity * (long)Unsafe.SizeOf<Term>() + slots.Length * (long)sizeof(int);

    public void Dispose() => bytes.Dispose();

    /// <summary>The number of a term; a new one is added.</summary>
    public int Add(ReadOnlySpan<byte> term)
    {
        uint hash = Hash(term);
        int number = Find(term, hash);
        if (number >= 0)
        {
            return number;
        }

        number = terms.Count;
        terms.Add(new Term(bytes.Length, term.Length, hash));
        bytes.Bytes(term);
        if (terms.Count * 2 > slots.Length)
        {
            Grow();
        }
        else
        {
            Enter(number);
        }

        return number;
    }

    /// <summary>The number of a term, or -1.</summary>
    public int Find(ReadOnlySpan<byte> term) => Find(term, Hash(term));

    public ReadOnlySpan<byte> this[int number] => bytes.Written.Span(terms[number].Offset, terms[number].Length);

    /// <summary>The numbers in bytewise order of their terms.</summary>
    public int[] Ordered()
    {
        int[] order = new int[terms.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        order.AsSpan().Sort((left, right) => this[left].SequenceCompareTo(this[right]));
        return order;
    }

    private static uint Hash(ReadOnlySpan<byte> term)
    {
        ulong hash = (ulong)term.Length * 0x9E3779B97F4A7C15;
        ref byte start = ref MemoryMarshal.GetReference(term);
        int at = 0;
        for (; at + sizeof(ulong) <= term.Length; at += sizeof(ulong))
        {
            hash = BitOperations.RotateLeft((hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at))) * 0xFF51AFD7ED558CCD, 29);
        }

        ulong rest = 0;
        for (; at < term.Length; at++)
        {
            rest = rest << 8 | term[at];
        }

        hash = (hash ^ rest) * 0xC4CEB9FE1A85EC53;
        return (uint)(hash >> 32);
    }

    private int Find(ReadOnlySpan<byte> term, uint hash)
    {
        var all = CollectionsMarshal.AsSpan(terms);
        for (uint slot = hash; ; slot++)
        {
            int number = slots[slot & (uint)(slots.Length - 1)] - 1;
            if (number < 0)
            {
                return -1;
            }

            ref var known = ref all[number];
            if (known.Hash == hash && known.Length == term.Length && this[number].SequenceEqual(term))
            {
                return number;
            }
        }
    }

    private void Enter(int number)
    {
        uint slot = terms[number].Hash;
        while (slots[slot & (uint)(slots.Length - 1)] != 0)
        {
            slot++;
        }

        slots[slot & (uint)(slots.Length - 1)] = number + 1;
    }

    private void Grow()
    {
        slots = new int[slots.Length * 2];
        for (int number = 0; number < terms.Count; number++)
        {
            Enter(number);
        }
    }

    private readonly record struct Term(long Offset, int Length, uint Hash);
}
