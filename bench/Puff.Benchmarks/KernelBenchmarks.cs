using BenchmarkDotNet.Attributes;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>What the benchmarks of kernels share: one stored row and one query, both in the first-level cache, so that arithmetic alone is measured.</summary>
public abstract unsafe class KernelBenchmarks
{
    private NativeRows f32 = null!;
    private NativeRows f16 = null!;
    private NativeRows i8 = null!;
    private NativeRows query = null!;

    [Params(128, 768, 1_536)]
    public int Dimensions { get; set; }

    private protected byte* F32 => f32.Pointer;

    private protected byte* F16 => f16.Pointer;

    private protected byte* I8 => i8.Pointer;

    private protected float* Query => (float*)query.Pointer;

    [GlobalSetup]
    public void Setup()
    {
        f32 = new NativeRows(ElementType.F32, Dimensions, 1);
        f16 = new NativeRows(ElementType.F16, Dimensions, 1);
        i8 = new NativeRows(ElementType.I8, Dimensions, 1);
        query = new NativeRows(ElementType.F32, Dimensions, 1);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        f32.Dispose();
        f16.Dispose();
        i8.Dispose();
        query.Dispose();
    }
}
