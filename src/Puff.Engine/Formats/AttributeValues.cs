using System.Runtime.InteropServices;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Numbers the different values of an attribute in the order they are first seen, and ranks them in the end. Scalars are known by their sortable bits alone;
/// of strings and UUIDs there is one copy in unmanaged memory. An open-addressing table.
/// </summary>
internal sealed class AttributeValues(bool isBytes) : IDisposable
{
    private readonly ByteWriter bytes = new(1 << 12);
    private readonly List<Entry> entries = [];
    private int[] slots = new int[1 << 8];

    public int Count => entries.Count;

    /// <summary>Bytes of all different values.</summary>
    public long ByteCount => bytes.Length;

    public void Dispose() => bytes.Dispose();

    public int Add(ulong sortable) => Add(sortable, [], Mix(sortable));

    public int Add(ReadOnlySpan<byte> value) => Add(ScalarOrder.PrefixOf(value), value, Hash(value));

    public ReadOnlySpan<byte> BytesOf(int number)
    {
        var entry = entries[number];
        return bytes.Written.Span(entry.Offset, entry.Length);
    }

    /// <summary>The numbers in ascending order of their values.</summary>
    public int[] Order()
    {
        var keys = new ulong[entries.Count];
        var order = new int[entries.Count];
        for (int i = 0; i < order.Length; i++)
        {
            keys[i] = entries[i].Prefix;
            order[i] = i;
        }

        Array.Sort(keys, order);
        if (isBytes)
        {
            OrderEqualPrefixes(keys, order);
        }

        return order;
    }

    private void OrderEqualPrefixes(ulong[] keys, int[] order)
    {
        for (int start = 0; start < keys.Length;)
        {
            int end = start + 1;
            while (end < keys.Length && keys[end] == keys[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                order.AsSpan(start, end - start).Sort((left, right) => BytesOf(left).SequenceCompareTo(BytesOf(right)));
            }

            start = end;
        }
    }

    private static uint Mix(ulong value)
    {
        value = (value ^ value >> 32) * 0xD6E8FEB86659FD93;
        return (uint)((value ^ value >> 32) * 0xD6E8FEB86659FD93 >> 32);
    }

    private static uint Hash(ReadOnlySpan<byte> value)
    {
        ulong hash = (ulong)value.Length * 0x9E3779B97F4A7C15;
        for (; value.Length >= 8; value = value[8..])
        {
            hash = System.Numerics.BitOperations.RotateLeft((hash ^ ScalarOrder.PrefixOf(value)) * 0xFF51AFD7ED558CCD, 29);
        }

        return Mix(hash ^ ScalarOrder.PrefixOf(value));
    }

    private int Add(ulong prefix, ReadOnlySpan<byte> value, uint hash)
    {
        var all = CollectionsMarshal.AsSpan(entries);
        uint slot = hash;
        for (; ; slot++)
        {
            int number = slots[slot & (uint)(slots.Length - 1)] - 1;
            if (number < 0)
            {
                break;
            }

            ref var entry = ref all[number];
            if (entry.Hash == hash && entry.Prefix == prefix && entry.Length == value.Length && (!isBytes || BytesOf(number).SequenceEqual(value)))
            {
                return number;
            }
        }

        entries.Add(new Entry(prefix, bytes.Length, value.Length, hash));
        bytes.Bytes(value);
        if (entries.Count * 2 > slots.Length)
        {
            Grow();
        }
        else
        {
            slots[slot & (uint)(slots.Length - 1)] = entries.Count;
        }

        return entries.Count - 1;
    }

    private void Grow()
    {
        slots = new int[slots.Length * 4];
        var all = CollectionsMarshal.AsSpan(entries);
        for (int number = 0; number < all.Length; number++)
        {
            uint slot = all[number].Hash;
            while (slots[slot & (uint)(slots.Length - 1)] != 0)
            {
                slot++;
            }

            slots[slot & (uint)(slots.Length - 1)] = number + 1;
        }
    }

    private readonly record struct Entry(ulong Prefix, long Offset, int Length, uint Hash);
}
