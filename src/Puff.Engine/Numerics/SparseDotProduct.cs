namespace Puff.Engine.Numerics;

/// <summary>
/// Sum over the keys that two sparse vectors share of the products of their weights. Keys are UTF-8 in strictly ascending bytewise order, with a weight each.
/// </summary>
internal static class SparseDotProduct
{
    // Beyond this ratio of lengths, looking up the few keys costs less than passing over the many.
    private const int SearchRatio = 16;

    /// <returns>The sum, taken in double precision and in key order; 0 when no key is shared.</returns>
    public static double Compute(
        ReadOnlySpan<byte[]> leftKeys, ReadOnlySpan<float> leftWeights, ReadOnlySpan<byte[]> rightKeys, ReadOnlySpan<float> rightWeights)
    {
        if (leftKeys.Length > rightKeys.Length)
        {
            return Compute(rightKeys, rightWeights, leftKeys, leftWeights);
        }

        return rightKeys.Length / SearchRatio > leftKeys.Length
            ? Search(leftKeys, leftWeights, rightKeys, rightWeights)
            : Merge(leftKeys, leftWeights, rightKeys, rightWeights);
    }

    private static double Merge(
        ReadOnlySpan<byte[]> leftKeys, ReadOnlySpan<float> leftWeights, ReadOnlySpan<byte[]> rightKeys, ReadOnlySpan<float> rightWeights)
    {
        double sum = 0;
        int left = 0;
        int right = 0;
        while (left < leftKeys.Length && right < rightKeys.Length)
        {
            int order = leftKeys[left].AsSpan().SequenceCompareTo(rightKeys[right]);
            if (order == 0)
            {
                sum += (double)leftWeights[left++] * rightWeights[right++];
            }
            else if (order < 0)
            {
                left++;
            }
            else
            {
                right++;
            }
        }

        return sum;
    }

    private static double Search(
        ReadOnlySpan<byte[]> fewKeys, ReadOnlySpan<float> fewWeights, ReadOnlySpan<byte[]> manyKeys, ReadOnlySpan<float> manyWeights)
    {
        double sum = 0;
        int from = 0;
        for (int i = 0; i < fewKeys.Length; i++)
        {
            int found = manyKeys[from..].BinarySearch(new BytewiseKey(fewKeys[i]));
            from += found < 0 ? ~found : found;
            if (found >= 0)
            {
                sum += (double)fewWeights[i] * manyWeights[from];
            }
        }

        return sum;
    }

    private readonly struct BytewiseKey(byte[] key) : IComparable<byte[]>
    {
        public int CompareTo(byte[]? other) => key.AsSpan().SequenceCompareTo(other);
    }
}
