using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Numbers the dimensions of sparse vectors in the order they are first seen, counts their postings, and ranks them by their keys in the end. An
/// open-addressing table over unmanaged copies of the keys: a build looks up every posting of every document several times.
/// </summary>
internal sealed unsafe class SparseDimensions : IDisposable
{
    private readonly ByteWriter keys = new(1 << 16);
    private readonly List<Dimension> dimensions = [];
    private int[] slots = new int[1 << 12];
    private int[] ranks = [];

    public int Count => dimensions.Count;

    public void Dispose() => keys.Dispose();

    /// <summary>Counts one posting.</summary>
    public void Add(ReadOnlySpan<byte> key)
    {
        uint hash = Hash(key);
        int number = Find(key, hash);
        if (number < 0)
        {
            number = dimensions.Count;
            dimensions.Add(new Dimension(keys.Length, key.Length, hash, 0));
            keys.Bytes(key);
            if (dimensions.Count * 2 > slots.Length)
            {
                Grow();
            }
            else
            {
                Enter(number);
            }
        }

        CollectionsMarshal.AsSpan(dimensions)[number].Postings++;
    }

    /// <summary>Ends the counting: puts the dimensions in bytewise order of their keys.</summary>
    public void Rank()
    {
        var order = new int[dimensions.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        order.AsSpan().Sort((left, right) => KeyOf(left).SequenceCompareTo(KeyOf(right)));
        ranks = new int[order.Length];
        for (int rank = 0; rank < order.Length; rank++)
        {
            ranks[order[rank]] = rank;
        }

        Ordered = order;
    }

    /// <summary>Numbers of the dimensions by rank; after <see cref="Rank"/>.</summary>
    public int[] Ordered { get; private set; } = [];

    /// <summary>The rank of a key that was counted; -1 for any other.</summary>
    public int RankOf(ReadOnlySpan<byte> key)
    {
        int number = Find(key, Hash(key));
        return number < 0 ? -1 : ranks[number];
    }

    public ReadOnlySpan<byte> KeyAt(int rank) => KeyOf(Ordered[rank]);

    public int PostingsAt(int rank) => dimensions[Ordered[rank]].Postings;

    private static uint Hash(ReadOnlySpan<byte> key)
    {
        ulong hash = (ulong)key.Length * 0x9E3779B97F4A7C15;
        while (key.Length >= 8)
        {
            hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(key)) * 0xFF51AFD7ED558CCD, 29);
            key = key[8..];
        }

        ulong rest = 0;
        foreach (byte part in key)
        {
            rest = rest << 8 | part;
        }

        hash = (hash ^ rest) * 0xC4CEB9FE1A85EC53;
        return (uint)(hash >> 32);
    }

    private ReadOnlySpan<byte> KeyOf(int number) => keys.Written.Span(dimensions[number].Offset, dimensions[number].Length);

    /// <summary>The number of a key, or -1.</summary>
    private int Find(ReadOnlySpan<byte> key, uint hash)
    {
        var all = CollectionsMarshal.AsSpan(dimensions);
        for (uint slot = hash; ; slot++)
        {
            int number = slots[slot & (uint)(slots.Length - 1)] - 1;
            if (number < 0)
            {
                return -1;
            }

            ref var dimension = ref all[number];
            if (dimension.Hash == hash && dimension.Length == key.Length && KeyOf(number).SequenceEqual(key))
            {
                return number;
            }
        }
    }

    private void Enter(int number)
    {
        uint slot = dimensions[number].Hash;
        while (slots[slot & (uint)(slots.Length - 1)] != 0)
        {
            slot++;
        }

        slots[slot & (uint)(slots.Length - 1)] = number + 1;
    }

    private void Grow()
    {
        slots = new int[slots.Length * 2];
        for (int number = 0; number < dimensions.Count; number++)
        {
            Enter(number);
        }
    }

    private record struct Dimension(long Offset, int Length, uint Hash, int Postings);
}
