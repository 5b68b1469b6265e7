using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>From pieces of three bytes to the ordinals of the values that have them (<see cref="Grams"/>).</summary>
internal sealed class GramIndex
{
    private readonly PartReader part;
    private readonly PartEntry grams;
    private readonly PartEntry starts;
    private readonly int values;
    private readonly Func<CorruptDataException, Exception> damaged;

    private GramIndex(PartReader part, int attribute, PartEntry grams, int values, Func<CorruptDataException, Exception> damaged)
    {
        this.damaged = damaged;
        this.part = part;
        this.grams = grams;
        this.values = values;
        starts = part.Find(PartSection.GramStarts, attribute, (Grams.Buckets + 1L) * 4);
    }

    /// <summary>Null when the attribute was indexed without.</summary>
    /// <param name="part">The part `attributes`.</param>
    /// <param name="attribute">Which.</param>
    /// <param name="values">Different values.</param>
    /// <param name="damaged">Names the object that damage is found in while reading.</param>
    public static GramIndex? Open(PartReader part, int attribute, int values, Func<CorruptDataException, Exception> damaged) =>
        part.TryFind(PartSection.Grams, attribute, out var grams) ? new GramIndex(part, attribute, grams, values, damaged) : null;

    /// <summary>Bytes of a bucket's postings: what reading it costs.</summary>
    public long BytesOf(int bucket)
    {
        try
        {
            var (start, end) = RangeOf(bucket);
            return end - start;
        }
        catch (CorruptDataException damage)
        {
            throw damaged(damage);
        }
    }

    /// <summary>The ordinals of a bucket, ascending, overwriting <paramref name="ordinals"/>.</summary>
    public void Read(int bucket, List<int> ordinals)
    {
        ordinals.Clear();
        try
        {
            var reader = Open(bucket);
            long last = -1;
            while (!reader.AtEnd)
            {
                ordinals.Add((int)(last = Next(ref reader, last)));
            }
        }
        catch (CorruptDataException damage)
        {
            throw damaged(damage);
        }
    }

    /// <summary>Keeps the ordinals that a bucket has too.</summary>
    public void Intersect(int bucket, List<int> ordinals)
    {
        try
        {
            KeepCommon(bucket, ordinals);
        }
        catch (CorruptDataException damage)
        {
            throw damaged(damage);
        }
    }

    private void KeepCommon(int bucket, List<int> ordinals)
    {
        var reader = Open(bucket);
        long last = -1;
        int kept = 0;
        for (int i = 0; i < ordinals.Count; i++)
        {
            int ordinal = ordinals[i];
            while (last < ordinal && !reader.AtEnd)
            {
                last = Next(ref reader, last);
            }

            if (last == ordinal)
            {
                ordinals[kept++] = ordinal;
            }
        }

        ordinals.RemoveRange(kept, ordinals.Count - kept);
    }

    private ByteReader Open(int bucket)
    {
        var (start, end) = RangeOf(bucket);
        return new ByteReader(part.Read(grams, start, checked((int)(end - start))));
    }

    private long Next(ref ByteReader reader, long last)
    {
        ulong gap = reader.Varint();
        return gap < (ulong)(values - last - 1)
            ? last + 1 + (long)gap
            : throw new CorruptDataException($"a piece of text leads to a value behind the last of {values}");
    }

    private (long Start, long End) RangeOf(int bucket)
    {
        var pair = part.Read(starts, bucket * 4L, 8);
        long start = BinaryPrimitives.ReadUInt32LittleEndian(pair);
        long end = BinaryPrimitives.ReadUInt32LittleEndian(pair[4..]);
        return start <= end && end - start <= int.MaxValue
            ? (start, end)
            : throw new CorruptDataException($"a bucket of pieces of text lies at {start}..{end}");
    }
}
