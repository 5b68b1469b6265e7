using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Goal: a scan runs at the speed of memory. Method: 20,000 vectors of 768 dimensions, beside a plain sum over the same bytes.</summary>
public unsafe class ExactScorerBenchmarks
{
    private const int Count = 20_000;
    private readonly float[] distances = new float[Count];
    private NativeRows rows = null!;
    private ExactScorer scorer = null!;

    [Params("F32", "F16", "I8")]
    public string Type { get; set; } = "";

    [Params(false, true)]
    public bool Cosine { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var type = Enum.Parse<ElementType>(Type);
        rows = new NativeRows(type, 768, Count);
        scorer = ExactScorer.Create(type, rows.Dimensions, Cosine, rows.Query);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        scorer.Dispose();
        rows.Dispose();
    }

    [Benchmark(Baseline = true)]
    public ulong PlainRead() => rows.Sum();

    [Benchmark]
    public void Distances() => scorer.Distances(rows.Pointer, rows.RowBytes, Count, distances);
}
