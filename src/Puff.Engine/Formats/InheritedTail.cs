using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <param name="Name">The namespace whose entries they are.</param>
internal sealed record InheritedTail(string Name, ulong Epoch, long From, long Through)
{
    /// <summary>Far more entries than a namespace ever leaves unindexed, so that a damaged number cannot keep a reader busy for ever.</summary>
    private const long MaxEntries = 1 << 24;

    public static void Write(ByteWriter writer, InheritedTail tail)
    {
        writer.Text(tail.Name);
        writer.UInt64(tail.Epoch);
        writer.Int64(tail.From);
        writer.Int64(tail.Through);
    }

    public static InheritedTail Read(ref ByteReader reader)
    {
        var tail = new InheritedTail(reader.Text(), reader.UInt64(), reader.Int64(), reader.Int64());
        return tail.From >= 1 && tail.Through >= tail.From && tail.Through - tail.From < MaxEntries
            ? tail
            : throw new CorruptDataException($"inherited WAL entries {tail.From} to {tail.Through}");
    }

    public static List<InheritedTail> ReadList(ref ByteReader reader)
    {
        int count = reader.Count(25);
        var tails = new List<InheritedTail>(count);
        for (int i = 0; i < count; i++)
        {
            tails.Add(Read(ref reader));
        }

        return tails;
    }
}
