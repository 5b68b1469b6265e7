namespace Puff.Engine.Numerics;

/// <summary>
/// Documents that may belong into the result, with approximate scores: at least all whose exact score is among the <paramref name="wanted"/> largest of those
/// added, and not many more. Sums in single precision cannot order neighbours, so whoever is within the error of the last place stays.
/// </summary>
/// <param name="wanted">Results wanted, at least 1.</param>
/// <param name="error">What an approximate score may be off by.</param>
internal sealed class ScorePool(int wanted, double error)
{
    /// <summary>The best scores are kept in order up to so many; more are selected now and then.</summary>
    private const int MostOrdered = 128;

    private readonly float[] best = wanted <= MostOrdered ? new float[wanted] : [];
    private int bestCount;
    private int[] documents = new int[256];
    private float[] scores = new float[256];
    private float[] selecting = [];
    private int limit;

    /// <summary>In the order they were added.</summary>
    public ReadOnlySpan<int> Documents => documents.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>A number that the exact score of the last result is not below; negative infinity until that is known.</summary>
    public double Threshold { get; private set; } = double.NegativeInfinity;

    public void Add(int document, float score)
    {
        if (Count == documents.Length)
        {
            Array.Resize(ref documents, Count * 2);
            Array.Resize(ref scores, Count * 2);
        }

        documents[Count] = document;
        scores[Count++] = score;
        if (wanted <= MostOrdered)
        {
            Order(score);
        }
    }

    /// <summary>To be called after every window: raises the threshold when that is worth the work.</summary>
    public void Settle()
    {
        if (Count >= limit && Count >= wanted)
        {
            Compact();
            limit = Math.Max(wanted + wanted / 2 + 32, 2 * Count);
        }
    }

    /// <summary>Drops what cannot be among the results any more.</summary>
    public void Compact()
    {
        if (Count < wanted)
        {
            return;
        }

        if (wanted <= MostOrdered)
        {
            Drop(Threshold - error);
            return;
        }

        if (selecting.Length < Count)
        {
            selecting = new float[documents.Length];
        }

        scores.AsSpan(0, Count).CopyTo(selecting);
        double worst = KthLargest(selecting.AsSpan(0, Count), wanted) - error;

        // A document with score 0 is no result: only scores that are clear of 0 say that there are enough.
        if (worst > Math.Max(Threshold, 0))
        {
            Threshold = worst;
            Drop(worst - error);
        }
    }

    /// <summary>Puts a score among the best ones, which ascend; the first of them is the threshold as soon as there are enough.</summary>
    private void Order(float score)
    {
        // A document with score 0 is no result, as below.
        if (score <= 0 || (bestCount == wanted && score <= best[0]))
        {
            return;
        }

        int at = 0;
        if (bestCount < wanted)
        {
            best.AsSpan(0, bestCount).CopyTo(best.AsSpan(1));
            bestCount++;
        }

        for (; at + 1 < bestCount && best[at + 1] < score; at++)
        {
            best[at] = best[at + 1];
        }

        best[at] = score;
        if (bestCount == wanted && best[0] - error > Math.Max(Threshold, 0))
        {
            Threshold = best[0] - error;
        }
    }

    private void Drop(double least)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            documents[kept] = documents[i];
            scores[kept] = scores[i];
            kept += scores[i] >= least ? 1 : 0;
        }

        Count = kept;
    }

    /// <summary>Hoare's selection; changes the order of the values.</summary>
    private static float KthLargest(Span<float> values, int k)
    {
        while (true)
        {
            float pivot = values[values.Length / 2];
            int low = 0, high = values.Length - 1;
            while (low <= high)
            {
                while (values[low] > pivot)
                {
                    low++;
                }

                while (values[high] < pivot)
                {
                    high--;
                }

                if (low <= high)
                {
                    (values[low], values[high]) = (values[high], values[low]);
                    low++;
                    high--;
                }
            }

            if (k <= high + 1)
            {
                values = values[..(high + 1)];
            }
            else if (k > low)
            {
                values = values[low..];
                k -= low;
            }
            else
            {
                return pivot;
            }
        }
    }
}
