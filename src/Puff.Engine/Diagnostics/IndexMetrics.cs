using System.Diagnostics.Metrics;

namespace Puff.Engine.Diagnostics;

/// <summary>The instruments of a node's indexing.</summary>
internal sealed class IndexMetrics : IDisposable
{
    private readonly Meter meter = new("Puff.Engine.Indexing");
    private readonly Counter<long> announced;
    private readonly Counter<long> done;
    private readonly Counter<long> lost;
    private readonly Counter<long> flushes;
    private readonly Counter<long> rebuilds;
    private long depth;
    private long oldestMs;

    /// <param name="publicationsLost">How many so far.</param>
    public IndexMetrics(Func<long> publicationsLost)
    {
        announced = meter.CreateCounter<long>("puff.index.jobs.announced", description: "Namespaces this node left for others to index.");
        done = meter.CreateCounter<long>("puff.index.jobs.done", description: "Jobs of the index queue this node has finished.");
        lost = meter.CreateCounter<long>("puff.index.leases.lost", description: "Jobs another node took over because this one had not renewed its lease.");
        flushes = meter.CreateCounter<long>("puff.index.flushes", description: "Log tails this node turned into segments.");
        rebuilds = meter.CreateCounter<long>(
            "puff.index.rebuilds", description: "Cluster trees this node trained anew because checked searches found too little in them.");
        meter.CreateObservableCounter(
            "puff.index.publications.lost", publicationsLost, description: "Finished work dropped, because another node published first.");
        meter.CreateObservableGauge("puff.index.queue.jobs", () => Volatile.Read(ref depth), description: "Namespaces in the index queue at the last look.");
        meter.CreateObservableGauge(
            "puff.index.queue.age.seconds", () => Volatile.Read(ref oldestMs) / 1_000.0, "s", "How long the oldest of them has waited, at the last look.");
    }

    public void Announced() => announced.Add(1);

    public void Done() => done.Add(1);

    public void Lost() => lost.Add(1);

    public void Flushed() => flushes.Add(1);

    public void Rebuilt() => rebuilds.Add(1);

    /// <param name="jobs">In the queue.</param>
    /// <param name="ageMs">Of the oldest.</param>
    public void Saw(int jobs, long ageMs)
    {
        Volatile.Write(ref depth, jobs);
        Volatile.Write(ref oldestMs, ageMs);
    }

    public void Dispose() => meter.Dispose();
}
