using System.Net;
using System.Text.Json.Nodes;
using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>
/// A server whose files cannot grow: writes that do not fit are refused with the remedy, all others go on, and with space again everything acknowledged is
/// there. A limit of the process stands for the full disk: it needs no rights, and the system refuses the same calls.
/// </summary>
public sealed class FullDiskTests
{
    private const string Name = "full";
    private const int FileLimit = 300_000;

    [Fact]
    public async Task What_does_not_fit_is_refused_whole_and_nothing_acknowledged_is_lost()
    {
        using var folder = new TemporaryFolder();
        using var http = ClusterClient.CreateHttp();
        await using (var full = await ServeOnFullDiskAsync(folder))
        {
            var client = new ClusterClient(http, full.Url, Name);
            await client.WriteAsync(Upsert(1, 1_000));
            var refusal = await Assert.ThrowsAsync<HttpRequestException>(() => client.WriteAsync(Upsert(2, 2 * FileLimit)));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refusal.StatusCode);
            Assert.Contains("ulimit", refusal.Message, StringComparison.Ordinal);

            // Each entry of the log fits; the segments made of several do not, and what is not indexed stays readable.
            for (int id = 3; id <= 8; id++)
            {
                await client.WriteAsync(Upsert(id, FileLimit / 3));
            }

            Assert.Equal([1, 3, 4, 5, 6, 7, 8], (await client.ReadAllAsync()).Keys);
            await full.KillAsync();
        }

        await using (var roomy = await PuffProcess.ServeAsync(folder.Path, Settings))
        {
            var client = new ClusterClient(http, roomy.Url, Name);
            Assert.Equal([1, 3, 4, 5, 6, 7, 8], (await client.ReadAllAsync()).Keys);
            await client.WriteAsync(Upsert(2, 2 * FileLimit));
            Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], (await client.ReadAllAsync()).Keys);
            Assert.Equal(0, await roomy.StopAsync());
        }

        var check = await PuffProcess.RunAsync(folder.Path, "", "check", "--store", "data");
        Assert.True(check.Code == 0, check.Messages + check.Results);
    }

    private static string[] Settings => ["--store", "data", "--index-entries", "4", "--index-delay", "10ms", "--log-level", "none"];

    private static Task<PuffProcess> ServeOnFullDiskAsync(TemporaryFolder folder)
    {
        // The runtime maps code through a file in memory, which the limit would forbid.
        var variables = new Dictionary<string, string> { ["DOTNET_EnableWriteXorExecute"] = "0" };
        return PuffProcess.ServeAsync(["env", "--ignore-signal=XFSZ", "prlimit", $"--fsize={FileLimit}"], variables, folder.Path, Settings);
    }

    private static JsonObject Upsert(int id, int bytes) => new()
    {
        ["upsert_rows"] = new JsonArray(new JsonObject { ["id"] = id, ["text"] = new string((char)('a' + id), bytes) }),
        ["schema"] = new JsonObject { ["text"] = new JsonObject { ["type"] = "string", ["filterable"] = false } },
    };
}
