using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: an exhaustive scan runs at the speed of memory. Method: exact distances of 100,000 vectors of 768 dimensions (more than any cache holds), one
/// thread, best of several passes, beside a plain sum over the same bytes in the same process.
/// </summary>
internal static unsafe class ScanReport
{
    private const int Dimensions = 768;
    private const int Count = 100_000;

    public static void Run()
    {
        Console.WriteLine($"{"type",-6}{"metric",-12}{"ns/vector",10}{"GB/s",8}{"plain read GB/s",18}{"ratio",8}");
        foreach (var type in Enum.GetValues<ElementType>())
        {
            using var rows = new NativeRows(type, Dimensions, Count);
            var distances = new float[Count];
            foreach (bool cosine in new[] { false, true })
            {
                using var scorer = ExactScorer.Create(type, Dimensions, cosine, rows.Query);
                Report(type, cosine, rows, () => scorer.Distances(rows.Pointer, rows.RowBytes, Count, distances));
            }
        }
    }

    private static void Report(ElementType type, bool cosine, NativeRows rows, Action scan)
    {
        double plain = Measure.Seconds(() => GC.KeepAlive(rows.Sum()));
        double seconds = Measure.Seconds(scan);
        plain = Math.Min(plain, Measure.Seconds(() => GC.KeepAlive(rows.Sum())));
        double gigabytes = rows.Bytes / 1e9;
        string metric = cosine ? "cosine" : "euclidean";
        Console.WriteLine(
            $"{type,-6}{metric,-12}{seconds / Count * 1e9,10:F1}{gigabytes / seconds,8:F1}{gigabytes / plain,18:F1}{seconds / plain,8:F2}");
    }
}
