using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Puff.Engine.Queries;

namespace Puff.Server.Telemetry;

/// <summary>What is measured about one request; travels with it as a feature.</summary>
internal sealed class RequestRecord
{
    private readonly long started = Stopwatch.GetTimestamp();

    /// <summary>Bytes of the body, unpacked.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes of the answer, before packing.</summary>
    public long BytesOut { get; set; }

    /// <summary>Of a query what it asked of the store.</summary>
    public QueryReads? Reads { get; set; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(started);

    public static RequestRecord Of(HttpContext context) =>
        context.Features.Get<RequestRecord>() ?? throw new InvalidOperationException("the request passed no ServerMetrics");
}
