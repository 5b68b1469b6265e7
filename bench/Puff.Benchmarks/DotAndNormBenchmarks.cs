using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Goal: <c>DotAndNorm</c> is bound by memory, not by arithmetic. Method: the kernel on cached rows, beside its scalar twin.</summary>
public unsafe class DotAndNormBenchmarks : KernelBenchmarks
{
    [Benchmark(Baseline = true)]
    public (double Dot, double SquaredNorm) ScalarF32() => DotAndNorm.Scalar<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public (float Dot, float SquaredNorm) VectorF32() => DotAndNorm.Compute<F32Element>(F32, Query, Dimensions);

    [Benchmark]
    public (float Dot, float SquaredNorm) VectorF16() => DotAndNorm.Compute<F16Element>(F16, Query, Dimensions);

    [Benchmark]
    public (float Dot, float SquaredNorm) VectorI8() => DotAndNorm.Compute<I8Element>(I8, Query, Dimensions);
}
