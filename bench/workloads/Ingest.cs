using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Puff.Workloads;

/// <summary>
/// Goal: acknowledged documents a second from one client process to one server process on the same cores, 768 dimensions. Method: bodies are built before the
/// clock
/// starts; only the fixed-width ids in them change from request to request, so the client costs little more than sending.
/// </summary>
internal static class Ingest
{
    private const int Dimensions = 768;
    private const int IdDigits = 12;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        bool isBase64 = options.Text("encoding", "json") == "base64";
        int documents = options.Number("documents", 200_000);
        int batch = options.Number("batch", 500);
        int clients = options.Number("clients", 4);
        using var folder = options.Folder();
        Console.WriteLine($"disk     a bare file of 1 GB with one fsync at its end beside it: {DiskSpeed.MegabytesPerSecond(folder.Path):F0} MB/s");
        using var server = await ServerProcess.StartAsync(folder.Path);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = clients })
        {
            BaseAddress = server.Address,
            Timeout = TimeSpan.FromMinutes(5),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "bench");

        var bodies = Enumerable.Range(0, clients).Select(c => new Body(batch, isBase64, seed: c)).ToArray();
        await SendAsync(http, bodies[0], firstId: 800_000_000_000); // creates the namespace, warms both sides up
        for (int i = 0; i < 40; i++)
        {
            await SendAsync(http, bodies[i % clients], firstId: 800_000_000_000);
        }

        long next = 0;
        long peakHeap = 0;
        long peakAnonymous = 0;
        var clock = Stopwatch.StartNew();
        var serverBefore = server.ProcessorTime;
        using var self = Process.GetCurrentProcess();
        var clientBefore = self.TotalProcessorTime;
        var senders = bodies.Select(async body =>
        {
            while (true)
            {
                long first = Interlocked.Add(ref next, batch) - batch;
                if (first >= documents)
                {
                    return;
                }

                await SendAsync(http, body, first);
            }
        }).ToArray();
        var all = Task.WhenAll(senders);
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(500));
            peakHeap = Math.Max(peakHeap, await ServerMetrics.HeapAsync(http));
            peakAnonymous = Math.Max(peakAnonymous, server.AnonymousBytes);
        }

        await all;
        double seconds = clock.Elapsed.TotalSeconds;
        double bytes = (double)documents / batch * bodies[0].Length;
        Console.WriteLine($"ingest   {options.Text("encoding", "json")}: {documents / seconds:F0} documents/s, {bytes / seconds / 1e6:F0} MB/s of body, "
            + $"{documents} documents in {seconds:F1} s");
        self.Refresh();
        Console.WriteLine($"cpu      server {(server.ProcessorTime - serverBefore).TotalMicroseconds / documents:F1} µs a document, "
            + $"client {(self.TotalProcessorTime - clientBefore).TotalMicroseconds / documents:F1} µs");
        Console.WriteLine($"bytes    {bytes / 1e9:F2} GB sent; vectors alone {documents * 4.0 * Dimensions / 1e9:F2} GB");
        Console.WriteLine($"memory   managed heap at most {peakHeap >> 20} MiB, memory that is no file page at most {peakAnonymous >> 20} MiB");
    }

    private static async Task SendAsync(HttpClient http, Body body, long firstId)
    {
        body.SetIds(firstId);
        for (int attempt = 0; ; attempt++)
        {
            using var content = new ByteArrayContent(body.Bytes, 0, body.Length);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.PostAsync("/v2/namespaces/ingest", content);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            string text = await response.Content.ReadAsStringAsync();
            if ((int)response.StatusCode != 429 || attempt > 600)
            {
                throw new InvalidOperationException($"{(int)response.StatusCode}: {text}");
            }

            await Task.Delay(100);
        }
    }

    /// <summary>A write body whose ids are rewritten in place.</summary>
    private sealed class Body
    {
        private readonly List<int> idOffsets = [];

        public Body(int documents, bool isBase64, int seed)
        {
            var random = new Random(seed);
            var text = new StringBuilder("{\"distance_metric\":\"cosine_distance\",\"upsert_rows\":[");
            byte[] raw = new byte[Dimensions * 4];
            for (int d = 0; d < documents; d++)
            {
                text.Append(d == 0 ? "{\"id\":" : ",{\"id\":");
                idOffsets.Add(text.Length);
                text.Append('1').Append('0', IdDigits - 1).Append(",\"vector\":");
                if (isBase64)
                {
                    for (int i = 0; i < Dimensions; i++)
                    {
                        BitConverter.TryWriteBytes(raw.AsSpan(i * 4), (float)(random.NextDouble() - 0.5));
                    }

                    text.Append('"').Append(Convert.ToBase64String(raw)).Append('"');
                }
                else
                {
                    text.Append('[');
                    for (int i = 0; i < Dimensions; i++)
                    {
                        text.Append(i == 0 ? "" : ",").Append(((float)(random.NextDouble() - 0.5)).ToString("R", CultureInfo.InvariantCulture));
                    }

                    text.Append(']');
                }

                text.Append(",\"group\":").Append(d % 100).Append(",\"title\":\"document number ").Append(d).Append("\"}");
            }

            text.Append("]}");
            Bytes = System.Text.Encoding.UTF8.GetBytes(text.ToString());
        }

        public byte[] Bytes { get; }

        public int Length => Bytes.Length;

        public void SetIds(long first)
        {
            for (int i = 0; i < idOffsets.Count; i++)
            {
                long id = 100_000_000_000 + first + i;
                for (int digit = IdDigits - 1; digit >= 0; digit--)
                {
                    Bytes[idOffsets[i] + digit] = (byte)('0' + (id % 10));
                    id /= 10;
                }
            }
        }
    }
}
