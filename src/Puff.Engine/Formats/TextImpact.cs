using System.Numerics;

namespace Puff.Engine.Formats;

/// <summary>
/// What a posting can give to a score, in 12 bits: its frequency rounded up and its document's length rounded down. BM25 grows with the one and falls with the
/// other whatever its parameters and the mean length are, so that bounds of blocks hold for queries that nobody knew when the block was written.
/// </summary>
internal static class TextImpact
{
    public const int Codes = 1 << 12;

    /// <summary>Impacts in a u64.</summary>
    public const int PerWord = 4;

    private const int LengthBits = 8;
    private const int ExactLengths = 32;

    /// <summary>The last one stands for any frequency.</summary>
    private static readonly int[] Frequencies = [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 18, 26, 42, 82, 202, int.MaxValue];

    /// <param name="frequency">At least 1.</param>
    /// <param name="length">Tokens of the document.</param>
    public static ushort Encode(int frequency, int length) => (ushort)((FrequencyCode(frequency) << LengthBits) | LengthCode(length));

    /// <summary>Not less than any frequency with this code.</summary>
    public static int FrequencyOf(int code) => Frequencies[code >> LengthBits & 15];

    /// <summary>Not more than any length with this code.</summary>
    public static int LengthOf(int code)
    {
        int length = code & 0xFF;
        return length < ExactLengths ? length : (16 + (length & 15)) << ((length >> 4) - 1);
    }

    private static int FrequencyCode(int frequency)
    {
        if (frequency <= 8)
        {
            return frequency - 1;
        }

        int code = 8;
        while (Frequencies[code] < frequency)
        {
            code++;
        }

        return code;
    }

    private static int LengthCode(int length)
    {
        if (length < ExactLengths)
        {
            return length;
        }

        int shift = BitOperations.Log2((uint)length) - 4;
        int code = (shift + 1 << 4) + (length >> shift & 15);
        return Math.Min(code, 0xFF);
    }
}

/// <summary>Gathers the impacts of postings: of each frequency only the shortest document matters, and only if no higher frequency has a shorter one.</summary>
internal struct TextImpactFrontier
{
    private const ushort None = ushort.MaxValue;

    private ulong low;
    private ulong high;
    private ushort present;

    /// <summary>Adds one posting's impact.</summary>
    public void Add(ushort impact)
    {
        int frequency = impact >> 8;
        byte length = (byte)impact;
        if ((present >> frequency & 1) == 0 || length < LengthAt(frequency))
        {
            present |= (ushort)(1 << frequency);
            int shift = (frequency & 7) * 8;
            if (frequency < 8)
            {
                low = (low & ~(0xFFUL << shift)) | ((ulong)length << shift);
            }
            else
            {
                high = (high & ~(0xFFUL << shift)) | ((ulong)length << shift);
            }
        }
    }

    /// <summary>Four impacts, of which some may be the same; none of those added exceeds all of them.</summary>
    public readonly ulong ToWord()
    {
        Span<ushort> kept = stackalloc ushort[16];
        int count = 0;
        int shortest = int.MaxValue;
        for (int frequency = 15; frequency >= 0; frequency--)
        {
            if ((present >> frequency & 1) != 0 && LengthAt(frequency) < shortest)
            {
                shortest = LengthAt(frequency);
                kept[count++] = (ushort)(frequency << 8 | shortest);
            }
        }

        // From the highest frequency, whose documents gain least from it, to the lowest: the first ones are made one.
        if (count > TextImpact.PerWord)
        {
            int merged = count - TextImpact.PerWord;
            kept[merged] = (ushort)((kept[0] & 0xFF00) | (kept[merged] & 0xFF));
            kept[merged..count].CopyTo(kept);
            count = TextImpact.PerWord;
        }

        ulong word = 0;
        for (int i = 0; i < TextImpact.PerWord; i++)
        {
            word |= (ulong)(count == 0 ? None : kept[Math.Min(i, count - 1)]) << (i * 16);
        }

        return word;
    }

    private readonly int LengthAt(int frequency) => (int)((frequency < 8 ? low : high) >> ((frequency & 7) * 8) & 0xFF);
}
