using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Goal: <c>SquaredEuclidean</c> is bound by memory, not by arithmetic. Method: the kernel on cached rows, beside its scalar twin.</summary>
public unsafe class SquaredEuclideanBenchmarks : KernelBenchmarks
{
    [Benchmark(Baseline = true)]
    public double ScalarF32() => SquaredEuclidean.Scalar<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public float VectorF32() => SquaredEuclidean.Compute<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public float VectorF16() => SquaredEuclidean.Compute<F16Element>(F16, Query, Dimensions);

    [Benchmark]
    public float VectorI8() => SquaredEuclidean.Compute<I8Element>(I8, Query, Dimensions);
}
