using System.Net;
using Puff.Storage.Azure;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>The emulator of the Blob service that the tests run against, each time with a new prefix.</summary>
internal static class AzureTestServer
{
    private static readonly Lazy<Task> Container = new(MakeContainerAsync);

    public static async Task<AzureStoreOptions> OptionsAsync()
    {
        await Container.Value;
        return Options($"tests/{Guid.NewGuid():n}");
    }

    private static AzureStoreOptions Options(string prefix)
    {
        var access = AzureTestAccess.Read();
        return new()
        {
            Account = AzureTestAccess.Account,
            Container = AzureTestAccess.Container,
            Prefix = prefix,
            Endpoint = access.Endpoint,
            Key = access.Key,
        };
    }

    private static async Task MakeContainerAsync()
    {
        using var client = new AzureClient(Options(""), "the test server");
        var call = new AzureCall(HttpMethod.Put, "making the container") { Query = [("restype", "container")], Body = ReadOnlyMemory<byte>.Empty };
        var answer = await client.SendAsync(call, CancellationToken.None);
        Assert.True(answer.IsSuccess || answer.Status == HttpStatusCode.Conflict, answer.ToString());
    }
}
