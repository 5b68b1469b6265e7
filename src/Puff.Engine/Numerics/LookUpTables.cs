using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>
/// The tables of <see cref="FastScan"/> for a query: entry b of table t is the sum of those of the query's elements 4t to 4t + 3 whose bits b has, less the
/// least such sum, in steps that make the largest entry of all tables 127.
/// </summary>
internal static unsafe class LookUpTables
{
    /// <summary>Largest number in a table: two of them fit into a byte.</summary>
    public const int MaxEntry = 127;

    /// <summary>Fills the tables.</summary>
    /// <param name="inverseStep">127 / (the largest Σ|q| of four elements), or 0.</param>
    public static void Fill(float* query, int padded, float inverseStep, byte* tables)
    {
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
        {
            Fill512(query, padded, inverseStep, tables);
        }
        else
        {
            Fill128(query, padded, inverseStep, tables);
        }
    }

    /// <summary>One table in one register: an element is added where the number of the entry has its bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fill512(float* query, int padded, float inverseStep, byte* tables)
    {
        var factor = Vector512.Create(inverseStep);
        var rounding = Vector512.Create(0.5f);
        var mask0 = Vector512.Create(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1).AsSingle();
        var mask1 = Vector512.Create(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1).AsSingle();
        var mask2 = Vector512.Create(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1).AsSingle();
        var mask3 = Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1).AsSingle();
        for (int i = 0; i < padded; i += 4)
        {
            var low = (Vector512.Create(query[i]) & mask0) + (Vector512.Create(query[i + 1]) & mask1);
            var high = (Vector512.Create(query[i + 2]) & mask2) + (Vector512.Create(query[i + 3]) & mask3);
            var entries = (low + high - Vector512.Create(Least(Vector128.Load(query + i)).ToScalar())) * factor + rounding;
            Avx512F.ConvertToVector128Byte(Vector512.ConvertToInt32Native(entries)).Store(tables + i * 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fill128(float* query, int padded, float inverseStep, byte* tables)
    {
        var factor = Vector128.Create(inverseStep);
        for (int i = 0; i < padded; i += 4)
        {
            var elements = Vector128.Load(query + i);
            var least = Least(elements);
            var q2 = Vector128.Shuffle(elements, Vector128.Create(2, 2, 2, 2));
            var q3 = Vector128.Shuffle(elements, Vector128.Create(3, 3, 3, 3));
            var low = (Vector128.Shuffle(elements, Vector128.Create(0, 0, 0, 0)) & Vector128.Create(0, -1, 0, -1).AsSingle())
                + (Vector128.Shuffle(elements, Vector128.Create(1, 1, 1, 1)) & Vector128.Create(0, 0, -1, -1).AsSingle());
            var e0 = Entries(low, least, factor);
            var e1 = Entries(low + q2, least, factor);
            var e2 = Entries(low + q3, least, factor);
            var e3 = Entries(low + (q2 + q3), least, factor);
            Vector128.Narrow(Vector128.Narrow(e0, e1), Vector128.Narrow(e2, e3)).AsByte().Store(tables + i * 4);
        }
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
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

    /// <summary>The sum of the negative elements, in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Least(Vector128<float> elements)
    {
        var negative = Vector128.MinNative(elements, default);
        var pairs = negative + Vector128.Shuffle(negative, Vector128.Create(1, 0, 3, 2));
        return pairs + Vector128.Shuffle(pairs, Vector128.Create(2, 3, 0, 1));
    }

    private static float Negative(float value) => value < 0 ? value : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Entries(Vector128<float> sums, Vector128<float> least, Vector128<float> factor) =>
        Vector128.ConvertToInt32Native((sums - least) * factor + Vector128.Create(0.5f));
}
