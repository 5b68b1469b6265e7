using System.Text.Json.Nodes;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>A process with a cache folder on a bucket: killed in the middle of filling it, and on a disk that takes no more, it answers the same.</summary>
public sealed class CacheProcessTests
{
    private const string Name = "cached";
    private const int Documents = 60;
    private const int TextBytes = 40_000;

    [Fact]
    public async Task A_node_killed_while_it_fills_its_cache_answers_the_same_afterwards_also_from_a_full_disk()
    {
        var access = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(access);
        using var folder = new TemporaryFolder();
        using var http = ClusterClient.CreateHttp();
        string store = $"s3://{S3TestAccess.Bucket}/tests/{Guid.NewGuid():n}?endpoint={Uri.EscapeDataString(access.Endpoint)}";
        string[] settings = ["--store", store, "--cache-dir", "cache", "--cache-bytes", "20MB", "--index-entries", "4", "--index-delay", "10ms"];
        var variables = ServeOnS3Tests.Variables(access);
        string expected;
        await using (var writer = await PuffProcess.ServeAsync(variables, folder.Path, settings))
        {
            var client = new ClusterClient(http, writer.Url, Name);
            for (int first = 0; first < Documents; first += 10)
            {
                await client.WriteAsync(Upsert(first, 10));
            }

            expected = await ReadAsync(client);
            Assert.Equal(0, await writer.StopAsync());
        }

        // Each one is killed at another moment of reading everything from the store into the cache.
        for (int round = 0; round < 4; round++)
        {
            await using var killed = await PuffProcess.ServeAsync(variables, folder.Path, settings);
            var reading = ReadAsync(new ClusterClient(http, killed.Url, Name));
            await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(40 * round), TestContext.Current.CancellationToken));
            await killed.KillAsync();
            // Answered before the kill or broken by it: either is fine.
            await Task.WhenAny(reading);
        }

        await using (var again = await PuffProcess.ServeAsync(variables, folder.Path, settings))
        {
            Assert.Equal(expected, await ReadAsync(new ClusterClient(http, again.Url, Name)));
            await again.KillAsync();
        }

        // The runtime maps code through a file in memory, which the limit would forbid.
        var limited = new Dictionary<string, string>(variables) { ["DOTNET_EnableWriteXorExecute"] = "0" };
        Directory.Delete(Path.Combine(folder.Path, "cache"), recursive: true);
        await using var full = await PuffProcess.ServeAsync(
            ["env", "--ignore-signal=XFSZ", "prlimit", "--fsize=200000"], limited, folder.Path, [.. settings, "--cache-memory", "1MB", "--log-level", "none"]);
        var reader = new ClusterClient(http, full.Url, Name);
        Assert.Equal(expected, await ReadAsync(reader));
        Assert.Equal(expected, await ReadAsync(reader));
    }

    private static async Task<string> ReadAsync(ClusterClient client) =>
        string.Join('\n', (await client.ReadAllAsync()).Select(r => r.Value.GetRawText()));

    private static JsonObject Upsert(int first, int count) => new()
    {
        ["upsert_rows"] = new JsonArray([.. Enumerable.Range(first, count).Select(Row)]),
        ["schema"] = new JsonObject { ["text"] = new JsonObject { ["type"] = "string", ["filterable"] = false } },
    };

    private static JsonNode Row(int id) => new JsonObject { ["id"] = id, ["n"] = id % 7, ["text"] = new string((char)('a' + (id % 26)), TextBytes + id) };
}
