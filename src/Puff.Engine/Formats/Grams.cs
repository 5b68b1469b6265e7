namespace Puff.Engine.Formats;

/// <summary>
/// Pieces of three bytes of a text, ASCII letters in lower case, thrown into 2^16 buckets. A text that contains another has all its pieces; the converse is for
/// the reader to check. Only ASCII is folded, because that never changes.
/// </summary>
internal static class Grams
{
    public const int Length = 3;
    public const int Buckets = 1 << 16;

    /// <summary>The bucket of the piece that begins at <paramref name="at"/>.</summary>
    public static int BucketAt(ReadOnlySpan<byte> text, int at)
    {
        uint piece = Lower(text[at]) | (uint)Lower(text[at + 1]) << 8 | (uint)Lower(text[at + 2]) << 16;
        return (int)(piece * 0x9E3779B1 >> 16);
    }

    private static byte Lower(byte value) => (uint)(value - 'A') <= 'Z' - 'A' ? (byte)(value | 0x20) : value;
}

/// <summary>
/// Writes, for every bucket of <see cref="Grams"/>, the ordinals of the values that have a piece in it: differences as varints. The values are passed over
/// once to count and then once for every range of buckets whose postings fit into memory.
/// </summary>
internal sealed class GramEncoder(PartEncoder part, int attribute, AttributeValues values, int[] order)
{
    private const int PassPostings = 16 << 20;

    private readonly int[] counts = new int[Grams.Buckets];
    private readonly int[] lastOrdinals = new int[Grams.Buckets];

    public void Write()
    {
        Visit(0, Grams.Buckets, (bucket, _) => counts[bucket]++);
        var starts = new uint[Grams.Buckets + 1];
        part.BeginSection();
        long begin = part.Position;
        for (int first = 0; first < Grams.Buckets;)
        {
            first = WritePass(first, starts, begin);
        }

        part.EndSection(PartSection.Grams, attribute);
        part.BeginSection();
        foreach (uint start in starts)
        {
            part.Buffer.UInt32(start);
        }

        part.EndSection(PartSection.GramStarts, attribute);
    }

    private int WritePass(int first, uint[] starts, long begin)
    {
        int end = first;
        long total = 0;
        while (end < Grams.Buckets && (end == first || total + counts[end] <= PassPostings))
        {
            total += counts[end++];
        }

        var ends = new int[end - first];
        for (int i = 1; i < ends.Length; i++)
        {
            ends[i] = ends[i - 1] + counts[first + i - 1];
        }

        var ordinals = new int[total];
        Visit(first, end, (bucket, ordinal) => ordinals[ends[bucket - first]++] = ordinal);
        int at = 0;
        for (int bucket = first; bucket < end; bucket++)
        {
            int previous = -1;
            for (; at < ends[bucket - first]; at++)
            {
                part.Buffer.Varint((ulong)(ordinals[at] - previous - 1));
                previous = ordinals[at];
            }

            starts[bucket + 1] = checked((uint)(part.Position - begin));
        }

        return end;
    }

    /// <summary>Every bucket of a range that a value falls into, once, values in order.</summary>
    private void Visit(int first, int end, Action<int, int> visit)
    {
        Array.Fill(lastOrdinals, -1);
        for (int ordinal = 0; ordinal < order.Length; ordinal++)
        {
            var value = values.BytesOf(order[ordinal]);
            for (int at = 0; at + Grams.Length <= value.Length; at++)
            {
                int bucket = Grams.BucketAt(value, at);
                if (bucket >= first && bucket < end && lastOrdinals[bucket] != ordinal)
                {
                    lastOrdinals[bucket] = ordinal;
                    visit(bucket, ordinal);
                }
            }
        }
    }
}
