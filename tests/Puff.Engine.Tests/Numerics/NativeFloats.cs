using System.Runtime.InteropServices;

namespace Puff.Engine.Tests.Numerics;

/// <summary>Singles in unmanaged memory of exactly their size.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    public NativeFloats(long count)
    {
        Count = count;
        Pointer = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(count, 1) * sizeof(float), 64);
        NativeMemory.Clear(Pointer, (nuint)count * sizeof(float));
    }

    public float* Pointer { get; }

    public long Count { get; }

    public Span<float> Span => new(Pointer, (int)Count);

    public static NativeFloats Gaussian(Random random, long count, double deviation = 1)
    {
        var floats = new NativeFloats(count);
        for (long i = 0; i < count; i++)
        {
            floats.Pointer[i] = (float)(Gaussian(random) * deviation);
        }

        return floats;
    }

    public static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
