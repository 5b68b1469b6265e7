using System.Diagnostics;

namespace Puff.Benchmarks;

/// <summary>Times of one call. The best of several rounds, because on a shared machine noise only ever adds.</summary>
internal static class Measure
{
    /// <summary>Repeats an action for long enough that the run-time compiler has given it its final form.</summary>
    public static void WarmUp(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(0.4))
        {
            action();
        }
    }

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
