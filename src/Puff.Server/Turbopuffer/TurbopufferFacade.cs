using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Http;
using Puff.Server.Telemetry;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// The handlers: read the body, parse it, call the engine's front door, write the answer. Errors are thrown; <see cref="ErrorDialect"/> answers them.
/// `prefer: respond-async` is answered synchronously, and unknown query-string parameters are never looked at.
/// </summary>
internal sealed class TurbopufferFacade(PuffEngine engine, RequestBodyReader bodies)
{
    private const int DefaultPageSize = 100;
    private const int MaxPageSize = 1_000;

    /// <summary>Dependent steps to the store that a query took; absent when it took none.</summary>
    private const string StepsHeader = "X-Openpuffer-Storage-Roundtrips";

    public async Task WriteAsync(HttpContext context)
    {
        string name = NameOf(context);
        WriteRequest request;
        using (var body = await bodies.ReadAsync(context))
        {
            request = WriteParser.Parse(body.Written, engine.PeekSchema(name));
        }

        long started = Stopwatch.GetTimestamp();
        var result = await engine.WriteAsync(name, request, context.RequestAborted);
        await SendAsync(context, StatusCodes.Status200OK, (result, times: TimesOf(context, started)), static (output, state) =>
            WriteResultWriter.Write(output, state.result, state.times));
    }

    public async Task QueryAsync(HttpContext context)
    {
        string name = NameOf(context);
        var query = await ReadQueryAsync(context);
        long started = Stopwatch.GetTimestamp();
        await MinPosition.WaitAsync(context, engine, name);
        var result = await RunAsync(name, query, context.RequestAborted);
        RequestRecord.Of(context).Reads = result.Cost.Reads;
        if (result.Cost.Reads.Requests > 0)
        {
            context.Response.Headers[StepsHeader] = result.Cost.Reads.Steps.ToString(CultureInfo.InvariantCulture);
        }

        await SendAsync(context, StatusCodes.Status200OK, (result, query, times: TimesOf(context, started)), static (output, state) =>
            QueryWriter.Write(output, state.result, state.query.IsMulti, state.query.Base64Vectors, state.times));
    }

    public async Task ExplainAsync(HttpContext context)
    {
        string name = NameOf(context);
        var query = await ReadQueryAsync(context);
        string plan = await engine.ExplainAsync(name, query.Request, query.Consistency, context.RequestAborted);
        await SendAsync(context, StatusCodes.Status200OK, plan, static (output, text) =>
        {
            output.BeginObject();
            output.Name("plan_text"u8);
            output.Text(text);
            output.EndObject();
        });
    }

    public async Task ListAsync(HttpContext context)
    {
        var query = context.Request.Query;
        string? cursor = query["cursor"];
        string? after = string.IsNullOrEmpty(cursor) ? null : ListCursor.Decode(cursor);
        var page = await engine.ListAsync(query["prefix"].ToString(), after, PageSize(query["page_size"]), context.RequestAborted);
        await SendAsync(context, StatusCodes.Status200OK, page, ListWriter.Write);
    }

    public async Task ReadMetadataAsync(HttpContext context, bool oldEncryption)
    {
        var info = await engine.GetInfoAsync(NameOf(context), context.RequestAborted);
        await SendMetadataAsync(context, info, oldEncryption);
    }

    public async Task PatchMetadataAsync(HttpContext context, bool oldEncryption)
    {
        string name = NameOf(context);
        MetadataPatch patch;
        using (var body = await bodies.ReadAsync(context))
        {
            patch = MetadataPatchParser.Parse(body.Written);
        }

        var info = await engine.PatchMetadataAsync(name, patch, context.RequestAborted);
        await SendMetadataAsync(context, info, oldEncryption);
    }

    public async Task ReadSchemaAsync(HttpContext context)
    {
        var info = await engine.GetInfoAsync(NameOf(context), context.RequestAborted);
        await SendSchemaAsync(context, info.Schema);
    }

    public async Task UpdateSchemaAsync(HttpContext context)
    {
        string name = NameOf(context);
        SchemaUpdate update;
        using (var body = await bodies.ReadAsync(context))
        {
            update = SchemaParser.Parse(body.Written);
        }

        var schema = await engine.UpdateSchemaAsync(name, update, context.RequestAborted);
        await SendSchemaAsync(context, schema);
    }

    public async Task DeleteAsync(HttpContext context)
    {
        await engine.DeleteAsync(NameOf(context), context.RequestAborted);
        await SendStatusAsync(context, StatusCodes.Status200OK, "OK", message: null);
    }

    public async Task HintWarmAsync(HttpContext context)
    {
        await engine.StartWarmingAsync(NameOf(context), context.RequestAborted);
        await SendStatusAsync(context, StatusCodes.Status202Accepted, "ACCEPTED", "cache warm hint accepted");
    }

    /// <summary>The older name: loads and then answers.</summary>
    public async Task WarmAsync(HttpContext context)
    {
        await engine.WarmAsync(NameOf(context), context.RequestAborted);
        await SendStatusAsync(context, StatusCodes.Status200OK, "OK", "cache is warm");
    }

    public async Task PurgeAsync(HttpContext context)
    {
        long bytes = await engine.PurgeCacheAsync(NameOf(context), context.RequestAborted);
        await SendStatusAsync(context, StatusCodes.Status200OK, "OK", $"{bytes} bytes given up");
    }

    public async Task RecallAsync(HttpContext context)
    {
        string name = NameOf(context);
        RecallRequest request;
        using (var body = await bodies.ReadAsync(context))
        {
            request = RecallParser.Parse(body.Written);
        }

        var result = await engine.MeasureRecallAsync(name, request, context.RequestAborted);
        await SendAsync(context, StatusCodes.Status200OK, result, RecallWriter.Write);
    }

    private async Task<MultiQueryResult> RunAsync(string name, ParsedQuery query, CancellationToken cancellation)
    {
        if (query.DisableCache)
        {
            return await engine.QueryPastCacheAsync(name, query.Request, cancellation);
        }

        if (query.IsMulti)
        {
            return await engine.QueryAsync(name, query.Request, query.Consistency, cancellation);
        }

        var result = await engine.QueryAsync(name, query.Request.Queries[0], query.Consistency, cancellation);
        return new MultiQueryResult([result], result.Cost);
    }

    private async Task<ParsedQuery> ReadQueryAsync(HttpContext context)
    {
        using var body = await bodies.ReadAsync(context);
        return QueryParser.Parse(body.Written);
    }

    private static Task SendMetadataAsync(HttpContext context, NamespaceInfo info, bool oldEncryption) =>
        SendAsync(context, StatusCodes.Status200OK, (info, oldEncryption), static (output, state) =>
            MetadataWriter.Write(output, state.info, state.oldEncryption));

    private static Task SendSchemaAsync(HttpContext context, NamespaceSchema schema) =>
        SendAsync(context, StatusCodes.Status200OK, schema, SchemaWriter.WriteReport);

    private static Task SendStatusAsync(HttpContext context, int code, string status, string? message) =>
        SendAsync(context, code, (status, message), static (output, state) =>
        {
            output.BeginObject();
            output.Name("status"u8);
            output.Text(state.status);
            if (state.message is not null)
            {
                output.Name("message"u8);
                output.Text(state.message);
            }

            output.EndObject();
        });

    private static async Task SendAsync<T>(HttpContext context, int status, T state, Action<JsonOutput, T> write)
    {
        using var output = new JsonOutput();
        write(output, state);
        await Responses.SendJsonAsync(context, output, status);
    }

    private static string NameOf(HttpContext context) => NamespaceName.Check((string)context.GetRouteValue("ns")!);

    private static int PageSize(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return DefaultPageSize;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= 1 and <= MaxPageSize
            ? size
            : throw PuffException.Invalid($"page_size must be a number between 1 and {MaxPageSize}");
    }

    private static RequestTimes TimesOf(HttpContext context, long executionStarted) => new(
        (long)RequestRecord.Of(context).Elapsed.TotalMilliseconds,
        (long)Stopwatch.GetElapsedTime(executionStarted).TotalMilliseconds);
}
