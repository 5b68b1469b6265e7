using System.Diagnostics;

namespace Puff.Benchmarks;

/// <summary>Times of one call. The best of several rounds, because on a shared machine noise only ever adds.</summary>
internal static class Measure
{
    /// <returns>Seconds for one call of <paramref name="action"/>.</returns>
    public static double Seconds(Action action, int rounds = 7)
    {
        action();
        double best = double.MaxValue;
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
