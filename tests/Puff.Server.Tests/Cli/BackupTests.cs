using System.Net;
using System.Text.Json;
using Puff.Storage.Azure;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>Going back in time and to other stores with the binary, as people do it.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-backup-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_namespace_goes_back_to_a_moment_beside_a_running_server_also_when_it_was_deleted()
    {
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "live");
        await WriteAsync(server, "docs", """{"upsert_rows":[{"id":1}]}""");
        string first = (await RowsAsync("history", "docs", "--store", "live"))[^1].GetProperty("last").GetString()!;
        await WriteAsync(server, "docs", """{"upsert_rows":[{"id":2}],"deletes":[1]}""");
        await DoneAsync("restore", "docs", "--at", first, "--to", "before", "--store", "live");
        Assert.Equal("1", await IdsAsync(server, "before"));

        Outcome exists = await RunAsync("restore", "docs", "--at", first, "--store", "live");
        Assert.Equal(6, exists.Code);
        Outcome early = await RunAsync("restore", "docs", "--at", "2001-01-01", "--to", "early", "--store", "live");
        Assert.Equal(3, early.Code);
        Outcome nonsense = await RunAsync("restore", "docs", "--at", "then", "--to", "early", "--store", "live");
        Assert.Equal(1, nonsense.Code);
        Assert.Contains("2026-01-31T09:30:00Z", nonsense.Messages, StringComparison.Ordinal);

        await DoneAsync("delete", "docs", "--yes", "--url", server.Url);
        await DoneAsync("restore", "docs", "--at", first, "--store", "live");
        Assert.Equal("1", await IdsAsync(server, "docs"));
        await DoneAsync("check", "--store", "live");
    }

    [Fact]
    public async Task Namespaces_go_from_a_folder_to_a_bucket_to_a_container_and_back()
    {
        S3TestAccess s3 = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(s3);
        AzureTestAccess azure = AzureTestAccess.Read();
        await MakeContainerAsync(azure);
        var keys = ServeOnS3Tests.Variables(s3);
        keys["AZURE_STORAGE_ACCOUNT"] = AzureTestAccess.Account;
        keys["AZURE_STORAGE_KEY"] = azure.Key;
        string bucket = ServeOnS3Tests.Location(s3);
        string container = $"az://{AzureTestAccess.Container}/tests/{Guid.NewGuid():n}?endpoint={Uri.EscapeDataString(azure.Endpoint)}";
        await using (PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "live"))
        {
            await WriteAsync(server, "logs-1", """{"upsert_rows":[{"id":1},{"id":2}]}""");
            await WriteAsync(server, "logs-2", """{"branch_from_namespace":"logs-1"}""");
            await WriteAsync(server, "other", """{"upsert_rows":[{"id":9}]}""");
            await CopyAsync(keys, 2, "logs-", "--all", "--store", "live", "--to", bucket);
            await WriteAsync(server, "logs-1", """{"upsert_rows":[{"id":3}]}""");
            JsonElement[] again = await CopyAsync(keys, 3, "--all", "--store", "live", "--to", bucket, "--verify");
            Assert.Equal(["copied", "unchanged", "copied"], again.Select(row => row.GetProperty("state").GetString()));
        }

        await CopyAsync(keys, 3, "--all", "--store", bucket, "--to", container);
        await CopyAsync(keys, 3, "--all", "--store", container, "--to", "back", "--verify");
        foreach (string store in new[] { bucket, container, "back" })
        {
            Outcome check = await PuffProcess.RunAsync(keys, folder, "", "check", "--store", store);
            Assert.True(check.Code == 0, check.Messages + check.Results);
        }

        await using PuffProcess restored = await PuffProcess.ServeAsync(folder, "--store", "back");
        Assert.Equal("1 2 3", await IdsAsync(restored, "logs-1"));
        Assert.Equal("1 2", await IdsAsync(restored, "logs-2"));
        await WriteAsync(restored, "logs-2", """{"upsert_rows":[{"id":4}]}""");
        Outcome refused = await PuffProcess.RunAsync(keys, folder, "", "copy", "--all", "--store", "live", "--to", "back");
        Assert.Equal(6, refused.Code);
        Assert.Contains("logs-2", refused.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_object_ends_its_copy_with_the_key_and_not_the_others()
    {
        await using (PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "live"))
        {
            await WriteAsync(server, "good", """{"upsert_rows":[{"id":1}]}""");
            await WriteAsync(server, "bad", """{"upsert_rows":[{"id":1}]}""");
        }

        string entry = Assert.Single(Directory.GetFiles(Path.Combine(folder, "live", "puff", "ns", "bad", "wal"), "*.obj", SearchOption.AllDirectories));
        byte[] content = await File.ReadAllBytesAsync(entry, TestContext.Current.CancellationToken);
        content[^1] ^= 1;
        await File.WriteAllBytesAsync(entry, content, TestContext.Current.CancellationToken);
        Outcome copy = await RunAsync("copy", "--all", "--store", "live", "--to", "copy");
        Assert.Equal(7, copy.Code);
        Assert.Contains("puff/ns/bad/wal/", copy.Messages, StringComparison.Ordinal);
        await using PuffProcess served = await PuffProcess.ServeAsync(folder, "--store", "copy");
        Assert.Equal("1", await IdsAsync(served, "good"));
        Assert.Equal(3, (await RunAsync("stat", "bad", "--url", served.Url)).Code);
        Assert.Equal(2, (await RunAsync("copy", "docs")).Code);
        Assert.Equal(2, (await RunAsync("copy", "--to", "copy", "--store", "live")).Code);
    }

    private static async Task MakeContainerAsync(AzureTestAccess access)
    {
        var options = new AzureStoreOptions
        {
            Account = AzureTestAccess.Account, Container = AzureTestAccess.Container, Prefix = "", Endpoint = access.Endpoint, Key = access.Key,
        };
        using var client = new AzureClient(options, "the test server");
        var call = new AzureCall(HttpMethod.Put, "making the container") { Query = [("restype", "container")], Body = ReadOnlyMemory<byte>.Empty };
        var answer = await client.SendAsync(call, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccess || answer.Status == HttpStatusCode.Conflict, answer.ToString());
    }

    private Task<Outcome> RunAsync(params string[] arguments) => PuffProcess.RunAsync(folder, "", arguments);

    private async Task DoneAsync(params string[] arguments)
    {
        Outcome outcome = await RunAsync(arguments);
        Assert.True(outcome.Code == 0, outcome.Messages + outcome.Results);
    }

    private async Task<JsonElement[]> RowsAsync(params string[] arguments) => Parse(await RunAsync([.. arguments, "--output", "ndjson"]));

    private async Task<JsonElement[]> CopyAsync(Dictionary<string, string> keys, int expected, params string[] arguments)
    {
        JsonElement[] rows = Parse(await PuffProcess.RunAsync(keys, folder, "", ["copy", .. arguments, "--output", "ndjson"]));
        Assert.Equal(expected, rows.Length);
        return rows;
    }

    private static JsonElement[] Parse(Outcome outcome)
    {
        Assert.True(outcome.Code == 0, outcome.Messages + outcome.Results);
        return [.. outcome.Results.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    private async Task WriteAsync(PuffProcess server, string name, string body)
    {
        Outcome outcome = await PuffProcess.RunAsync(folder, body, "write", name, "-", "--url", server.Url);
        Assert.True(outcome.Code == 0, outcome.Messages + outcome.Results);
    }

    private async Task<string> IdsAsync(PuffProcess server, string name) =>
        string.Join(' ', (Parse(await RunAsync("export", name, "--url", server.Url))).Select(row => row.GetProperty("id").GetInt32()));
}
