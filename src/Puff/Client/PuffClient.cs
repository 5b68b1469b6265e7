using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Puff.Client;

/// <summary>
/// A small client of the turbopuffer API for the command line. Bodies are bytes and answers are JSON documents, so that 64-bit ids and f32 values pass
/// through untouched. Requests that may succeed later (429, 502, 503, 504, no connection) are repeated a few times: writes here are idempotent.
/// </summary>
internal sealed class PuffClient : IDisposable
{
    private const int Attempts = 5;
    private readonly HttpClient http;

    public PuffClient(string url, string? apiKey)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new CommandException(ExitCode.Usage, $"'{url}' is no http:// or https:// address (--url, PUFF_URL)");
        }

        Url = url.TrimEnd('/');
        http = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip, ConnectTimeout = TimeSpan.FromSeconds(10) })
        {
            Timeout = TimeSpan.FromMinutes(10),
        };
        // A server without a key takes any token, but official clients always send one, and so do we.
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey ?? "none");
    }

    public string Url { get; }

    public static string NamespacePath(int version, string name, string rest = "") => $"/v{version}/namespaces/{Uri.EscapeDataString(name)}{rest}";

    public Task<JsonDocument> GetAsync(string path, CancellationToken cancellation) => SendAsync(HttpMethod.Get, path, null, cancellation);

    public Task<JsonDocument> PostAsync(string path, ReadOnlyMemory<byte> body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, path, body, cancellation);

    public Task<JsonDocument> DeleteAsync(string path, CancellationToken cancellation) => SendAsync(HttpMethod.Delete, path, null, cancellation);

    public void Dispose() => http.Dispose();

    private async Task<JsonDocument> SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using HttpRequestMessage request = CreateRequest(method, path, body);
                using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
                if (response.IsSuccessStatusCode)
                {
                    await using Stream content = await response.Content.ReadAsStreamAsync(cancellation);
                    return await JsonDocument.ParseAsync(content, default, cancellation);
                }

                ExitCode code = ExitCodes.Of(response.StatusCode);
                if (code != ExitCode.Temporary || attempt == Attempts)
                {
                    throw new CommandException(code, await ReadErrorAsync(response, cancellation));
                }

                await Task.Delay(Wait(attempt, response), cancellation);
            }
            catch (HttpRequestException) when (attempt < Attempts)
            {
                await Task.Delay(Wait(attempt, null), cancellation);
            }
            catch (HttpRequestException error)
            {
                throw new CommandException(ExitCode.Temporary, $"no answer from {Url}: {error.Message} Is 'puff serve' running there? (--url, PUFF_URL)");
            }
            catch (JsonException)
            {
                throw new CommandException(ExitCode.Failed, $"{Url}{path} did not answer with JSON: is it a Puff server?");
            }
        }
    }

    private HttpRequestMessage CreateRequest(HttpMethod method, string path, ReadOnlyMemory<byte>? body)
    {
        var request = new HttpRequestMessage(method, Url + path);
        if (body is { } bytes)
        {
            request.Content = new ReadOnlyMemoryContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return request;
    }

    private static async Task<string> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string text = await response.Content.ReadAsStringAsync(cancellation);
        string status = $"HTTP {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)}";
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.String
                ? $"{error.GetString()} ({status})"
                : status;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return text.Length is > 0 and < 500 ? $"{text.Trim()} ({status})" : status;
        }
    }

    /// <summary>What the server asks for, else 0.25 s doubling, minus up to a quarter so that clients do not march in step.</summary>
    private static TimeSpan Wait(int attempt, HttpResponseMessage? response) =>
        response?.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(0.25 * Math.Pow(2, attempt - 1) * (0.75 + Random.Shared.NextDouble() / 4));
}
