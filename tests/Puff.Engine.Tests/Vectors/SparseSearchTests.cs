using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Formats;
using Puff.Engine.Vectors;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>The search of an inverted index finds what a scan of all documents finds, with the same scores to the last bit, and reads much less.</summary>
public sealed class SparseSearchTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_search_equals_a_scan(int seed)
    {
        var random = new Xorshift(seed);
        var values = SparseSamples.Documents(1 + random.Next(14_000), seed, dimensions: 1 << (2 + random.Next(9)), entries: 1 + random.Next(40));
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        for (int i = 0; i < 25; i++)
        {
            var query = Query(random);
            var matches = Matches(random, values.Length);
            int wanted = random.Next(3) == 0 ? 1 + random.Next(10_000) : 1 + random.Next(30);
            Assert.Equal(Scan(values, query, matches, wanted), Search(encoded, query, matches, wanted, new SparseCounters()));
        }
    }

    [Theory]
    [InlineData(1e38f)]
    [InlineData(1e-42f)]
    [InlineData(float.Epsilon)]
    [InlineData(float.MaxValue)]
    public void Weights_of_any_size_are_ranked_exactly(float unit)
    {
        var random = new Xorshift(3);
        var values = SparseSamples.Documents(6_000, 8, dimensions: 40);
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        for (int i = 0; i < 10; i++)
        {
            var query = SparseSamples.Next(random, 40, 12, negative: true).AsSparse;
            float[] weights = Array.ConvertAll(query.Weights, w => Math.Clamp(random.Next(3) == 0 ? w : w * unit, float.MinValue, float.MaxValue));
            var scaled = new SparseVector(query.Keys, weights);
            var all = new BitSet(values.Length, true);
            Assert.Equal(Scan(values, scaled, all, 50), Search(encoded, scaled, all, 50, new SparseCounters()));
        }
    }

    [Fact]
    public void Equal_scores_are_all_offered()
    {
        var one = Value.Sparse(new SparseVector(["a"u8.ToArray(), "b"u8.ToArray()], [1, 2]));
        var values = Enumerable.Repeat(one, 9_000).ToArray();
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        var sink = new Sink(10, latestFirst: true);
        using (var scorer = new SparseScorer(encoded.Index, one.AsSparse, new SparseCounters()))
        {
            SparseSearch.Run(scorer, new BitSet(values.Length, true), 10, sink, Cancellation);
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => (8_999 - i, 5.0)), sink.Results);
    }

    [Fact]
    public void Documents_in_any_ascending_choice_are_scored_exactly()
    {
        var random = new Xorshift(11);
        var values = SparseSamples.Documents(30_000, 12, dimensions: 300);
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        for (int i = 0; i < 40; i++)
        {
            var query = Query(random);
            using var scorer = new SparseScorer(encoded.Index, query, new SparseCounters());
            for (int from = random.Next(1_000), round = 0; from < values.Length && round < 30; round++)
            {
                int step = 1 + random.Next(random.Next(4) == 0 ? 300 : 4);
                int[] documents = [.. Enumerable.Range(0, 256).Select(n => from + n * step).Where(d => d < values.Length)];
                double[] scores = new double[documents.Length];
                scorer.Score(documents, scores);
                Assert.Equal(documents.Select(d => Score(values[d], query)), scores);
                from = random.Next(5) == 0 ? random.Next(values.Length) : documents[^1] + 1;
            }
        }
    }

    /// <summary>
    /// Weights of a few important dimensions and many faint ones, as learned term weights are: most blocks need not be unpacked. Counted, not timed.
    /// </summary>
    [Fact]
    public void Most_blocks_are_left_alone()
    {
        var random = new Xorshift(21);
        var values = Enumerable.Range(0, 100_000).Select(_ => Learned(random, 24)).ToArray();
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        var counters = new SparseCounters();
        var all = new BitSet(values.Length, true);
        for (int i = 0; i < 20; i++)
        {
            var query = Learned(random, 12).AsSparse;
            Assert.Equal(Scan(values, query, all, 10), Search(encoded, query, all, 10, counters));
        }

        Assert.InRange(counters.BlocksRead, 1, counters.Blocks / 2);
        Assert.InRange(counters.Scored, 1, 20 * values.Length / 50);
    }

    [Fact]
    public void A_selective_filter_leaves_almost_all_blocks_alone()
    {
        var values = SparseSamples.Documents(60_000, 31, dimensions: 50, entries: 30);
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        var counters = new SparseCounters();
        var few = new BitSet(values.Length) { [5] = true, [4_095] = true, [4_096] = true, [59_999] = true };
        var query = SparseSamples.Next(new Xorshift(2), 50, 30, negative: false).AsSparse;
        Assert.Equal(Scan(values, query, few, 10), Search(encoded, query, few, 10, counters));
        Assert.InRange(counters.BlocksRead, 1, 2 * 4 * counters.Lists);
        Assert.True(counters.Blocks > 20 * counters.BlocksRead, $"{counters.BlocksRead} of {counters.Blocks}");
    }

    [Fact]
    public void A_cancelled_search_stops()
    {
        var values = SparseSamples.Documents(5_000, 2);
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        using var scorer = new SparseScorer(encoded.Index, Query(new Xorshift(1)), new SparseCounters());
        Assert.Throws<OperationCanceledException>(() =>
            SparseSearch.Run(scorer, new BitSet(values.Length, true), 10, new Sink(10), new CancellationToken(canceled: true)));
    }

    private static SparseVector Query(Xorshift random)
    {
        var query = SparseSamples.Next(random, 1 << (2 + random.Next(9)), 1 + random.Next(40), negative: random.Next(2) == 0).AsSparse;
        int unknown = random.Next(4);
        return unknown == 0 && query.Keys.Length > 0
            ? new SparseVector(query.Keys, [.. query.Weights.Select((w, i) => i == 0 ? 0 : w)])
            : query;
    }

    private static BitSet Matches(Xorshift random, int count)
    {
        var matches = new BitSet(count, value: true);
        int keep = random.Next(5);
        for (int i = 0; i < count && keep < 4; i++)
        {
            matches[i] = keep switch { 0 => random.Next(2) == 0, 1 => random.Next(50) == 0, 2 => random.Next(2_000) == 0, _ => i / 3_000 % 2 == 0 };
        }

        return matches;
    }

    /// <summary>Weights fall with the rank of a dimension within its vector, as models that learn them make them.</summary>
    private static Value Learned(Xorshift random, int entries)
    {
        var weights = new SortedDictionary<string, float>(StringComparer.Ordinal);
        for (int i = 0; i < entries; i++)
        {
            int dimension = i < 4 ? 100 + random.Next(5_000) : Math.Min(random.Next(100), random.Next(100));
            weights[$"{dimension}"] = i < 4 ? 1 + random.Next(100) / 50f : (1 + random.Next(20)) / 100f;
        }

        return Value.Sparse(new SparseVector(
            [.. weights.Keys.Select(k => System.Text.Encoding.UTF8.GetBytes(k))], [.. weights.Values.Select(w => (float)(Half)w)]));
    }

    private static double Score(Value value, SparseVector query) =>
        value.IsNull ? 0 : SparseDotProduct.Compute(query.Keys, query.Weights, value.AsSparse.Keys, value.AsSparse.Weights);

    private static (int Document, double Score)[] Scan(Value[] values, SparseVector query, BitSet matches, int wanted) =>
    [
        .. Enumerable.Range(0, values.Length).Where(d => matches[d]).Select(d => (Document: d, Score: Score(values[d], query)))
            .Where(s => s.Score != 0).OrderByDescending(s => s.Score).ThenBy(s => s.Document).Take(wanted),
    ];

    private static (int Document, double Score)[] Search(EncodedSparse encoded, SparseVector query, BitSet matches, int wanted, SparseCounters counters)
    {
        var sink = new Sink(wanted);
        using var scorer = new SparseScorer(encoded.Index, query, counters);
        SparseSearch.Run(scorer, matches, wanted, sink, Cancellation);
        return sink.Results;
    }

    /// <summary>Keeps the best, by score and then by document.</summary>
    private sealed class Sink(int wanted, bool latestFirst = false) : IScoreSink
    {
        private readonly SortedSet<(double Key, int Document)> best = [];

        public double Threshold => best.Count < wanted ? double.NegativeInfinity : -best.Max.Key;

        public (int Document, double Score)[] Results => [.. best.Select(b => (latestFirst ? -b.Document : b.Document, -b.Key))];

        public void Offer(int document, double score)
        {
            Assert.True(score >= Threshold);
            Assert.True(best.Add((-score, latestFirst ? -document : document)));
            if (best.Count > wanted)
            {
                best.Remove(best.Max);
            }
        }
    }
}
