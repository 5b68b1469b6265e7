using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Goal: <c>DotProduct</c> is bound by memory, not by arithmetic. Method: the kernel on cached rows, beside its scalar twin.</summary>
public unsafe class DotProductBenchmarks : KernelBenchmarks
{
    [Benchmark(Baseline = true)]
    public double ScalarF32() => DotProduct.Scalar<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public float VectorF32() => DotProduct.Compute<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public float VectorF16() => DotProduct.Compute<F16Element>(F16, Query, Dimensions);

    [Benchmark]
    public float VectorI8() => DotProduct.Compute<I8Element>(I8, Query, Dimensions);
}
