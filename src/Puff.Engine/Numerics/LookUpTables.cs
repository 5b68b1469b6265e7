using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// The tables of <see cref="FastScan"/> for a query: entry b of table t is the sum of those of the query's elements 4t to 4t + 3 whose bits b has, less the
/// least such sum, in steps that make the largest entry of all tables 127.
/// </summary>
internal static unsafe class LookUpTables
{
    /// <summary>Largest number in a table: two of them fit into a byte.</summary>
    public const int MaxEntry = 127;

    /// <summary>The largest difference of two sums of one table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Range(float* query, int padded)
    {
        float range = 0;
        for (int i = 0; i < padded; i += 4)
        {
            var absolute = Vector128.Abs(Vector128.Load(query + i));
            range = Math.Max(range, (absolute[0] + absolute[1]) + (absolute[2] + absolute[3]));
        }

        return range;
    }

    /// <summary>Fills the tables.</summary>
    /// <param name="inverseStep">127 / <see cref="Range"/>, or 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(float* query, int padded, float inverseStep, byte* tables)
    {
        var factor = Vector128.Create(inverseStep);
        for (int i = 0; i < padded; i += 4)
        {
            float q0 = query[i], q1 = query[i + 1], q2 = query[i + 2], q3 = query[i + 3];
            float least = (Negative(q0) + Negative(q1)) + (Negative(q2) + Negative(q3));
            var low = Vector128.Create(0, q0, q1, q0 + q1);
            var minimum = Vector128.Create(least);
            var e0 = Entries(low, minimum, factor);
            var e1 = Entries(low + Vector128.Create(q2), minimum, factor);
            var e2 = Entries(low + Vector128.Create(q3), minimum, factor);
            var e3 = Entries(low + Vector128.Create(q2 + q3), minimum, factor);
            Vector128.Narrow(Vector128.Narrow(e0, e1), Vector128.Narrow(e2, e3)).AsByte().Store(tables + i * 4);
        }
    }

    /// <summary>The plain loop: what <see cref="Fill"/> is tested against, bit for bit.</summary>
    internal static void FillScalar(float* query, int padded, float inverseStep, byte* tables)
    {
        for (int i = 0; i < padded; i += 4)
        {
            float least = (Negative(query[i]) + Negative(query[i + 1])) + (Negative(query[i + 2]) + Negative(query[i + 3]));
            for (int b = 0; b < 16; b++)
            {
                float low = ((b & 1) != 0 ? query[i] : 0) + ((b & 2) != 0 ? query[i + 1] : 0);
                float high = ((b & 4) != 0 ? query[i + 2] : 0) + ((b & 8) != 0 ? query[i + 3] : 0);
                tables[i * 4 + b] = (byte)(int)((low + high - least) * inverseStep + 0.5f);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Negative(float value) => value < 0 ? value : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Entries(Vector128<float> sums, Vector128<float> least, Vector128<float> factor) =>
        Vector128.ConvertToInt32Native((sums - least) * factor + Vector128.Create(0.5f));
}
