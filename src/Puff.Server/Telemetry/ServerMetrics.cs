using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Puff.Engine.Queries;
using Puff.Server.Limits;

namespace Puff.Server.Telemetry;

/// <summary>The instruments of one server.</summary>
internal sealed class ServerMetrics : IDisposable
{
    private readonly Counter<long> requests;
    private readonly Histogram<double> durations;
    private readonly Counter<long> bytesIn;
    private readonly Counter<long> bytesOut;
    private readonly UpDownCounter<long> inFlight;
    private readonly Counter<long> steps;
    private readonly Counter<long> storeRequests;
    private readonly Counter<long> storeBytes;
    private readonly Counter<long> blocks;

    public ServerMetrics(BodyBudget bodies)
    {
        Meter = new Meter("Puff.Server");
        requests = Meter.CreateCounter<long>("puff.http.requests", description: "Requests answered, by route and status.");
        durations = Meter.CreateHistogram<double>("puff.http.request.duration.seconds", "s", "Time from a request's head to the end of its answer, by route.");
        bytesIn = Meter.CreateCounter<long>("puff.http.request.bytes", "By", "Request bodies, unpacked.");
        bytesOut = Meter.CreateCounter<long>("puff.http.response.bytes", "By", "Answers, before packing.");
        inFlight = Meter.CreateUpDownCounter<long>("puff.http.requests.in.flight", description: "Requests being answered.");
        steps = Meter.CreateCounter<long>("puff.query.steps", description: "Dependent steps of queries: requests to the store, or batches of them.");
        storeRequests = Meter.CreateCounter<long>("puff.query.store.requests", description: "Requests to the store that queries made, by the kind of object.");
        storeBytes = Meter.CreateCounter<long>("puff.query.store.bytes", "By", "What queries fetched from the store, by the kind of object.");
        blocks = Meter.CreateCounter<long>("puff.query.blocks", description: "Blocks of objects that queries wanted, by whether they were at hand.");
        Meter.CreateObservableGauge("puff.http.request.buffer.bytes", () => bodies.UsedBytes, "By", "Memory held by request bodies.");
        Meter.CreateObservableGauge("puff.process.managed.heap.bytes", () => GC.GetTotalMemory(false), "By", "Managed heap, live and garbage.");
        Meter.CreateObservableGauge("puff.process.resident.bytes", () => Environment.WorkingSet, "By", "Memory of the process in RAM.");
        Meter.CreateObservableCounter("puff.gc.collections", CountCollections, description: "Garbage collections, by generation.");
        Meter.CreateObservableCounter("puff.gc.pause.seconds", () => GC.GetTotalPauseDuration().TotalSeconds, "s", "Pauses for garbage collection.");
    }

    public Meter Meter { get; }

    public void Dispose() => Meter.Dispose();

    /// <summary>Runs the rest of the pipeline and records what came of it.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var record = new RequestRecord();
        context.Features.Set(record);
        inFlight.Add(1);
        try
        {
            await next(context);
        }
        finally
        {
            inFlight.Add(-1);
            Record(context, record);
        }
    }

    private void Record(HttpContext context, RequestRecord record)
    {
        // Patterns, not paths: the number of time series stays small, and names of namespaces stay out of the metrics.
        var route = KeyValuePair.Create<string, object?>("route", (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "unknown");
        requests.Add(1, route, KeyValuePair.Create<string, object?>("status", context.Response.StatusCode.ToString(CultureInfo.InvariantCulture)));
        durations.Record(record.Elapsed.TotalSeconds, route);
        bytesIn.Add(record.BytesIn);
        bytesOut.Add(record.BytesOut);
        if (record.Reads is { } reads)
        {
            Record(reads);
        }
    }

    private void Record(QueryReads reads)
    {
        steps.Add(reads.Steps);
        foreach (var kind in reads.Kinds)
        {
            var tag = KeyValuePair.Create<string, object?>("kind", kind.Kind);
            storeRequests.Add(kind.Requests, tag);
            storeBytes.Add(kind.Bytes, tag);
        }

        blocks.Add(reads.BlocksFetched, KeyValuePair.Create<string, object?>("result", "miss"));
        blocks.Add(reads.BlocksWanted - reads.BlocksFetched, KeyValuePair.Create<string, object?>("result", "hit"));
    }

    private static IEnumerable<Measurement<long>> CountCollections()
    {
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            yield return new Measurement<long>(
                GC.CollectionCount(generation),
                new TagList { { "generation", generation.ToString(CultureInfo.InvariantCulture) } });
        }
    }
}
