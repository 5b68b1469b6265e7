using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Puff.Sync.Tests.Transforms;

/// <summary>Endpoints of the shape of OpenAI's embeddings and of Ollama's on loopback: a text's vector begins with its length.</summary>
internal sealed class EmbeddingStub : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly Task serving;

    public EmbeddingStub()
    {
        // A port is free until somebody else takes it between the two calls; then another one is tried.
        for (int attempt = 0; ; attempt++)
        {
            using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/v1";
            probe.Stop();
            listener.Prefixes.Clear();
            listener.Prefixes.Add(Url[..^"v1".Length]);
            try
            {
                listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 5)
            {
                continue;
            }
        }

        serving = ServeAsync();
    }

    public string Url { get; }

    public int Dimensions { get; init; } = 3;

    /// <summary>Texts of each request.</summary>
    public ConcurrentQueue<string[]> Requests { get; } = new();

    public string? Authorization { get; private set; }

    /// <summary>An answer in place of vectors: status and Retry-After in seconds; null for none.</summary>
    public Func<string[], (int Status, string? RetryAfter)?> Refuse { get; set; } = _ => null;

    public bool InBase64 { get; set; }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                await AnswerAsync(await listener.GetContextAsync());
            }
        }
        catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var body = await JsonNode.ParseAsync(context.Request.InputStream);
        string[] texts = [.. body!["input"]!.AsArray().Select(text => (string)text!)];
        Requests.Enqueue(texts);
        Authorization = context.Request.Headers["Authorization"];
        if (Refuse(texts) is { } refusal)
        {
            context.Response.StatusCode = refusal.Status;
            if (refusal.RetryAfter is { } seconds)
            {
                context.Response.Headers["Retry-After"] = seconds;
            }
        }
        else if (context.Request.Url!.AbsolutePath == "/api/embed")
        {
            await context.Response.OutputStream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { embeddings = texts.Select(Vector) }));
        }
        else
        {
            byte[] answer = JsonSerializer.SerializeToUtf8Bytes(new
            {
                model = (string)body["model"]!, usage = new { total_tokens = texts.Sum(text => text.Length) },
                data = texts.Select((text, index) => new { index, embedding = Vector(text) }).Reverse(),
            });
            await context.Response.OutputStream.WriteAsync(answer);
        }

        context.Response.Close();
    }

    private object Vector(string text)
    {
        float[] vector = [text.Length, .. Enumerable.Repeat(1f, Dimensions - 1)];
        return InBase64 ? Convert.ToBase64String(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(vector)) : vector;
    }
}
