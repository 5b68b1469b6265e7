namespace Puff.Sync.Pipelines;

/// <summary>Counts of observations below fixed bounds, as the metrics' text form wants them. Thread-safe.</summary>
internal sealed class Histogram(params double[] bounds)
{
    private readonly long[] counts = new long[bounds.Length + 1];
    private readonly Lock sync = new();

    public IReadOnlyList<double> Bounds => bounds;

    public double Sum { get; private set; }

    public static Histogram Seconds() => new(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600);

    public static Histogram Counts() => new(1, 10, 100, 256, 1_000, 4_000, 10_000);

    public void Observe(double value)
    {
        lock (sync)
        {
            int at = Array.FindIndex(bounds, b => value <= b);
            counts[at < 0 ? bounds.Length : at]++;
            Sum += value;
        }
    }

    /// <summary>How many were observed, cumulated per bound; the last is all of them.</summary>
    public IReadOnlyList<long> Cumulated()
    {
        lock (sync)
        {
            long total = 0;
            return [.. counts.Select(c => total += c)];
        }
    }
}
