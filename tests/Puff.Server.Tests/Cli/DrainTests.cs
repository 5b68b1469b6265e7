using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Puff.Server.Tests.Durability;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>What a server does between SIGTERM and its end.</summary>
public sealed class DrainTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-drain-").FullName;
    private readonly HttpClient http = ClusterClient.CreateHttp();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Readiness_turns_first_then_requests_in_flight_are_finished_and_their_writes_kept(string signal)
    {
        await using (PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data", "--drain-delay", "4s", "--drain-timeout", "50s"))
        {
            Assert.Equal(HttpStatusCode.OK, await ReadyAsync(server));
            using var slow = await SlowWrite.BeginAsync(server.Url, "kept", """{"upsert_rows":[{"id":7}]}""");
            await server.SendAsync(signal);
            while (await ReadyAsync(server) == HttpStatusCode.OK)
            {
                await Task.Yield();
            }

            // Not ready, and still serving: a load balancer that has not noticed yet does no harm.
            var late = await http.PostAsJsonAsync(server.Url + "/v2/namespaces/kept", new { upsert_rows = new[] { new { id = 8 } } }, Cancel);
            Assert.True(late.IsSuccessStatusCode);
            Assert.True(late.Headers.ConnectionClose);

            // Longer than the delay: by now no connection is accepted any more.
            await UntilRefusedAsync(server);
            Assert.StartsWith("HTTP/1.1 200 ", await slow.FinishAsync(), StringComparison.Ordinal);
            Assert.Equal(0, await server.ExitAsync());
        }

        await using PuffProcess second = await PuffProcess.ServeAsync(folder, "--store", "data");
        var rows = await new ClusterClient(http, second.Url, "kept").ReadAllAsync();
        Assert.Equal([7L, 8L], rows.Keys);
    }

    [Fact]
    public async Task Writes_that_wait_for_the_store_are_written_and_answered()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data");
        var client = new ClusterClient(http, server.Url, "kept");
        await client.WriteAsync(Row(0));

        // All of them at once: most wait for the batch before theirs when the signal comes.
        var writes = Enumerable.Range(1, 60).Select(i => AcknowledgedAsync(client, i)).ToArray();
        await Task.WhenAny(writes);
        Assert.Equal(0, await server.StopAsync());
        bool[] acknowledged = await Task.WhenAll(writes);

        await using PuffProcess second = await PuffProcess.ServeAsync(folder, "--store", "data");
        var rows = await new ClusterClient(http, second.Url, "kept").ReadAllAsync();
        Assert.Contains(true, acknowledged);
        Assert.All(Enumerable.Range(1, 60).Where(i => acknowledged[i - 1]), i => Assert.Contains(i, rows.Keys));
    }

    [Fact]
    public async Task A_second_signal_stops_at_once()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data", "--drain-timeout", "10m");
        using var slow = await SlowWrite.BeginAsync(server.Url, "lost", """{"upsert_rows":[{"id":7}]}""");
        await server.SendAsync("TERM");
        await UntilRefusedAsync(server);

        Assert.Equal(130, await server.SignalAsync("TERM"));
    }

    [Fact]
    public async Task A_request_that_does_not_end_is_cut_off_when_the_time_is_up_and_the_exit_code_says_so()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data", "--drain-timeout", "300ms");
        using var slow = await SlowWrite.BeginAsync(server.Url, "lost", """{"upsert_rows":[{"id":7}]}""");

        Assert.Equal(1, await server.StopAsync());
        Assert.Contains("--drain-timeout", server.Messages, StringComparison.Ordinal);
    }

    private static JsonObject Row(int id) => new() { ["upsert_rows"] = new JsonArray(new JsonObject { ["id"] = id }) };

    /// <summary>False when the server refused the connection or closed it without an answer: then the client knows nothing, and repeats elsewhere.</summary>
    private static async Task<bool> AcknowledgedAsync(ClusterClient client, int id)
    {
        try
        {
            await client.WriteAsync(Row(id));
            return true;
        }
        catch (HttpRequestException gone) when (gone.StatusCode is null)
        {
            return false;
        }
    }

    private async Task<HttpStatusCode> ReadyAsync(PuffProcess server) => (await http.GetAsync(server.Url + "/v1/ready", Cancel)).StatusCode;

    private async Task UntilRefusedAsync(PuffProcess server)
    {
        while (true)
        {
            try
            {
                await http.GetAsync(server.Url + "/health", Cancel);
                await Task.Delay(50, Cancel);
            }
            catch (HttpRequestException)
            {
                return;
            }
        }
    }

    /// <summary>A write of which the server has the head and half of the body.</summary>
    private sealed class SlowWrite(TcpClient connection, byte[] rest) : IDisposable
    {
        public static async Task<SlowWrite> BeginAsync(string url, string name, string body)
        {
            var connection = new TcpClient();
            var address = new Uri(url);
            await connection.ConnectAsync(address.Host, address.Port, Cancel);
            byte[] bytes = Encoding.ASCII.GetBytes(body);
            string head = $"POST /v2/namespaces/{name} HTTP/1.1\r\nHost: puff\r\nAuthorization: Bearer any\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {bytes.Length}\r\nExpect: 100-continue\r\n\r\n";
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), Cancel);

            // The server asks for the body: the request is in its hands.
            byte[] go = new byte[256];
            int got = await connection.GetStream().ReadAsync(go, Cancel);
            Assert.StartsWith("HTTP/1.1 100 ", Encoding.ASCII.GetString(go, 0, got), StringComparison.Ordinal);
            await connection.GetStream().WriteAsync(bytes.AsMemory(0, bytes.Length / 2), Cancel);
            return new SlowWrite(connection, bytes[(bytes.Length / 2)..]);
        }

        /// <summary>Sends the rest and returns the whole answer; the server closes the connection after it.</summary>
        public async Task<string> FinishAsync()
        {
            await connection.GetStream().WriteAsync(rest, Cancel);
            using var reader = new StreamReader(connection.GetStream());
            return await reader.ReadToEndAsync(Cancel);
        }

        public void Dispose() => connection.Dispose();
    }
}
