using System.Globalization;
using System.Net.Http.Headers;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// Sends requests to one container, each exactly once: had a conditional put won and its reply been lost, a repetition would report it as lost.
/// Why not by the service's own SDK: docs/adr/0005-own-azure-blob-client.md.
/// </summary>
internal sealed class AzureClient : IDisposable
{
    /// <summary>The version of the service's protocol that is spoken.</summary>
    private const string Version = "2021-12-02";

    private const int LargeBodyBytes = 1 << 20;

    private readonly AzureStoreOptions options;
    private readonly AzureSignature? signature;
    private readonly string sharedAccess;
    private readonly HttpClient http;

    public AzureClient(AzureStoreOptions options, string description)
    {
        this.options = options;
        Description = description;
        ContainerAddress = $"{(options.Endpoint ?? $"https://{options.Account}.blob.core.windows.net").TrimEnd('/')}/{options.Container}";
        signature = options.Key is null ? null : new AzureSignature(options.Account, DecodeKey(options.Key));
        sharedAccess = options.Key is null ? (options.SharedAccessSignature ?? "").TrimStart('?') : "";
        var connections = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = 256,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            ConnectTimeout = TimeSpan.FromSeconds(5),
            AllowAutoRedirect = false,
        };
        http = new HttpClient(connections) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
    }

    public string Description { get; }

    private string ContainerAddress { get; }

    /// <summary>The address of a blob, as the source of a copy names it: with a shared access signature where that is how one signs in.</summary>
    public string Address(string? blob, IReadOnlyList<(string Name, string Value)>? query = null)
    {
        string path = blob is null ? "" : "/" + string.Join('/', blob.Split('/').Select(Uri.EscapeDataString));
        var parameters = (query ?? []).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value)}");
        string all = string.Join('&', sharedAccess.Length == 0 ? parameters : parameters.Append(sharedAccess));
        return ContainerAddress + path + (all.Length == 0 ? "" : "?" + all);
    }

    /// <summary>Answers of every status come back; only silence, and content that breaks off, throw <see cref="StoreException"/>.</summary>
    public async Task<AzureAnswer> SendAsync(AzureCall call, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var timeout = call.Body?.Length > LargeBodyBytes || options.Timeout < options.AnswerTimeout ? options.Timeout : options.AnswerTimeout;
        patience.CancelAfter(timeout);
        try
        {
            using var request = Request(call);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            bool hasContent = call.Method == HttpMethod.Get && response.IsSuccessStatusCode;
            return Answer(response, hasContent ? await ReadBodyAsync(response.Content, patience) : null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw AzureErrors.Silence(new TimeoutException("the store fell silent"), call, Description);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw AzureErrors.Silence(error, call, Description);
        }
    }

    /// <summary>As <see cref="SendAsync"/>, for calls where nothing but success is of use.</summary>
    public async Task<AzureAnswer> SendOrThrowAsync(AzureCall call, CancellationToken cancellation)
    {
        var answer = await SendAsync(call, cancellation);
        return answer.IsSuccess ? answer : throw AzureErrors.Answer(answer, call, Description);
    }

    public void Dispose() => http.Dispose();

    private static byte[] DecodeKey(string key)
    {
        try
        {
            return Convert.FromBase64String(key);
        }
        catch (FormatException)
        {
            throw Puff.Engine.PuffException.Invalid("the Azure account key is not base64: set AZURE_STORAGE_KEY to one of the account's access keys");
        }
    }

    private HttpRequestMessage Request(AzureCall call)
    {
        var request = new HttpRequestMessage(call.Method, Address(call.Blob, call.Query));
        request.Headers.TryAddWithoutValidation("x-ms-version", Version);
        request.Headers.TryAddWithoutValidation("x-ms-date", options.Time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));
        foreach (var (name, value) in call.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (call.Body is { } body)
        {
            // A body, even an empty one, also keeps the handler below from sending the request again over another connection.
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.ContentLength = body.Length;
        }

        signature?.Sign(request);
        return request;
    }

    private static AzureAnswer Answer(HttpResponseMessage response, NativeObjectMemory? content) => new(
        response.StatusCode,
        Header(response.Headers, "x-ms-error-code"),
        Header(response.Headers, "ETag"),
        TotalBytes(response.Content.Headers),
        response.Content.Headers.LastModified ?? DateTimeOffset.UnixEpoch,
        Header(response.Headers, "x-ms-copy-status"),
        content);

    /// <summary>By hand, because the emulator answers a range that begins at the end with "bytes 10-9/10", which is no range.</summary>
    private static long TotalBytes(HttpContentHeaders headers) =>
        Header(headers, "Content-Range") is { } range && long.TryParse(
            range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long total)
            ? total
            : headers.ContentLength ?? 0;

    private static string? Header(HttpHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.First() : null;

    /// <summary>Every piece that arrives renews the patience.</summary>
    private async Task<NativeObjectMemory> ReadBodyAsync(HttpContent body, CancellationTokenSource patience)
    {
        patience.CancelAfter(options.Timeout);
        await using var stream = await body.ReadAsStreamAsync(patience.Token);
        if (body.Headers.ContentLength is not { } length)
        {
            return await ReadChunksAsync(stream, patience.Token);
        }

        if (length > int.MaxValue)
        {
            throw new StoreException("an object is longer than 2 GiB: read it in ranges or map it", transient: false, outcomeUnknown: false);
        }

        var content = NativeObjectMemory.Allocate(length);
        try
        {
            for (int filled = 0; filled < length;)
            {
                int read = await stream.ReadAsync(content.Memory[filled..], patience.Token);
                filled += read > 0 ? read : throw new IOException($"the content broke off after {filled} of {length} bytes");
                patience.CancelAfter(options.Timeout);
            }

            return content;
        }
        catch
        {
            content.Release();
            throw;
        }
    }

    /// <summary>A listing, whose length nobody says beforehand.</summary>
    private static async Task<NativeObjectMemory> ReadChunksAsync(Stream stream, CancellationToken cancellation)
    {
        using var collected = new MemoryStream();
        await stream.CopyToAsync(collected, cancellation);
        return NativeObjectMemory.CopyOf(collected.GetBuffer().AsSpan(0, (int)collected.Length));
    }
}
