using System.Buffers;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>An endpoint that speaks turbopuffer's API.</summary>
internal sealed record HttpDestinationOptions(Uri Url, string ApiKey)
{
    /// <summary>gzip for bodies above 1 KiB.</summary>
    public bool Compress { get; init; } = true;

    public bool DisableBackpressure { get; init; }

    /// <summary>For one request; what it did is then unknown.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For `Retry-After` with a date.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>Writes over HTTP. A write that failed halfway may be sent again: whole documents and patches come out the same.</summary>
internal sealed class HttpDestination : IDestination
{
    private const int CompressAbove = 1024;
    private const int MaxErrorText = 500;
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private readonly HttpDestinationOptions options;
    private readonly HttpClient client;

    /// <param name="handler">Null for one with a pool of connections of its own.</param>
    public HttpDestination(HttpDestinationOptions options, HttpMessageHandler? handler = null)
    {
        this.options = options;
        client = new HttpClient(handler ?? new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip })
        {
            BaseAddress = new Uri(options.Url.AbsoluteUri.TrimEnd('/') + "/"),
            Timeout = options.Timeout,
        };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
        client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public bool HasTokens => false;

    public async Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation)
    {
        using var answer = await SendAsync(HttpMethod.Get, $"v2/namespaces/{name}/metadata", null, cancellation);
        if (answer.Status == HttpStatusCode.NotFound)
        {
            return new NamespaceState(false, null, 0);
        }

        answer.Require();
        long documents = answer.Body.TryGetProperty("approx_row_count", out var count) && count.TryGetInt64(out long rows) ? rows : 0;
        return new NamespaceState(true, null, documents);
    }

    public async Task WriteAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        if (batch.DeleteByFilter is { } filter)
        {
            await ClearAsync(batch.Namespace, filter, cancellation);
        }

        if (BatchContent.IsEmpty(batch))
        {
            return;
        }

        bool isConditional = batch.UpsertCondition is not null || batch.PatchCondition is not null || batch.DeleteCondition is not null;
        bool disableBackpressure = options.DisableBackpressure && !isConditional && batch.Patches.Count == 0;
        using var answer = await WriteAsync(batch.Namespace, w => RequestJson.WriteBatch(w, batch, disableBackpressure), cancellation);
        if (answer.Status == HttpStatusCode.NotFound && batch.Upserts.Count == 0)
        {
            // What is to be deleted or patched is not there.
            return;
        }

        bool isRow = answer.Status is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity;
        if (isRow && await IsSchemaRefusedAsync(batch, cancellation))
        {
            throw new DestinationException(
                DestinationFailure.Mapping, "destination_conflict", $"{(int)answer.Status} from {options.Url}: {answer.Error}");
        }

        answer.Require();
    }

    public Task<IReadOnlyList<DocumentRow>> FetchAsync(
        string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation) => ids.Count == 0
            ? Task.FromResult<IReadOnlyList<DocumentRow>>([])
            : QueryAsync(name, ByIds.Filter(ids), ids.Count, attributes, cancellation);

    public Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation) =>
        QueryAsync(name, ByIds.After(after, filter), limit, attributes, cancellation);

    public async Task DropAsync(string name, CancellationToken cancellation)
    {
        using var answer = await SendAsync(HttpMethod.Delete, $"v2/namespaces/{name}", null, cancellation);
        if (answer.Status != HttpStatusCode.NotFound)
        {
            answer.Require();
        }
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ClearAsync(string name, Filter filter, CancellationToken cancellation)
    {
        bool remain = true;
        while (remain)
        {
            using var answer = await WriteAsync(name, w => RequestJson.WriteDeleteByFilter(w, filter), cancellation);
            if (answer.Status == HttpStatusCode.NotFound)
            {
                return;
            }

            answer.Require();
            remain = answer.Body.TryGetProperty("rows_remaining", out var more) && more.ValueKind == JsonValueKind.True;
        }
    }

    /// <summary>Whether the declarations alone are refused: then no row is to blame.</summary>
    private async Task<bool> IsSchemaRefusedAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        if (batch.Schema is null && batch.Metric is null)
        {
            return false;
        }

        var declarations = new DestinationBatch(batch.Namespace) { Schema = batch.Schema, Metric = batch.Metric };
        using var answer = await WriteAsync(batch.Namespace, w => RequestJson.WriteBatch(w, declarations, false), cancellation);
        return answer.Status is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity;
    }

    private async Task<IReadOnlyList<DocumentRow>> QueryAsync(
        string name, Filter? filter, int limit, IReadOnlyList<string>? attributes, CancellationToken cancellation)
    {
        if (attributes is { Count: > 0 })
        {
            // An attribute that no document has had yet is unknown, and asking for it an error.
            using var schema = await SendAsync(HttpMethod.Get, $"v1/namespaces/{name}/schema", null, cancellation);
            attributes = schema.Status == HttpStatusCode.OK ? [.. attributes.Where(a => schema.Body.TryGetProperty(a, out _))] : attributes;
        }

        byte[] body = Body(w => RequestJson.WriteQuery(w, filter, limit, attributes));
        using var answer = await SendAsync(HttpMethod.Post, $"v2/namespaces/{name}/query", body, cancellation);
        if (answer.Status == HttpStatusCode.NotFound)
        {
            return [];
        }

        answer.Require();
        return [.. answer.Body.GetProperty("rows").EnumerateArray().Select(ReadRow)];
    }

    private static DocumentRow ReadRow(JsonElement row) => new(
        ValueJson.ReadId(row.GetProperty("id")),
        [.. row.EnumerateObject().Where(p => p.Name is not ("id" or "$dist")).Select(p => KeyValuePair.Create(p.Name, ValueJson.Read(p.Value)))]);

    private Task<Answer> WriteAsync(string name, Action<Utf8JsonWriter> write, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, $"v2/namespaces/{name}", Body(write), cancellation);

    private static byte[] Body(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 16);
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private async Task<Answer> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path) { Content = ContentOf(body) };
        try
        {
            using var response = await client.SendAsync(request, cancellation);
            byte[] content = await response.Content.ReadAsByteArrayAsync(cancellation);
            return new Answer(response.StatusCode, Parse(content), RetryAfterOf(response), options.Url);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            string cause = failure is TaskCanceledException ? $"no answer within {options.Timeout.TotalSeconds:0.###} s" : failure.Message;
            throw new DestinationException(DestinationFailure.Temporary, "destination_down", $"{options.Url}: {cause}", null, failure);
        }
    }

    private ByteArrayContent? ContentOf(byte[]? body)
    {
        if (body is null)
        {
            return null;
        }

        bool isCompressed = options.Compress && body.Length > CompressAbove;
        var content = new ByteArrayContent(isCompressed ? Compressed(body) : body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (isCompressed)
        {
            content.Headers.ContentEncoding.Add("gzip");
        }

        return content;
    }

    private static byte[] Compressed(byte[] body)
    {
        using var compressed = new MemoryStream(body.Length / 4);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(body);
        }

        return compressed.ToArray();
    }

    /// <summary>Nothing for a body that is no JSON, as proxies send it.</summary>
    private static JsonDocument? Parse(byte[] content)
    {
        try
        {
            return content.Length == 0 ? null : JsonDocument.Parse(content);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response)
    {
        if (response.Headers.TryGetValues("retry-after-ms", out var values) && double.TryParse(
            values.First(), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out double milliseconds))
        {
            return TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, 3_600_000));
        }

        var given = response.Headers.RetryAfter;
        var wait = given?.Delta ?? (given?.Date is { } date ? date - options.Time.GetUtcNow() : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private sealed record Answer(HttpStatusCode Status, JsonDocument? Document, TimeSpan? RetryAfter, Uri Url) : IDisposable
    {
        private static readonly JsonElement Nothing = JsonDocument.Parse("{}").RootElement;

        public JsonElement Body => Document?.RootElement is { ValueKind: JsonValueKind.Object } root ? root : Nothing;

        public string Error
        {
            get
            {
                string text = Body.TryGetProperty("error", out var error) ? error.ToString() : Status.ToString();
                return text.Length <= MaxErrorText ? text : text[..MaxErrorText];
            }
        }

        /// <summary>Throws for everything but success, by what the status means for a batch.</summary>
        public void Require()
        {
            int status = (int)Status;
            if (status is >= 200 and < 300)
            {
                return;
            }

            string message = $"{status} from {Url}: {Error}";
            throw status switch
            {
                401 or 403 => new DestinationException(
                    DestinationFailure.Mapping, "destination_unauthorized", $"{message}. Check the API key (TURBOPUFFER_API_KEY)"),
                413 => new DestinationException(DestinationFailure.TooLarge, "destination_too_large", message),
                400 or 422 when Error.Contains("read-only", StringComparison.Ordinal) =>
                    new DestinationException(DestinationFailure.Mapping, "destination_conflict", message),
                400 or 422 => new DestinationException(DestinationFailure.Row, "destination_refused", message),
                408 or 409 or 425 or 429 or >= 500 => new DestinationException(DestinationFailure.Temporary, "destination_down", message, RetryAfter),
                _ => new DestinationException(DestinationFailure.Mapping, "destination_failed", message),
            };
        }

        public void Dispose() => Document?.Dispose();
    }
}
