namespace Puff.Engine.Formats;

/// <summary>
/// Makes the <see cref="TextRanges"/> of a list. Which ranges share a code is decided by what they give under usual parameters, such that bounds are too high
/// by the least sum; what is stored is valid under any.
/// </summary>
internal sealed class TextRangeEncoder
{
    private const int Steps = 64;
    private const double Constant = 1.2 * 0.25;
    private const double Slope = 1.2 * 0.75;

    private readonly float[] usual = new float[TextImpact.Codes];
    private readonly int documents;
    private ushort[] impacts = [];
    private byte[] steps = [];
    private readonly byte[] table = new byte[TextRanges.TableBytes];

    /// <param name="lengths">Of each document: 0 when it has no text, otherwise 1 more than its tokens.</param>
    public TextRangeEncoder(ReadOnlySpan<uint> lengths)
    {
        documents = lengths.Length;
        long withText = 0, total = 0;
        foreach (uint length in lengths)
        {
            withText += length > 0 ? 1 : 0;
            total += length > 0 ? length - 1 : 0;
        }

        double mean = Math.Max((double)total / Math.Max(withText, 1), 1);
        for (int code = 0; code < usual.Length; code++)
        {
            double frequency = TextImpact.FrequencyOf(code);
            usual[code] = (float)(frequency / (frequency + Constant + Slope * TextImpact.LengthOf(code) / mean));
        }
    }

    /// <summary>Of the list encoded last.</summary>
    public ReadOnlySpan<byte> Table => table;

    /// <summary>Encodes a list.</summary>
    /// <param name="numbers">Its documents, ascending.</param>
    /// <param name="frequencies">Of each.</param>
    /// <param name="lengths">As for the constructor.</param>
    /// <param name="codes"><see cref="TextRanges.CodeBytes"/> bytes; overwritten.</param>
    public void Encode(ReadOnlySpan<int> numbers, ReadOnlySpan<int> frequencies, ReadOnlySpan<uint> lengths, Span<byte> codes)
    {
        var (least, most) = ReadImpacts(numbers, frequencies, lengths);
        Span<long> counts = stackalloc long[Steps];
        int ranges = (documents - 1 >> TextRanges.Shift) + 1;
        FillSteps(numbers, ranges, least, (Steps - 1) / Math.Max(most - least, 1e-6f));
        foreach (byte step in steps.AsSpan(0, ranges))
        {
            if (step > 0)
            {
                counts[step - 1]++;
            }
        }

        Span<byte> codeOf = stackalloc byte[Steps];
        Divide(counts, codeOf);
        Array.Fill(table, TextRanges.None);
        for (int i = 0; i < numbers.Length; i++)
        {
            int code = codeOf[steps[numbers[i] >> TextRanges.Shift] - 1];
            ref byte shortest = ref table[code * TextRanges.CodeCount + (impacts[i] >> 8)];
            shortest = Math.Min(shortest, Math.Min((byte)impacts[i], TextRanges.LongestCode));
        }

        codes.Clear();
        for (int range = 0; range < ranges; range++)
        {
            int code = steps[range] == 0 ? 0 : codeOf[steps[range] - 1];
            codes[TextRanges.Place(range)] |= (byte)(code << TextRanges.Half(range));
        }
    }

    private (float Least, float Most) ReadImpacts(ReadOnlySpan<int> numbers, ReadOnlySpan<int> frequencies, ReadOnlySpan<uint> lengths)
    {
        Grow(ref impacts, numbers.Length);
        float least = 1;
        float most = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            impacts[i] = TextImpact.Encode(frequencies[i], (int)lengths[numbers[i]] - 1);
            least = Math.Min(least, usual[impacts[i]]);
            most = Math.Max(most, usual[impacts[i]]);
        }

        return (least, most);
    }

    /// <summary>Of each range 1 more than the highest step of its postings, 0 when it has none.</summary>
    private void FillSteps(ReadOnlySpan<int> numbers, int ranges, float least, float scale)
    {
        Grow(ref steps, ranges);
        steps.AsSpan(0, ranges).Clear();
        for (int i = 0; i < numbers.Length; i++)
        {
            int step = 1 + (int)((usual[impacts[i]] - least) * scale);
            ref byte highest = ref steps[numbers[i] >> TextRanges.Shift];
            highest = (byte)Math.Max(highest, Math.Min(step, Steps));
        }
    }

    /// <summary>
    /// Divides the steps among the codes from 1 on, such that the sum over all ranges of what a code's highest step is above the range's own one is smallest.
    /// </summary>
    private static void Divide(ReadOnlySpan<long> counts, Span<byte> codeOf)
    {
        const int Codes = TextRanges.CodeCount - 1;
        Span<long> below = stackalloc long[Steps + 1];
        Span<long> weighted = stackalloc long[Steps + 1];
        for (int i = 0; i < Steps; i++)
        {
            below[i + 1] = below[i] + counts[i];
            weighted[i + 1] = weighted[i] + counts[i] * i;
        }

        // The cost of the first steps with a number of codes, and where the last code then begins.
        Span<long> costs = stackalloc long[(Codes + 1) * (Steps + 1)];
        Span<byte> begins = stackalloc byte[(Codes + 1) * (Steps + 1)];
        costs.Fill(long.MaxValue / 4);
        costs[0] = 0;
        for (int code = 1; code <= Codes; code++)
        {
            for (int end = 1; end <= Steps; end++)
            {
                for (int begin = 0; begin < end; begin++)
                {
                    long cost = costs[(code - 1) * (Steps + 1) + begin] + (end - 1) * (below[end] - below[begin]) - (weighted[end] - weighted[begin]);
                    if (cost < costs[code * (Steps + 1) + end])
                    {
                        costs[code * (Steps + 1) + end] = cost;
                        begins[code * (Steps + 1) + end] = (byte)begin;
                    }
                }
            }
        }

        for (int code = Codes, end = Steps; code > 0; code--)
        {
            int begin = begins[code * (Steps + 1) + end];
            codeOf[begin..end].Fill((byte)code);
            end = begin;
        }
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[Math.Max(length, array.Length * 2)];
        }
    }
}
