using System.Globalization;
using System.Security.Cryptography;
using Puff.Engine.Storage;
using Puff.Storage;
using Puff.Storage.Azure;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>The contract on the emulator of the Blob service, through two clients.</summary>
public sealed class AzureBlobStoreTests : ObjectStoreContract
{
    private AzureStoreOptions options = null!;

    protected override int LongestKeyBytes => ObjectKeys.MaxBytes - options.Prefix.Length - 1;

    protected override async ValueTask<IObjectStore> OpenAsync()
    {
        options = await AzureTestServer.OptionsAsync();
        return new AzureBlobStore(options);
    }

    protected override ValueTask<IObjectStore> OpenOtherAsync(IObjectStore store) => new(new AzureBlobStore(options));

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var info in (await Store.ListAsync(new ListOptions(""), User, CancellationToken.None)).Objects)
        {
            await Store.DeleteAsync(info.Key, User, CancellationToken.None);
        }
    }
}

/// <summary>What only an Azure store has: accounts, signatures, blocks, names, markers.</summary>
public sealed class AzureServerTests
{
    private const StorePurpose User = StorePurpose.User;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SelfTestPasses()
    {
        await using var store = new AzureBlobStore(await AzureTestServer.OptionsAsync());
        (await StoreSelfTest.RunAsync(store, "puff", new Random(1), Cancel)).ThrowIfFailed();
        Assert.Empty((await store.ListAsync(new ListOptions(""), User, Cancel)).Objects);
    }

    [Fact]
    public async Task WrongKeysAreReportedAsSuch()
    {
        var options = await AzureTestServer.OptionsAsync();
        await using var store = new AzureBlobStore(options with { Key = Convert.ToBase64String("wrong"u8) });
        foreach (var error in await CloudCalls.ErrorsOfAllAsync(store, Cancel))
        {
            Assert.Equal((false, false), (error.Transient, error.OutcomeUnknown));
            Assert.Contains("AZURE_STORAGE_KEY", error.Message, StringComparison.Ordinal);
        }

        var nonsense = Assert.Throws<PuffException>(() => new AzureBlobStore(options with { Key = "not base64!" }));
        Assert.DoesNotContain("not base64!", nonsense.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingContainerIsAnErrorNotAnAbsentObject()
    {
        await using var store = new AzureBlobStore(await AzureTestServer.OptionsAsync() with { Container = "no-such-container" });
        foreach (var error in await CloudCalls.ErrorsOfAllAsync(store, Cancel))
        {
            Assert.False(error.Transient);
            Assert.Matches("ContainerNotFound; create the container", error.Message);
        }
    }

    [Fact]
    public async Task SharedAccessSignatureSignsIn()
    {
        var options = await AzureTestServer.OptionsAsync();
        await using var store = new AzureBlobStore(options with { Key = null, SharedAccessSignature = "?" + AccountSignature(options.Key!, "rwdlc") });
        Assert.Equal(PutStatus.Written, (await store.PutAsync("a b/c%", "x"u8.ToArray(), PutCondition.Absent, User, Cancel)).Status);
        Assert.Equal(PutStatus.PreconditionFailed, (await store.PutAsync("a b/c%", "y"u8.ToArray(), PutCondition.Absent, User, Cancel)).Status);
        Assert.True(await store.CopyAsync("a b/c%", "copy", User, Cancel));
        Assert.Equal(["a b/c%", "copy"], (await store.ListAsync(new ListOptions(""), User, Cancel)).Objects.Select(info => info.Key));

        await using var reader = new AzureBlobStore(options with { Key = null, SharedAccessSignature = AccountSignature(options.Key!, "rl") });
        Assert.NotNull(await reader.HeadAsync("copy", User, Cancel));
        var error = await Assert.ThrowsAsync<StoreException>(async () => await reader.PutAsync("d", default, PutCondition.None, User, Cancel));
        Assert.Equal((false, false), (error.Transient, error.OutcomeUnknown));
        Assert.DoesNotContain("sig=", error.Message, StringComparison.Ordinal);
        await store.DeleteAsync("a b/c%", User, Cancel);
        await store.DeleteAsync("copy", User, Cancel);
    }

    [Fact]
    public async Task TwoWritersOfOneKeyDoNotMix()
    {
        await using var store = new AzureBlobStore(await AzureTestServer.OptionsAsync());
        await using var first = await store.CreateAsync("object", User, Cancel);
        await using var second = await store.CreateAsync("object", User, Cancel);
        byte[] ones = new byte[AzureBlockWriter.PartBytes + 5];
        byte[] twos = new byte[AzureBlockWriter.PartBytes + 9];
        ones.AsSpan().Fill(1);
        twos.AsSpan().Fill(2);
        await first.WriteAsync(ones, Cancel);
        await second.WriteAsync(twos, Cancel);
        string etag = await second.CompleteAsync(Cancel);

        // The service drops the blocks that had arrived when the second's became the blob. If the first's had, it fails with a clear message; if it was still
        // on its way, the first simply comes later. Never is the blob a part of each.
        byte[] expected = ones;
        try
        {
            etag = await first.CompleteAsync(Cancel);
        }
        catch (StoreException error)
        {
            Assert.Contains("InvalidBlockList", error.Message, StringComparison.Ordinal);
            expected = twos;
        }

        Assert.Equal(etag, (await store.HeadAsync("object", User, Cancel))!.ETag);
        var content = (await store.MapAsync("object", User, Cancel))!;
        Assert.True(content.Span.SequenceEqual(expected));
        content.Release();
        await store.DeleteAsync("object", User, Cancel);
    }

    [Fact]
    public async Task ListingsOfManyPagesGoOnFromMarkers()
    {
        var options = await AzureTestServer.OptionsAsync();
        await using var store = new AzureBlobStore(options);
        string[] keys = [.. Enumerable.Range(0, 5200).Select(i => i.ToString("D5", CultureInfo.InvariantCulture))];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel };
        await Parallel.ForEachAsync(keys, parallel, async (key, stop) => await store.PutAsync(key, default, PutCondition.None, User, stop));
        foreach (var reader in new[] { store, new AzureBlobStore(options) })
        {
            var seen = new List<string>();
            string? next = null;
            do
            {
                var page = await reader.ListAsync(new ListOptions("", next), User, Cancel);
                seen.AddRange(page.Objects.Select(info => info.Key));
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal(keys, seen);
        }

        await using var fresh = new AzureBlobStore(options);
        Assert.Equal(["05101", "05102"], (await fresh.ListAsync(new ListOptions("", "05100", Limit: 2), User, Cancel)).Objects.Select(info => info.Key));
    }

    [Fact]
    public async Task AddressOpensAStoreThatRetries()
    {
        var options = await AzureTestServer.OptionsAsync();
        string text = $"az://{options.Container}/{options.Prefix}?account={options.Account}&endpoint={options.Endpoint}";
        var variables = new Dictionary<string, string> { ["AZURE_STORAGE_KEY"] = options.Key! };
        await using var store = await ObjectStoreUri.Parse(text, variables.GetValueOrDefault).OpenAsync(cancellation: Cancel);
        Assert.IsType<ExtentObjectStore>(store);
        Assert.Equal($"az://{options.Container}/{options.Prefix} of account puff at {options.Endpoint}", store.Description);
        Assert.Null(await store.HeadAsync("none", User, Cancel));
    }

    [Theory]
    [InlineData("a/b.c", "a/b.c")]
    [InlineData("a./b..", "a%2E/b.%2E")]
    [InlineData("50%\\x\t", "50%25%5Cx%09")]
    [InlineData("ü\uFFFF", "ü%EF%BF%BF")]
    public void NamesThatTheServiceWouldChangeAreEncoded(string key, string name)
    {
        Assert.Equal(name, AzureNames.Encode(key));
        Assert.Equal(key, AzureNames.Decode(name));
    }

    /// <summary>A signature for the whole account, valid for an hour (the service's REST documentation, "Create an account SAS").</summary>
    private static string AccountSignature(string key, string permissions)
    {
        const string version = "2021-12-02";
        string expiry = DateTimeOffset.UtcNow.AddHours(1).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        string text = $"{AzureTestAccess.Account}\n{permissions}\nb\nco\n\n{expiry}\n\n\n{version}\n\n";
        string signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(key), System.Text.Encoding.UTF8.GetBytes(text)));
        return $"sv={version}&ss=b&srt=co&sp={permissions}&se={Uri.EscapeDataString(expiry)}&sig={Uri.EscapeDataString(signature)}";
    }
}
