using Puff.Edge.Transport;
using Xunit;
using static Puff.Edge.Tests.EdgeFixture;

namespace Puff.Edge.Tests;

/// <summary>The blob service on every engine: conformance list 1, 4, 5 and 6.</summary>
public sealed class BlobTests
{
    public static TheoryData<EdgeEngine> Engines => [.. EdgeEngines.All];

    /// <summary>Data given, metadata to be updated, metadata given → data, metadata afterwards.</summary>
    public static TheoryData<EdgeEngine, string?, bool, string?, string, string?> Updates
    {
        get
        {
            var rows = new TheoryData<EdgeEngine, string?, bool, string?, string, string?>();
            foreach (EdgeEngine engine in EdgeEngines.All)
            {
                rows.Add(engine, null, false, null, "old", "old text");
                rows.Add(engine, null, false, "given", "old", "old text");
                rows.Add(engine, "new", false, null, "new", "old text");
                rows.Add(engine, "new", false, "given", "new", "old text");
                rows.Add(engine, null, true, "given", "old", "given");
                rows.Add(engine, null, true, null, "old", null);
                rows.Add(engine, "new", true, "given", "new", "given");
                rows.Add(engine, "new", true, null, "new", null);
                rows.Add(engine, "", true, "", "", "");
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Updates))]
    public async Task An_update_changes_what_it_says_and_keeps_the_rest(
        EdgeEngine engine, string? data, bool setsMetadata, string? metadata, string newData, string? newMetadata)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        ulong id = await edge.BlobClient.StoreAsync("old"u8.ToArray(), "old text");
        await edge.BlobClient.UpdateAsync(id, data is null ? null : System.Text.Encoding.UTF8.GetBytes(data), setsMetadata, metadata);
        StoredBlob blob = await edge.BlobClient.GetAsync(id);
        Assert.Equal((newData, newMetadata), (System.Text.Encoding.UTF8.GetString(blob.Data), blob.Metadata));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Empty_metadata_is_not_no_metadata_and_data_may_be_any_bytes(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        byte[] data = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        ulong none = await edge.BlobClient.StoreAsync(data);
        ulong empty = await edge.BlobClient.StoreAsync([], "");
        Assert.Equal((1ul, 2ul), (none, empty));
        StoredBlob first = await edge.BlobClient.GetAsync(none);
        Assert.Equal(data, first.Data);
        Assert.Null(first.Metadata);
        StoredBlob second = await edge.BlobClient.GetAsync(empty);
        Assert.Equal([], second.Data);
        Assert.Equal("", second.Metadata);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Ids_ascend_and_are_not_given_out_again_after_a_removal_or_a_restart(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        Assert.Equal([1, 2, 3], await edge.BlobClient.StoreAsync(Stream(Enumerable.Repeat(new StoredBlob([1], null), 3))).ToListAsync());
        Assert.Equal([3, 2], await edge.BlobClient.DeleteAsync(Stream(3ul, 2ul)).ToListAsync());
        if (engine != EdgeEngine.Memory)
        {
            await edge.RestartAsync();
        }

        Assert.Equal(4ul, await edge.BlobClient.StoreAsync([1]));
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(() => edge.BlobClient.GetAsync(3))).Status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_missing_id_is_answered_by_update_and_delete_and_refused_by_get(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.BlobClient.UpdateAsync(99, [1], false, null);
        Assert.Equal([99, ulong.MaxValue], await edge.BlobClient.DeleteAsync(Stream(99ul, ulong.MaxValue)).ToListAsync());
        foreach (ulong id in (ulong[])[0, 99, 1ul << 63, ulong.MaxValue])
        {
            var error = await Assert.ThrowsAsync<EdgeException>(() => edge.BlobClient.GetAsync(id));
            Assert.Equal((GrpcStatus.NotFound, $"blob {id} does not exist"), (error.Status, error.Message));
        }

        await using var strict = edge.Open("/buffdb.blob.Blob/Update", default, ("edge-strict", "1"));
        await strict.WriteAsync((byte[])[.. Messages.Number(1, 99), .. Messages.Field(2, [1])]);
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(strict.ReadAsync)).Status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Data_are_compared_and_metadata_are_not(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        ulong a = await edge.BlobClient.StoreAsync([1, 2], "one");
        ulong b = await edge.BlobClient.StoreAsync([1, 2], "two");
        ulong c = await edge.BlobClient.StoreAsync([1], "one");
        Assert.True(await edge.BlobClient.EqDataAsync(Stream(a, b)));
        Assert.False(await edge.BlobClient.EqDataAsync(Stream(a, c)));
        Assert.True(await edge.BlobClient.NotEqDataAsync(Stream(a, c)));
        Assert.False(await edge.BlobClient.NotEqDataAsync(Stream(a, c, b)));
        // Release 0.2 packs several ids into one message.
        await using var packed = edge.Open("/blob.Blob/EqData");
        await packed.WriteAsync(Messages.Field(1, [(byte)a, (byte)b]));
        await packed.CompleteAsync();
        Assert.Equal<byte>((byte[])[0x08, 0x01], await packed.ReadAsync());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_blob_of_many_windows_comes_back_in_one_piece(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine, new EdgeServerOptions { Addresses = [new(System.Net.IPAddress.Loopback, 0)] });
        byte[] data = new byte[20 << 20];
        new Random(7).NextBytes(data);
        ulong id = await edge.BlobClient.StoreAsync(data, "large");
        StoredBlob blob = await edge.BlobClient.GetAsync(id);
        Assert.True(data.AsSpan().SequenceEqual(blob.Data));
        Assert.Equal("large", blob.Metadata);
    }
}
