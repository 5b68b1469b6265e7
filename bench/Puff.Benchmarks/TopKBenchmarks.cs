using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Goal: keeping the nearest costs a comparison per candidate. Method: 100,000 random distances into heaps of usual and of the largest size.</summary>
public class TopKBenchmarks
{
    private float[] distances = [];
    private TopK<Candidate> top = null!;

    [Params(10, 100, 10_000)]
    public int Capacity { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        distances = [.. Enumerable.Range(0, 100_000).Select(_ => random.NextSingle())];
        top = new TopK<Candidate>(Capacity, Comparer<Candidate>.Create((a, b) => a.Document.CompareTo(b.Document)));
    }

    [Benchmark(OperationsPerInvoke = 100_000)]
    public float Offer()
    {
        top.Clear();
        for (int i = 0; i < distances.Length; i++)
        {
            top.Offer(distances[i], new Candidate(0, i));
        }

        return top.Threshold;
    }
}
