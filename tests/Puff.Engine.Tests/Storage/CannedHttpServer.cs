using System.Net;
using System.Net.Sockets;

namespace Puff.Engine.Tests.Storage;

/// <summary>A loopback HTTP server that gives one fixed answer to everything, hangs up without one, or never answers.</summary>
internal sealed class CannedHttpServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly byte[]? answer;
    private readonly Task serving;
    private int requests;

    /// <param name="answer">The whole response, head and body; empty to hang up, null to stay silent.</param>
    public CannedHttpServer(string? answer)
    {
        this.answer = answer is null ? null : System.Text.Encoding.UTF8.GetBytes(answer);
        listener.Start();
        serving = ServeAsync();
    }

    public string Endpoint => $"http://{listener.LocalEndpoint}";

    public int Requests => requests;

    public static string Error(int status, string code)
    {
        string body = $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>canned</Message></Error>";
        return $"HTTP/1.1 {status} Canned\r\nx-ms-error-code: {code}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await serving;
        listener.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await TryAnswerAsync(client.GetStream());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task TryAnswerAsync(NetworkStream stream)
    {
        try
        {
            await AnswerAsync(stream);
        }
        catch (IOException)
        {
            // The client gave up; the next connection is served.
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        // The requests of these tests fit one read but for their tail; a head without its end is waited for.
        byte[] buffer = new byte[64 * 1024];
        int filled = 0;
        int end;
        while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(filled));
            if (read == 0)
            {
                return;
            }

            filled += read;
        }

        Interlocked.Increment(ref requests);
        string head = System.Text.Encoding.ASCII.GetString(buffer, 0, end);
        if (head.Contains("100-continue", StringComparison.OrdinalIgnoreCase))
        {
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
        }

        await DrainBodyAsync(stream, head, filled - end - 4);
        if (answer is null)
        {
            // Until the client gives up and closes.
            await stream.ReadAtLeastAsync(buffer, 1, throwOnEndOfStream: false);
            return;
        }

        await stream.WriteAsync(answer);
    }

    /// <summary>Reads the body before answering: a close with unread bytes would reset the connection and swallow the answer.</summary>
    private static async Task DrainBodyAsync(NetworkStream stream, string head, int received)
    {
        string? length = head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        int remaining = (length is null ? 0 : int.Parse(length.AsSpan(15), System.Globalization.CultureInfo.InvariantCulture)) - received;
        byte[] sink = new byte[4096];
        while (remaining > 0 && await stream.ReadAsync(sink) is var read and > 0)
        {
            remaining -= read;
        }
    }
}
