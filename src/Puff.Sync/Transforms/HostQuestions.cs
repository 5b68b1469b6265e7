using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>What running user code asks the runner: embeddings, its cache, lookups.</summary>
internal static class HostQuestions
{
    /// <param name="send">Sends one message whose properties the action writes.</param>
    public static async Task AnswerAsync(
        string kind, ReadOnlyMemory<byte> message, ITransformServices services, Func<Action<Utf8JsonWriter>, CancellationToken, Task> send,
        CancellationToken cancellation)
    {
        using var document = JsonDocument.Parse(message);
        var question = document.RootElement;
        long number = question.GetProperty("q").GetInt64();
        string mapping = question.GetProperty("mapping").GetString() ?? "";
        Action<Utf8JsonWriter> answer;
        try
        {
            answer = kind switch
            {
                "embed" => await EmbedAsync(question, mapping, services, cancellation),
                "cache_get" => await ReadCacheAsync(question, mapping, services, cancellation),
                "cache_set" => await WriteCacheAsync(question, mapping, services, cancellation),
                _ => await LookUpAsync(question, mapping, services, cancellation),
            };
        }
        catch (Exception failed) when (!cancellation.IsCancellationRequested)
        {
            // Whatever went wrong is told to the code that asked: it decides, and a rejection it lets through fails its batch.
            bool isRetryable = failed is TransformException { IsRetryable: true };
            answer = json =>
            {
                json.WriteString("error"u8, failed.Message);
                json.WriteBoolean("retryable"u8, isRetryable);
            };
        }

        await send(
            json =>
            {
                json.WriteString("t"u8, "answer"u8);
                json.WriteNumber("q"u8, number);
                answer(json);
            },
            cancellation);
    }

    private static async Task<Action<Utf8JsonWriter>> EmbedAsync(
        JsonElement question, string mapping, ITransformServices services, CancellationToken cancellation)
    {
        string[] texts = [.. question.GetProperty("texts").EnumerateArray().Select(text => text.GetString() ?? throw new FormatException("a text is null"))];
        var vectors = await services.EmbedAsync(mapping, texts, ReadOptions(question.GetProperty("options")), cancellation);
        return json =>
        {
            json.WriteStartArray("vectors"u8);
            foreach (float[] vector in vectors)
            {
                json.WriteBase64StringValue(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(vector));
            }

            json.WriteEndArray();
        };
    }

    private static EmbedOptions ReadOptions(JsonElement options)
    {
        if (options.ValueKind != JsonValueKind.Object)
        {
            return new EmbedOptions();
        }

        return new EmbedOptions(
            options.TryGetProperty("model", out var model) ? model.GetString() : null,
            options.TryGetProperty("dimensions", out var dimensions) ? dimensions.GetInt32() : null,
            options.TryGetProperty("kind", out var kind) ? kind.GetString() ?? "document" : "document");
    }

    private static async Task<Action<Utf8JsonWriter>> ReadCacheAsync(
        JsonElement question, string mapping, ITransformServices services, CancellationToken cancellation)
    {
        byte[]? value = await services.ReadCacheAsync(mapping, question.GetProperty("key").GetString() ?? "", cancellation);
        return json =>
        {
            if (value is null)
            {
                json.WriteNull("value"u8);
            }
            else
            {
                json.WriteBase64String("value"u8, value);
            }
        };
    }

    private static async Task<Action<Utf8JsonWriter>> WriteCacheAsync(
        JsonElement question, string mapping, ITransformServices services, CancellationToken cancellation)
    {
        await services.WriteCacheAsync(
            mapping, question.GetProperty("key").GetString() ?? "", question.GetProperty("value").GetBytesFromBase64(), cancellation);
        return _ => { };
    }

    private static async Task<Action<Utf8JsonWriter>> LookUpAsync(
        JsonElement question, string mapping, ITransformServices services, CancellationToken cancellation)
    {
        var rows = await services.LookUpAsync(
            mapping, question.GetProperty("name").GetString() ?? "", question.GetProperty("keys"), cancellation);
        return json =>
        {
            json.WriteStartArray("rows"u8);
            foreach (var row in rows)
            {
                row.WriteTo(json);
            }

            json.WriteEndArray();
        };
    }
}
