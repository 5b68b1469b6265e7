using System.Runtime.Intrinsics;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>One attribute of a set under one query: how frequencies and lengths become scores, in single precision, and what impacts give at most.</summary>
internal sealed class TextField
{
    private static readonly float[] Lengths = [.. Enumerable.Range(0, 256).Select(c => (float)TextImpact.LengthOf(c))];

    private readonly float[] bounds = new float[TextImpact.Codes];

    public TextField(ITextIndex index, in Bm25 formula)
    {
        Index = index;
        Constant = (float)formula.Constant;
        Slope = (float)formula.Slope;
        for (int code = 0; code < bounds.Length; code += Lengths.Length)
        {
            Fill(bounds.AsSpan(code, Lengths.Length), TextImpact.FrequencyOf(code));
        }
    }

    public ITextIndex Index { get; }

    public float Constant { get; }

    public float Slope { get; }

    /// <summary>No posting with one of these impacts has a larger saturated frequency, but for the error of single precision.</summary>
    public float Bound(ulong impacts)
    {
        ref float first = ref bounds[0];
        float left = Math.Max(At(ref first, impacts), At(ref first, impacts >> 16));
        return Math.Max(left, Math.Max(At(ref first, impacts >> 32), At(ref first, impacts >> 48)));
    }

    /// <summary>What postings of documents of each length give at most, the last length standing for all longer ones too.</summary>
    /// <param name="impacts">No posting exceeds them.</param>
    /// <param name="bounds">Of lengths 0, 1, 2, …</param>
    public void FillLengthBounds(ulong impacts, Span<float> bounds)
    {
        bounds.Clear();
        for (int i = 0; i < TextImpact.PerWord; i++, impacts >>= 16)
        {
            int code = (int)(impacts & (TextImpact.Codes - 1));
            float frequency = TextImpact.FrequencyOf(code);
            int shortest = Math.Min(TextImpact.LengthOf(code), bounds.Length - 1);
            for (int length = shortest; length < bounds.Length; length++)
            {
                bounds[length] = Math.Max(bounds[length], frequency / (frequency + (Constant + Slope * length)));
            }
        }
    }

    /// <summary>What postings behind each code of a list's ranges give at most.</summary>
    /// <param name="ranges">Of the list.</param>
    /// <param name="codeBounds">Room for each code; that of 0 becomes 0.</param>
    public unsafe void FillCodeBounds(in TextRanges ranges, Span<float> codeBounds)
    {
        byte* shortest = (byte*)ranges.Table + TextRanges.CodeCount;
        codeBounds.Clear();
        for (int code = 1; code < TextRanges.CodeCount; code++, shortest += TextRanges.CodeCount)
        {
            for (int frequency = 0; frequency < TextRanges.CodeCount; frequency++)
            {
                if (shortest[frequency] != TextRanges.None)
                {
                    codeBounds[code] = Math.Max(codeBounds[code], bounds[frequency << 8 | shortest[frequency]]);
                }
            }
        }
    }

    private static float At(ref float first, ulong impact) =>
        System.Runtime.CompilerServices.Unsafe.Add(ref first, (int)(impact & (TextImpact.Codes - 1)));

    private void Fill(Span<float> row, int frequency)
    {
        if (frequency == int.MaxValue)
        {
            row.Fill(1);
            return;
        }

        var repeats = Vector256.Create((float)frequency);
        for (int i = 0; i < row.Length; i += Vector256<float>.Count)
        {
            var half = Vector256.Create(Constant) + Vector256.Create(Slope) * Vector256.Create(Lengths.AsSpan(i, Vector256<float>.Count));
            (repeats / (repeats + half)).CopyTo(row[i..]);
        }
    }
}
