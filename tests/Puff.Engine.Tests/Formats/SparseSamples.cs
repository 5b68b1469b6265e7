using Puff.Engine.Schema;
using Puff.TestKit.Segments;

namespace Puff.Engine.Tests.Formats;

/// <summary>Sparse vectors from a seed: few dimensions that many documents have and many that few have, weights of either sign.</summary>
internal static class SparseSamples
{
    public static AttributeDefinition Attribute { get; } = new(7, "weights", new AttributeType(TypeKind.SparseF16)) { SparseKnn = true };

    /// <param name="count">Documents; every tenth has no value.</param>
    /// <param name="seed">The same seed, the same documents.</param>
    /// <param name="dimensions">Different keys at most.</param>
    /// <param name="entries">Of one document, at most.</param>
    public static Value[] Documents(int count, int seed, int dimensions = 200, int entries = 20)
    {
        var random = new Xorshift(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(10) == 0 ? Value.Null : Next(random, dimensions, entries, negative: true))];
    }

    public static Value Next(Xorshift random, int dimensions, int entries, bool negative)
    {
        var weights = new SortedDictionary<string, float>(StringComparer.Ordinal);
        for (int left = random.Next(entries + 1); left > 0; left--)
        {
            // The smaller of two draws twice over: dimension 0 is common, the last one rare.
            int dimension = Math.Min(Math.Min(random.Next(dimensions), random.Next(dimensions)), Math.Min(random.Next(dimensions), random.Next(dimensions)));
            float weight = (1 + random.Next(64)) / 16f;
            weights[dimension % 17 == 3 ? $"a longer key, number {dimension}" : $"{dimension}"] = negative && random.Next(5) == 0 ? -weight : weight;
        }

        return Value.Sparse(new SparseVector(
            [.. weights.Keys.Select(k => System.Text.Encoding.UTF8.GetBytes(k))], [.. weights.Values]));
    }
}
