using System.Diagnostics;
using System.Text;
using Puff.Edge.Client;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>The verbs as processes: bytes, streams and exit codes; conformance list 9 and 10.</summary>
public sealed class CliTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-edge-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Keys_are_set_read_compared_and_removed()
    {
        Assert.Equal((0, "", ""), await RunAsync("kv", "set", "a", "1"));
        Assert.Equal((0, "", ""), await RunAsync("k-v", "put", "b", "1"));
        Assert.Equal((0, "1", ""), await RunAsync("kv", "get", "a"));
        Assert.Equal((0, "1\01", ""), await RunAsync("kv", "fetch", "a", "b"));
        Assert.Equal((0, "", ""), await RunAsync("kv", "eq", "a", "b"));
        Assert.Equal((1, "", ""), await RunAsync("kv", "not-eq", "a", "b"));
        Assert.Equal((0, "", ""), await RunAsync("kv", "eq"));
        Assert.Equal((0, "", ""), await RunAsync("kv", "rm", "a"));
        Assert.Equal((1, "", "Error: key \"a\" does not exist\n"), await RunAsync("kv", "delete", "a"));
        Assert.Equal((1, "", "Error: key \"a\" does not exist\n"), await RunAsync("kv", "get", "a"));
        Assert.Equal((1, "", "Error: key \"a\" does not exist\n"), await RunAsync("kv", "eq", "b", "a"));
        // A value may begin with a hyphen.
        Assert.Equal((0, "", ""), await RunAsync("kv", "set", "--", "c", "--value"));
        Assert.Equal((0, "--value", ""), await RunAsync("kv", "get", "c"));
    }

    [Fact]
    public async Task Blobs_are_stored_read_updated_compared_and_removed()
    {
        string file = Path.Combine(folder, "file");
        byte[] data = [0, 255, 10, 13, 7];
        await File.WriteAllBytesAsync(file, data, TestContext.Current.CancellationToken);
        Assert.Equal((0, "1\n", ""), await RunAsync("blob", "store", file, "text"));
        Assert.Equal((0, "2\n", ""), await RunAsync(["blob", "store", "-"], "from stdin"u8.ToArray()));
        Assert.Equal(data, (await RunBytesAsync(["blob", "get", "1"], [])).Output);
        Assert.Equal((0, "text", ""), await RunAsync("blob", "get", "1", "metadata"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "get", "2", "meta"));
        Assert.Equal((0, "from stdin", ""), await RunAsync("blob", "get", "2", "bytes"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "update", "2", "all", file, "new"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "eq-data", "1", "2"));
        Assert.Equal((0, "new", ""), await RunAsync("blob", "get", "2", "metadata"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "update", "2", "metadata"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "get", "2", "metadata"));
        Assert.Equal((0, "", ""), await RunAsync(["blob", "update", "2", "data", "-"], "other"u8.ToArray()));
        Assert.Equal((1, "", ""), await RunAsync("blob", "eq-data", "1", "2"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "not-eq-data", "1", "2"));
        Assert.Equal((0, "", ""), await RunAsync("blob", "delete", "2"));
        foreach (string[] arguments in (string[][])[["get", "2"], ["delete", "2"], ["update", "2", "metadata", "x"], ["eq-data", "2"]])
        {
            Assert.Equal((1, "", "Error: blob 2 does not exist\n"), await RunAsync(["blob", .. arguments], []));
        }
    }

    [Theory]
    [InlineData("kv get")]
    [InlineData("kv set a")]
    [InlineData("kv nothing a")]
    [InlineData("kv get a --nothing")]
    [InlineData("blob get one")]
    [InlineData("blob get -1")]
    [InlineData("blob get 1 everything")]
    [InlineData("blob update 1 data")]
    [InlineData("blob update 1 metadata a b")]
    [InlineData("kv -b paper get a")]
    [InlineData("edge run nowhere")]
    [InlineData("edge run 127.0.0.1:1 --addr 127.0.0.1:2")]
    public async Task Wrong_usage_is_2_and_says_why(string line)
    {
        var (code, output, error) = await RunAsync(line.Split(' '));
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.NotEmpty(error);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Theory]
    [InlineData("kv", "-s", "other.db", "get", "a")]
    [InlineData("kv", "get", "-s", "other.db", "a")]
    [InlineData("kv", "get", "a", "--store", "other.db")]
    [InlineData("kv", "-b", "sqlite", "get", "a", "--store=other.db")]
    public async Task Options_stand_before_or_after_the_subcommand(params string[] arguments)
    {
        Assert.Equal((0, "", ""), await RunAsync("kv", "set", "a", "1", "-s", "other.db"));
        Assert.Equal((0, "1", ""), await RunAsync(arguments));
    }

    [Fact]
    public async Task A_server_and_a_command_share_a_store()
    {
        using Process server = Start(["edge", "run", "127.0.0.1:0"]);
        using EdgeChannel channel = await ConnectAsync(server);
        var client = new KvClient(channel);
        await client.SetAsync("a", "from the client");
        Assert.Equal((0, "from the client", ""), await RunAsync("kv", "get", "a"));
        Assert.Equal((0, "", ""), await RunAsync("kv", "set", "b", "from the command"));
        Assert.Equal("from the command", await client.GetAsync("b"));
        server.Kill();
        await server.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_second_process_on_a_store_of_rocksdb_is_refused()
    {
        using Process server = Start(["edge", "run", "127.0.0.1:0", "-b", "rocksdb"]);
        using EdgeChannel channel = await ConnectAsync(server);
        var (code, _, error) = await RunAsync("kv", "get", "a", "-b", "rocksdb");
        Assert.Equal(1, code);
        Assert.StartsWith("Error: ", error, StringComparison.Ordinal);
        Assert.Contains("one process at a time", error, StringComparison.Ordinal);
        server.Kill();
        await server.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(EdgeEngine.Sqlite)]
    [InlineData(EdgeEngine.RocksDb)]
    public async Task Every_key_that_was_echoed_survives_a_kill_in_the_middle_of_a_stream(EdgeEngine engine)
    {
        using Process server = Start(["edge", "run", "127.0.0.1:0", "-b", EdgeEngines.NameOf(engine)]);
        using EdgeChannel channel = await ConnectAsync(server);
        var echoed = new List<string>();
        try
        {
            await foreach (string key in new KvClient(channel).SetAsync(Endless()))
            {
                echoed.Add(key);
                if (echoed.Count == 500)
                {
                    server.Kill();
                }
            }
        }
        catch (Exception error) when (error is Transport.EdgeException or IOException or HttpRequestException)
        {
            // The connection broke, as it should.
        }

        await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(echoed.Count >= 500, $"{echoed.Count} echoes");
        await using KvStore store = KvStore.Open(engine, Path.Combine(folder, "kv_store.db"));
        Assert.All(echoed, key => Assert.Equal("v"u8.ToArray(), store.Get(Encoding.UTF8.GetBytes(key))));
    }

    [Fact]
    public async Task A_signal_ends_the_server_in_order()
    {
        using Process server = Start(["edge", "run", "--addr", "127.0.0.1:0", "--addr", "[::1]:0"]);
        Assert.Contains("http://[::1]:", await server.StandardError.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using (Process kill = Process.Start("kill", ["-TERM", server.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, server.ExitCode);
    }

    [Theory]
    [InlineData("same")]
    [InlineData("symbolic")]
    [InlineData("hard")]
    public async Task Two_stores_in_one_file_are_refused(string kind)
    {
        string one = Path.Combine(folder, "one.db");
        string two = kind == "same" ? Path.Combine(folder, ".", "one.db") : Path.Combine(folder, "two.db");
        Assert.Equal(0, (await RunAsync("kv", "set", "a", "1", "-s", one)).Code);
        if (kind == "symbolic")
        {
            File.CreateSymbolicLink(two, one);
        }
        else if (kind == "hard")
        {
            using Process link = Process.Start("ln", [one, two]);
            await link.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var (code, _, error) = await RunAsync("edge", "run", "127.0.0.1:0", "--kv-store", one, "--blob-store", two);
        Assert.Equal(1, code);
        Assert.Contains("are one file", error, StringComparison.Ordinal);
    }

    private static async IAsyncEnumerable<KeyValuePair<string, string>> Endless()
    {
        for (int n = 0; ; n++)
        {
            if (n % 64 == 0)
            {
                await Task.Yield();
            }

            yield return KeyValuePair.Create($"key {n}", "v");
        }
    }

    /// <summary>A channel to the address that the server's first line names.</summary>
    private static async Task<EdgeChannel> ConnectAsync(Process server)
    {
        string banner = await server.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
        string url = System.Text.RegularExpressions.Regex.Match(banner, @"http://127\.0\.0\.1:\d+").Value;
        Assert.NotEqual("", url);
        return new EdgeChannel(new Uri(url));
    }

    private Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "puff.dll"), .. arguments])
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments, byte[] input)
    {
        var (code, output, error) = await RunBytesAsync(arguments, input);
        return (code, Encoding.UTF8.GetString(output), error);
    }

    private async Task<(int Code, byte[] Output, string Error)> RunBytesAsync(string[] arguments, byte[] input)
    {
        using Process process = Start(arguments);
        await process.StandardInput.BaseStream.WriteAsync(input, TestContext.Current.CancellationToken);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output.ToArray(), await error);
    }
}
