using System.Net.Http.Headers;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>`puff serve` and `puff demo` as processes.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-serve-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_banner_is_honest_and_sigterm_ends_it_cleanly()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data");
        int code = await server.StopAsync();
        Assert.Equal(0, code);
        Assert.Contains(Path.Combine(folder, "data"), server.Messages, StringComparison.Ordinal);
        Assert.Contains("no key is set", server.Messages, StringComparison.Ordinal);
        Assert.Contains($"curl -s {server.Url}/v1/namespaces", server.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        await using (PuffProcess first = await PuffProcess.ServeAsync(folder, "--store", "data"))
        {
            Assert.Equal(0, (await PuffProcess.RunAsync(folder, "{\"id\":7}\n", "import", "kept", "-", "--url", first.Url)).Code);
            Assert.Equal(0, await first.StopAsync());
        }

        await using PuffProcess second = await PuffProcess.ServeAsync(folder, "--store", "data");
        Outcome outcome = await PuffProcess.RunAsync(folder, "", "query", "kept", "--output", "ndjson", "--url", second.Url);
        Assert.Equal("{\"id\":7}\n", outcome.Results);
    }

    [Fact]
    public async Task A_key_keeps_strangers_out()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "memory://", "--api-key", "first", "--api-key", "second");
        Assert.DoesNotContain("second", server.Messages, StringComparison.Ordinal);
        Assert.Equal(4, (await PuffProcess.RunAsync(folder, "", "ls", "--url", server.Url)).Code);
        Assert.Equal(4, (await PuffProcess.RunAsync(folder, "", "ls", "--url", server.Url, "--api-key", "wrong")).Code);
        Assert.Equal(0, (await PuffProcess.RunAsync(folder, "", "ls", "--url", server.Url, "--api-key", "second")).Code);
        using var http = new HttpClient { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", "first") } };
        Assert.True((await http.GetAsync(server.Url + "/v1/namespaces", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_server_open_to_others_needs_a_key()
    {
        Outcome outcome = await PuffProcess.RunAsync(folder, "", "serve", "--listen", "0.0.0.0:0", "--store", "memory://");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("--api-key", outcome.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_examines_a_store()
    {
        Outcome outcome = await PuffProcess.RunAsync(folder, "", "doctor", "--store", "data", "--output", "csv");
        Assert.True(outcome.Code == 0, outcome.Messages);
        Assert.StartsWith("check,verdict,detail\n", outcome.Results, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", outcome.Results, StringComparison.Ordinal);
        Assert.Equal(2, (await PuffProcess.RunAsync(folder, "", "doctor", "--store", "floppy://a")).Code);
    }

    [Fact]
    public async Task Check_finds_a_flipped_bit_and_inspect_shows_what_is_stored()
    {
        await using (PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "data"))
        {
            Assert.Equal(0, (await PuffProcess.RunAsync(folder, "{\"id\":7,\"a\":\"x\"}\n", "import", "kept", "-", "--url", server.Url)).Code);
            await server.StopAsync();
        }

        Outcome sound = await PuffProcess.RunAsync(folder, "", "check", "--store", "data");
        Assert.True(sound.Code == 0, sound.Messages);
        Assert.EndsWith("all is well\n", sound.Messages, StringComparison.Ordinal);
        Assert.Equal(1, sound.Messages.Count(c => c == '\n'));
        Assert.Equal(0, (await PuffProcess.RunAsync(folder, "", "inspect", "manifest", "kept", "--store", "data")).Code);
        Outcome wal = await PuffProcess.RunAsync(folder, "", "inspect", "wal", "kept", "--store", "data", "--output", "json");
        Assert.True(wal.Code == 0, wal.Messages);
        Assert.Equal(3, (await PuffProcess.RunAsync(folder, "", "inspect", "manifest", "absent", "--store", "data")).Code);

        string entry = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Single(path => path.Contains("/wal/", StringComparison.Ordinal));
        byte[] bytes = await File.ReadAllBytesAsync(entry, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(entry, bytes, TestContext.Current.CancellationToken);
        Outcome damaged = await PuffProcess.RunAsync(folder, "", "check", "--store", "data", "--output", "ndjson");
        Assert.Equal(7, damaged.Code);
        Assert.Contains("/wal/", damaged.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_come_from_the_file_beside_it()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "puff.toml"), "store = 'memory://' # nothing is kept\n", TestContext.Current.CancellationToken);
        await using PuffProcess server = await PuffProcess.ServeAsync(folder);
        Assert.Contains("nothing is kept", server.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_demo_answers_with_real_questions()
    {
        Outcome outcome = await PuffProcess.RunAsync(folder, "", "demo", "--exit", "--listen", "127.0.0.1:0");
        Assert.True(outcome.Code == 0, outcome.Messages);
        Assert.Contains("How to generate shape file from Excel or CSV files?", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("Can I install applications onto sd card with Android 2.1?", outcome.Results, StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(folder, "puff-demo")));
    }
}
