namespace Puff.Engine.Storage;

/// <summary>A distribution as points (quantile 0..1, milliseconds) with straight lines between them, first point at 0, last at 1.</summary>
public sealed class QuantileCurve
{
    private readonly (double Quantile, double Milliseconds)[] points;

    public QuantileCurve(params (double Quantile, double Milliseconds)[] points)
    {
        if (points.Length < 2 || points[0].Quantile != 0 || points[^1].Quantile != 1 || !points.SequenceEqual(points.OrderBy(point => point.Quantile)))
        {
            throw new ArgumentException("a quantile curve needs points in rising order from quantile 0 to quantile 1", nameof(points));
        }

        this.points = points;
    }

    /// <param name="quantile">0..1; a uniform random number draws from the distribution.</param>
    public TimeSpan At(double quantile)
    {
        int upper = Math.Max(1, Array.FindIndex(points, point => point.Quantile >= quantile));
        var (low, high) = (points[upper - 1], points[upper]);
        double share = high.Quantile == low.Quantile ? 0 : (quantile - low.Quantile) / (high.Quantile - low.Quantile);
        return TimeSpan.FromMilliseconds(low.Milliseconds + (share * (high.Milliseconds - low.Milliseconds)));
    }
}

/// <summary>How slow a cloud store is: time to the first byte per kind of request, and bytes per second of one stream.</summary>
public sealed record LatencyModel
{
    /// <summary>Published percentiles of a large provider: GET 63 / 78 / 118 ms and PUT 100 / 195 / 274 ms at p50 / p99 / p999.</summary>
    public static LatencyModel Typical { get; } = new()
    {
        Get = new((0, 45), (0.5, 63), (0.9, 70), (0.99, 78), (0.999, 118), (0.9999, 200), (1, 400)),
        Put = new((0, 60), (0.5, 100), (0.9, 150), (0.99, 195), (0.999, 274), (1, 600)),
    };

    /// <summary>A faster median with a heavier tail.</summary>
    public static LatencyModel HeavyTail { get; } = Typical with
    {
        Get = new((0, 20), (0.5, 30), (0.9, 55), (0.99, 120), (0.999, 300), (0.9999, 800), (1, 2000)),
    };

    public required QuantileCurve Get { get; init; }

    /// <summary>Also for deletes and copies.</summary>
    public required QuantileCurve Put { get; init; }

    /// <summary>A listing takes this many times a GET.</summary>
    public double ListFactor { get; init; } = 1.3;

    /// <summary>A request that returns no content (HEAD, absent, not modified) takes this many times a GET.</summary>
    public double EmptyFactor { get; init; } = 0.4;

    public double BytesPerSecond { get; init; } = 90e6;

    /// <summary>A map downloads in this many streams.</summary>
    public int MapStreams { get; init; } = 8;

    /// <summary>Share of requests, 0..1, that are turned away with a transient error (HTTP 503) without having happened.</summary>
    public double RejectRate { get; init; }
}
