using System.Diagnostics.Metrics;

namespace Puff.Engine.Diagnostics;

/// <summary>The instruments of a node's approximate searches. The second divided by the first is their recall, as far as it was checked.</summary>
internal sealed class SearchMetrics : IDisposable
{
    private readonly Meter meter = new("Puff.Engine.Search");
    private readonly Counter<long> checks;
    private readonly Counter<double> found;

    public SearchMetrics()
    {
        checks = meter.CreateCounter<long>("puff.search.checks", description: "Approximate searches that were checked in the background.");
        found = meter.CreateCounter<double>("puff.search.checks.recall", description: "Their recalls, added up.");
    }

    /// <param name="recall">Of one search, 0..1.</param>
    public void Checked(double recall)
    {
        checks.Add(1);
        found.Add(recall);
    }

    public void Dispose() => meter.Dispose();
}
