using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Positions of a term in a document: the first one, then the difference to the one before, as varints.</summary>
internal static class TextPositions
{
    /// <summary>Appends the positions of one posting.</summary>
    public static void Write(ByteWriter writer, ReadOnlySpan<int> positions)
    {
        int before = 0;
        foreach (int position in positions)
        {
            writer.Varint((ulong)(position - before));
            before = position;
        }
    }

    /// <summary>Reads those of one posting.</summary>
    public static void Read(ref ByteReader reader, int frequency, List<int> positions)
    {
        if (frequency > reader.Remaining)
        {
            throw new CorruptDataException($"{frequency} positions do not fit the {reader.Remaining} bytes left");
        }

        long position = 0;
        for (int i = 0; i < frequency; i++)
        {
            position += reader.Int32Varint();
            if (position > int.MaxValue)
            {
                throw new CorruptDataException($"a position of {position} is out of range");
            }

            positions.Add((int)position);
        }
    }

    /// <summary>Passes over the positions of one posting; they are the bytes passed.</summary>
    public static void Skip(ref ByteReader reader, int frequency)
    {
        for (int i = 0; i < frequency; i++)
        {
            reader.Varint();
        }
    }
}
