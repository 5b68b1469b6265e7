namespace Puff.Workloads.Vectors;

/// <summary>The settings of one system as a trade of speed for recall.</summary>
internal sealed class RecallCurve
{
    private readonly RecallPoint[] points;

    /// <param name="measured">Settings in any order. One that another beats in both recall and speed is left out.</param>
    public RecallCurve(IEnumerable<RecallPoint> measured)
    {
        var best = new List<RecallPoint>();
        foreach (var point in measured.OrderByDescending(p => p.QueriesPerSecond).ThenByDescending(p => p.Recall))
        {
            if (best.Count == 0 || point.Recall > best[^1].Recall)
            {
                best.Add(point);
            }
        }

        points = [.. best];
    }

    /// <summary>
    /// The point at a recall: between the last setting below it and the first that reaches it, by straight lines in time a query; the first setting itself when
    /// even the fastest reaches the recall; null when none does.
    /// </summary>
    public RecallPoint? At(double recall)
    {
        int first = Array.FindIndex(points, p => p.Recall >= recall);
        if (first <= 0)
        {
            return first < 0 ? null : points[0];
        }

        var (below, above) = (points[first - 1], points[first]);
        double share = (recall - below.Recall) / (above.Recall - below.Recall);
        return above with
        {
            Recall = recall,
            QueriesPerSecond = 1 / Mix(1 / below.QueriesPerSecond, 1 / above.QueriesPerSecond, share),
            P50 = Mix(below.P50, above.P50, share),
            P99 = Mix(below.P99, above.P99, share),
            Scanned = below.Scanned is { } low && above.Scanned is { } high ? Mix(low, high, share) : above.Scanned,
        };
    }

    private static double Mix(double low, double high, double share) => low + (high - low) * share;
}
