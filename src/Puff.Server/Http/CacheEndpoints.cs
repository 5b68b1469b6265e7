using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Puff.Engine;
using Puff.Server.Security;
using Puff.Server.Turbopuffer;

namespace Puff.Server.Http;

/// <summary>Endpoints beyond the turbopuffer API that load the cache and tell what it does.</summary>
internal sealed class CacheEndpoints(PuffEngine engine, RequestBodyReader bodies)
{
    private long forgottenRequests;

    private long Requests => engine.CacheStatistics?.Requests ?? 0;

    /// <param name="routes">Where to.</param>
    /// <param name="withDebug">Also what is for tests and measurements only.</param>
    public void Map(IEndpointRouteBuilder routes, bool withDebug)
    {
        routes.Map("POST", "/v1/namespaces/{ns}/warm", EndpointAccess.Read, WarmAsync);
        if (withDebug)
        {
            routes.Map("GET", "/v1/debug/cache-stats", EndpointAccess.Read, context => SendRequestsAsync(context));
            routes.Map("POST", "/v1/debug/cache-stats/reset", EndpointAccess.Write, ResetAsync);
            routes.Map("POST", "/v1/debug/namespaces/{ns}/cold-plan", EndpointAccess.Read, PlanAsync);
        }
    }

    private async Task WarmAsync(HttpContext context)
    {
        string name = NamespaceName.Check((string)context.GetRouteValue("ns")!);
        long started = Stopwatch.GetTimestamp();
        var result = await engine.WarmAsync(name, context.RequestAborted);
        using var output = new JsonOutput();
        output.BeginObject();
        output.Name("status"u8);
        output.Text("ok");
        output.Name("namespace"u8);
        output.Text(name);
        Number(output, "duration_ms"u8, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        output.Name("pinned"u8);
        output.Bool(true);
        output.Name("meta_loaded"u8);
        output.Bool(true);
        Number(output, "fts_segments"u8, result.TextSegments);
        Number(output, "filter_segments"u8, result.FilterSegments);
        Number(output, "cluster_segments"u8, result.Clusters);
        Number(output, "wal_segments"u8, result.LogEntries);
        Number(output, "s3_get_count"u8, result.Requests);
        output.EndObject();
        await Responses.SendJsonAsync(context, output, StatusCodes.Status200OK);
    }

    /// <summary>What a query would ask of the store on a node that has nothing of the namespace.</summary>
    private async Task PlanAsync(HttpContext context)
    {
        string name = NamespaceName.Check((string)context.GetRouteValue("ns")!);
        ColdPlanRequest request;
        using (var body = await bodies.ReadAsync(context))
        {
            request = ColdPlanParser.Parse(body.Written);
        }

        var plan = await engine.PreviewColdAsync(name, request.Query, context.RequestAborted);
        using var output = new JsonOutput();
        ColdPlanWriter.Write(output, request, plan);
        await Responses.SendJsonAsync(context, output, StatusCodes.Status200OK);
    }

    private Task ResetAsync(HttpContext context)
    {
        Interlocked.Exchange(ref forgottenRequests, Requests);
        return SendRequestsAsync(context);
    }

    private async Task SendRequestsAsync(HttpContext context)
    {
        using var output = new JsonOutput();
        output.BeginObject();
        Number(output, "s3_get_count"u8, Requests - Interlocked.Read(ref forgottenRequests));
        output.EndObject();
        await Responses.SendJsonAsync(context, output, StatusCodes.Status200OK);
    }

    private static void Number(JsonOutput output, ReadOnlySpan<byte> name, long value)
    {
        output.Name(name);
        output.Number(value);
    }
}
