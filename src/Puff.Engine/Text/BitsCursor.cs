using System.Numerics;
using Puff.Engine.Numerics;

namespace Puff.Engine.Text;

/// <summary>Documents that get the same in a search.</summary>
internal sealed unsafe class BitsCursor : ISearchList
{
    private readonly BitSet bits;
    private readonly float weight;
    private readonly float[] windowBounds;
    private int start;
    private int end;

    public BitsCursor(in SearchBits list, int windowShift)
    {
        bits = list.Documents;
        weight = (float)list.Weight;
        Largest = weight;
        windowBounds = new float[(bits.Count + (1 << windowShift) - 1) >> windowShift];
        int words = 1 << (windowShift - 6);
        for (int window = 0; window < windowBounds.Length; window++)
        {
            int documents = 0;
            foreach (ulong word in bits.Words[(window * words)..Math.Min((window + 1) * words, bits.Words.Length)])
            {
                documents += BitOperations.PopCount(word);
            }

            Documents += documents;
            windowBounds[window] = documents > 0 ? weight : 0;
        }
    }

    public TextField? Field => null;

    public int Documents { get; }

    public int BlockCount => 0;

    public int BlocksRead => 0;

    public double Largest { get; }

    public double Bound { get; private set; }

    public ReadOnlySpan<float> WindowBounds => windowBounds;

    public int Postings => end - start;

    public void Dispose()
    {
    }

    public int NextDocument(int from) => bits.NextSet(from) is >= 0 and var next ? next : int.MaxValue;

    public bool Enter(int window, int count)
    {
        Bound = 0;
        for (int i = window; i < Math.Min(window + count, windowBounds.Length); i++)
        {
            Bound = Math.Max(Bound, windowBounds[i]);
        }

        return Bound > 0;
    }

    public void Turn(int first, int limit)
    {
        start = first;
        end = limit;
    }

    public void AddAll(float* sums, double needed)
    {
        for (int i = start >> 6; i < end + 63 >> 6; i++)
        {
            for (ulong word = bits.Words[i]; word != 0; word &= word - 1)
            {
                sums[i * 64 + BitOperations.TrailingZeroCount(word) - start] += weight;
            }
        }
    }

    public void AddAll(float* sums, ulong* touched, double needed)
    {
        AddAll(sums, needed);
        for (int i = start >> 6; i < end + 63 >> 6; i++)
        {
            touched[i - (start >> 6)] |= bits.Words[i];
        }
    }

    public int Take(ReadOnlySpan<ulong> mask, int* candidates, float* sums, float least)
    {
        int found = 0;
        for (int i = start >> 6; weight >= least && i < end + 63 >> 6; i++)
        {
            for (ulong word = bits.Words[i] & (mask.IsEmpty ? ulong.MaxValue : mask[i - (start >> 6)]); word != 0; word &= word - 1)
            {
                sums[found] = weight;
                candidates[found++] = i * 64 + BitOperations.TrailingZeroCount(word);
            }
        }

        return found;
    }

    public void AddTo(TextCandidates all, int* lengths, double needed)
    {
        for (int i = 0; i < all.Count; i++)
        {
            all.Sums[i] += bits[all.Documents[i]] ? weight : 0;
        }
    }

    public void FillLengthBounds(Span<float> bounds, TextField? lengthsOf) => bounds.Fill(weight);
}
