using System.Net.Http.Json;
using System.Text.Json;
using Amazon.Runtime;
using Amazon.S3;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>The binary on a bucket of a real S3 server: several processes are one database, and a server that cannot be trusted is refused.</summary>
public sealed class ServeOnS3Tests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-s3-").FullName;
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(60), DefaultRequestHeaders = { { "Authorization", "Bearer any" } } };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Two_processes_on_one_bucket_are_one_database()
    {
        S3TestAccess access = S3TestAccess.Good();
        await MakeBucketAsync(access);
        string store = Location(access);
        var keys = Variables(access);

        Outcome doctor = await PuffProcess.RunAsync(keys, folder, "", "doctor", "--store", store, "--output", "csv");
        Assert.True(doctor.Code == 0, doctor.Messages);
        Assert.DoesNotContain("failed", doctor.Results, StringComparison.Ordinal);

        await using (PuffProcess one = await PuffProcess.ServeAsync(keys, folder, "--store", store))
        await using (PuffProcess other = await PuffProcess.ServeAsync(keys, folder, "--store", store))
        {
            await WriteAsync(one, """{"upsert_rows":[{"id":1,"version":0,"ones":0,"others":0}]}""");
            Assert.Equal(0, await VersionAsync(other));
            await WriteAsync(other, """{"patch_rows":[{"id":1,"version":100}]}""");
            Assert.Equal(100, await VersionAsync(one));

            await Task.WhenAll(CountAsync(one, "ones", 12), CountAsync(other, "others", 12));
            Assert.Equal("""{"id":1,"version":124,"ones":12,"others":12}""", await RowAsync(one));
            Assert.Equal("""{"id":1,"version":124,"ones":12,"others":12}""", await RowAsync(other));
            Assert.Equal(0, await one.StopAsync());
            Assert.Equal(0, await other.StopAsync());
        }

        await using (PuffProcess again = await PuffProcess.ServeAsync(keys, folder, "--store", store))
        {
            Assert.Equal("""{"id":1,"version":124,"ones":12,"others":12}""", await RowAsync(again));
            Assert.Equal(0, await again.StopAsync());
        }

        Outcome check = await PuffProcess.RunAsync(keys, folder, "", "check", "--store", store);
        Assert.True(check.Code == 0, check.Messages + check.Results);
        Assert.EndsWith("all is well\n", check.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_without_conditional_writes_is_refused_with_the_remedy()
    {
        S3TestAccess access = S3TestAccess.Bad();
        string store = Location(access);
        Outcome serve = await PuffProcess.RunAsync(Variables(access), folder, "", "serve", "--listen", "127.0.0.1:0", "--store", store);
        Assert.Equal(1, serve.Code);
        Assert.Contains("If-None-Match", serve.Messages, StringComparison.Ordinal);
        Assert.Contains("conditional writes", serve.Messages, StringComparison.Ordinal);
        Assert.DoesNotContain("is listening", serve.Messages, StringComparison.Ordinal);

        Outcome doctor = await PuffProcess.RunAsync(Variables(access), folder, "", "doctor", "--store", store, "--output", "csv");
        Assert.Equal(1, doctor.Code);
        Assert.Contains("If-None-Match,failed", doctor.Results, StringComparison.Ordinal);
    }

    internal static string Location(S3TestAccess access) =>
        $"s3://{S3TestAccess.Bucket}/tests/{Guid.NewGuid():n}?endpoint={Uri.EscapeDataString(access.Endpoint)}";

    internal static Dictionary<string, string> Variables(S3TestAccess access) => new()
    {
        ["AWS_ACCESS_KEY_ID"] = access.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = access.SecretKey, ["AWS_REGION"] = "us-east-1",
    };

    internal static async Task MakeBucketAsync(S3TestAccess access)
    {
        var settings = new AmazonS3Config { ServiceURL = access.Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" };
        using var client = new AmazonS3Client(new BasicAWSCredentials(access.AccessKey, access.SecretKey), settings);
        try
        {
            await client.PutBucketAsync(S3TestAccess.Bucket, Cancel);
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // An earlier run made it.
        }
    }

    /// <summary>Adds to a counter of its own and to the version that both change, each time only if nobody was faster.</summary>
    private async Task CountAsync(PuffProcess server, string counter, int times)
    {
        for (int done = 0; done < times;)
        {
            long version = await VersionAsync(server);
            using JsonDocument answer = await WriteAsync(
                server,
                $$"""
                {"patch_rows":[{"id":1,"version":{{version + 1}},"{{counter}}":{{done + 1}}}],"patch_condition":["version","Eq",{{version}}]}
                """);
            done += answer.RootElement.GetProperty("rows_patched").GetInt32();
        }
    }

    private async Task<long> VersionAsync(PuffProcess server)
    {
        using JsonDocument row = JsonDocument.Parse(await RowAsync(server));
        return row.RootElement.GetProperty("version").GetInt64();
    }

    private async Task<string> RowAsync(PuffProcess server)
    {
        using JsonDocument answer = await PostAsync(server, "/query", """{"rank_by":["id","asc"],"limit":2,"include_attributes":["ones","others","version"]}""");
        return Assert.Single(answer.RootElement.GetProperty("rows").EnumerateArray()).GetRawText();
    }

    private Task<JsonDocument> WriteAsync(PuffProcess server, string body) => PostAsync(server, "", body);

    private async Task<JsonDocument> PostAsync(PuffProcess server, string path, string body)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync($"{server.Url}/v2/namespaces/shared{path}", content, Cancel);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancel));
        return (await response.Content.ReadFromJsonAsync<JsonDocument>(Cancel))!;
    }
}
