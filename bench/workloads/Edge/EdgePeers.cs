using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Puff.Edge.Client;

namespace Puff.Workloads.Edge;

/// <summary>What else keeps pairs durably: started on a free port with a fresh folder, measured with the same pairs, stopped.</summary>
internal static class EdgePeers
{
    public static async Task MeasureRedisAsync(string folder, KeyValuePair<string, string>[] pairs)
    {
        int port = FreePort();
        using Process? server = Start(
            "redis-server", folder, "--port", $"{port}", "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save",
            "");
        if (server is null)
        {
            EdgeWorkload.Report("redis", "not installed (Debian: redis-server)");
            return;
        }

        using var client = new TcpClient { NoDelay = true };
        await ConnectAsync(client, port);
        await using NetworkStream stream = client.GetStream();
        List<byte[]> requests = Encode(pairs);
        for (int round = 1; round <= 2; round++)
        {
            TimeSpan time = await EdgeWorkload.TimeAsync(() => PipelineAsync(stream, requests, pairs.Length));
            EdgeWorkload.Report($"redis set, pipelined, round {round}", EdgeWorkload.Rate(pairs.Length, time));
        }

        server.Kill();
        await server.WaitForExitAsync();
    }

    public static async Task MeasureEtcdAsync(string folder, ReadOnlyMemory<KeyValuePair<string, string>> pairs)
    {
        int port = FreePort();
        string url = $"http://127.0.0.1:{port}", peerUrl = $"http://127.0.0.1:{FreePort()}";
        using Process? server = Start(
            "etcd", folder, "--data-dir", folder, "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peerUrl,
            "--initial-advertise-peer-urls", peerUrl, "--initial-cluster", $"default={peerUrl}", "--log-level", "error");
        if (server is null)
        {
            EdgeWorkload.Report("etcd", "not installed (Debian: etcd-server)");
            return;
        }

        using (var probe = new TcpClient())
        {
            await ConnectAsync(probe, port);
        }

        await Task.Delay(2_000);
        using var channel = new EdgeChannel(new Uri(url));
        TimeSpan time = await EdgeWorkload.TimeAsync(() => PutAllAsync(channel, pairs));
        EdgeWorkload.Report("etcd put, 64 calls at once", EdgeWorkload.Rate(pairs.Length, time));
        server.Kill();
        await server.WaitForExitAsync();
    }

    private static async Task PutAllAsync(EdgeChannel channel, ReadOnlyMemory<KeyValuePair<string, string>> pairs)
    {
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var index && index < pairs.Length)
            {
                // PutRequest: key is field 1, value field 2.
                var (key, value) = pairs.Span[index];
                byte[] message = [10, (byte)key.Length, .. Encoding.UTF8.GetBytes(key), 18, (byte)value.Length, .. Encoding.UTF8.GetBytes(value)];
                await using DuplexCall call = channel.Open("/etcdserverpb.KV/Put", null, CancellationToken.None);
                await call.WriteAsync(message);
                await call.CompleteAsync();
                while (await call.ReadAsync() is not null)
                {
                }
            }
        }));
    }

    private static async Task PipelineAsync(NetworkStream stream, List<byte[]> requests, int count)
    {
        Task reading = ReadAnswersAsync(stream, count);
        foreach (byte[] request in requests)
        {
            await stream.WriteAsync(request);
        }

        await reading;
    }

    /// <summary>The pairs as 256 commands a write, made before the clock runs.</summary>
    private static List<byte[]> Encode(KeyValuePair<string, string>[] pairs) =>
        [.. pairs.Chunk(256).Select(chunk => Encoding.ASCII.GetBytes(string.Concat(chunk.Select(pair => Command("SET", pair.Key, pair.Value)))))];

    private static string Command(params string[] words) =>
        $"*{words.Length}\r\n" + string.Concat(words.Select(word => string.Create(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n")));

    private static async Task ReadAnswersAsync(NetworkStream stream, int count)
    {
        byte[] buffer = new byte[64 * 1024];
        const int AnswerBytes = 5; // "+OK\r\n"
        for (long left = (long)count * AnswerBytes; left > 0;)
        {
            int read = await stream.ReadAsync(buffer);
            left -= read > 0 ? read : throw new IOException("the server closed the connection");
        }
    }

    private static Process? Start(string program, string folder, params string[] arguments)
    {
        Directory.CreateDirectory(folder);
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static async Task ConnectAsync(TcpClient client, int port)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (attempt < 100)
            {
                await Task.Delay(100);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
