using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>A refused or failed request for embeddings.</summary>
/// <param name="isTemporary">The same request may succeed later.</param>
/// <param name="isOfMapping">No request of this mapping can succeed: credentials, or a model that does not exist.</param>
internal sealed class EmbeddingException(string message, bool isTemporary, bool isOfMapping, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(message, inner)
{
    public bool IsTemporary { get; } = isTemporary;

    public bool IsOfMapping { get; } = isOfMapping;

    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <param name="Vectors">One for each text, in order.</param>
/// <param name="Tokens">What the provider counted; null when it does not say.</param>
internal sealed record EmbeddingAnswer(IReadOnlyList<float[]> Vectors, long? Tokens);

/// <summary>An endpoint of the shape of OpenAI's: POST {base}/embeddings.</summary>
/// <param name="baseUrl">With its version: https://api.openai.com/v1.</param>
/// <param name="apiKey">Sent as bearer token; null for servers that need none.</param>
internal sealed class EmbeddingEndpoint(HttpClient http, string baseUrl, string? apiKey)
{
    private const int ShownCharacters = 300;

    /// <summary>Where a provider answers when `base_url` is not given; null for one that is not known.</summary>
    public static string? DefaultUrl(string provider) => provider switch
    {
        "openai" => "https://api.openai.com/v1",
        "ollama" => "http://127.0.0.1:11434/v1",
        _ => null,
    };

    /// <summary>Throws <see cref="EmbeddingException"/> and nothing else but cancellation.</summary>
    public async Task<EmbeddingAnswer> EmbedAsync(string model, int? dimensions, IReadOnlyList<string> texts, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{baseUrl.TrimEnd('/')}/embeddings") { Content = Body(model, dimensions, texts) };
            request.Headers.Authorization = apiKey is null ? null : new AuthenticationHeaderValue("Bearer", apiKey);
            using var response = await http.SendAsync(request, cancellation);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
            return response.IsSuccessStatusCode ? Read(body, texts.Count) : throw Refused(response, body);
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new EmbeddingException($"{baseUrl} does not answer: {failed.Message}", isTemporary: true, isOfMapping: false, inner: failed);
        }
    }

    private static ByteArrayContent Body(string model, int? dimensions, IReadOnlyList<string> texts)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            json.WriteStartArray("input"u8);
            foreach (string text in texts)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
            if (dimensions is { } wanted)
            {
                json.WriteNumber("dimensions"u8, wanted);
            }

            json.WriteString("encoding_format"u8, "float"u8);
            json.WriteEndObject();
        }

        var content = new ByteArrayContent(buffer.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private EmbeddingException Refused(HttpResponseMessage response, byte[] body)
    {
        string text = System.Text.Encoding.UTF8.GetString(body);
        int status = (int)response.StatusCode;
        bool isTemporary = status is 408 or 409 or 425 or 429 || status >= 500;
        bool isOfMapping = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound;
        return new EmbeddingException(
            $"{status} from {baseUrl}: {(text.Length <= ShownCharacters ? text : text[..ShownCharacters])}", isTemporary, isOfMapping,
            response.Headers.RetryAfter?.Delta);
    }

    private EmbeddingAnswer Read(byte[] body, int count)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var vectors = new float[]?[count];
            foreach (var item in document.RootElement.GetProperty("data").EnumerateArray())
            {
                vectors[item.GetProperty("index").GetInt32()] = Vector(item.GetProperty("embedding"));
            }

            long? tokens = document.RootElement.TryGetProperty("usage", out var usage) && usage.TryGetProperty("total_tokens", out var total)
                ? total.GetInt64()
                : null;
            return Array.TrueForAll(vectors, vector => vector is not null)
                ? new EmbeddingAnswer(vectors!, tokens)
                : throw new FormatException(
                    string.Create(CultureInfo.InvariantCulture, $"{vectors.Count(vector => vector is null)} of {count} vectors are missing"));
        }
        catch (Exception wrong) when (
            wrong is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new EmbeddingException(
                $"the answer of {baseUrl} is not of the shape of OpenAI's embeddings: {wrong.Message}", isTemporary: false, isOfMapping: true, inner: wrong);
        }
    }

    /// <summary>Some servers answer in base64 whatever was asked for.</summary>
    private static float[] Vector(JsonElement embedding) => embedding.ValueKind == JsonValueKind.String
        ? MemoryMarshal.Cast<byte, float>(embedding.GetBytesFromBase64()).ToArray()
        : [.. embedding.EnumerateArray().Select(number => number.GetSingle())];
}
