using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Benchmarks;

/// <summary>Reads bytes as fast as it goes: what every kernel is measured against.</summary>
internal static unsafe class PlainRead
{
    /// <summary>Touches every byte once.</summary>
    /// <param name="bytes">The last few that do not fill 128 are left out.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Sum(byte* start, long bytes)
    {
        Vector256<ulong> a = default, b = default, c = default, d = default;
        byte* end = start + bytes / 128 * 128;
        for (byte* p = start; p < end; p += 128)
        {
            a += Vector256.Load((ulong*)p);
            b += Vector256.Load((ulong*)(p + 32));
            c += Vector256.Load((ulong*)(p + 64));
            d += Vector256.Load((ulong*)(p + 96));
        }

        return Vector256.Sum(a + b + c + d);
    }
}
