using Puff.Edge.Transport;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>Transactions (2.4): own writes are seen, others' are not, conflicts are told in band.</summary>
public sealed class TransactionTests
{
    public static TheoryData<EdgeEngine> Engines => [.. EdgeEngines.All];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Staged_writes_are_seen_inside_only_until_the_commit(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync("a", "old");
        string id = await edge.KvClient.BeginTransactionAsync();
        Assert.True(Guid.TryParseExact(id, "D", out _));
        await edge.KvClient.SetAsync("a", "new", id);
        await edge.KvClient.SetAsync("b", "added", id);
        Assert.Equal("new", await edge.KvClient.GetAsync("a", id));
        Assert.Equal("old", await edge.KvClient.GetAsync("a"));
        Assert.Null(await edge.KvClient.CommitAsync(id));
        Assert.Equal("new", await edge.KvClient.GetAsync("a"));
        Assert.Equal("added", await edge.KvClient.GetAsync("b"));
        Assert.Contains("unknown", await edge.KvClient.CommitAsync(id), StringComparison.Ordinal);
        Assert.Equal(GrpcStatus.FailedPrecondition, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.SetAsync("a", "late", id))).Status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_key_that_was_read_and_changed_meanwhile_fails_the_commit(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync("a", "1");
        string id = await edge.KvClient.BeginTransactionAsync();
        Assert.Equal("1", await edge.KvClient.GetAsync("a", id));
        await edge.KvClient.SetAsync("b", "from inside", id);
        await edge.KvClient.SetAsync("a", "2");
        Assert.Contains("changed meanwhile", await edge.KvClient.CommitAsync(id), StringComparison.Ordinal);
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.GetAsync("b"))).Status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_rollback_leaves_nothing(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        string id = await edge.KvClient.BeginTransactionAsync();
        await edge.KvClient.SetAsync("a", "1", id);
        Assert.Null(await edge.KvClient.RollbackAsync(id));
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.GetAsync("a"))).Status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_read_only_one_sees_one_state_and_writes_nothing(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        await edge.KvClient.SetAsync("a", "1");
        await edge.KvClient.SetAsync("b", "1");
        string id = await edge.KvClient.BeginTransactionAsync(isReadOnly: true);
        Assert.Equal("1", await edge.KvClient.GetAsync("a", id));
        await edge.KvClient.SetAsync("b", "2");
        Assert.Equal("1", await edge.KvClient.GetAsync("b", id));
        Assert.Equal(GrpcStatus.FailedPrecondition, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.SetAsync("c", "1", id))).Status);
        Assert.Null(await edge.KvClient.CommitAsync(id));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Blobs_take_part_under_the_ids_they_were_promised(EdgeEngine engine)
    {
        await using var edge = await EdgeFixture.StartAsync(engine);
        string id = await edge.KvClient.BeginTransactionAsync();
        await using var store = edge.Open("/buffdb.blob.Blob/Store");
        await store.WriteAsync((byte[])[.. Messages.Field(1, [1, 2, 3]), .. Messages.Field(3, System.Text.Encoding.UTF8.GetBytes(id))]);
        Assert.Equal(Messages.Number(1, 1), await store.ReadAsync());
        // Another store meanwhile gets another id.
        Assert.Equal(2ul, await edge.BlobClient.StoreAsync([9]));
        await edge.KvClient.SetAsync("picture", "1", id);
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<EdgeException>(() => edge.BlobClient.GetAsync(1))).Status);
        Assert.Null(await edge.KvClient.CommitAsync(id));
        Assert.Equal([1, 2, 3], (await edge.BlobClient.GetAsync(1)).Data);
        Assert.Equal("1", await edge.KvClient.GetAsync("picture"));
    }

    [Fact]
    public async Task There_is_an_end_to_open_transactions_and_to_what_they_stage()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory);
        string id = await edge.KvClient.BeginTransactionAsync();
        string value = new('x', 40 << 20);
        await edge.KvClient.SetAsync("a", value, id);
        Assert.Equal(GrpcStatus.ResourceExhausted, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.SetAsync("b", value, id))).Status);
        for (int open = 1; open < 1_024; open++)
        {
            await edge.KvClient.BeginTransactionAsync();
        }

        Assert.Equal(GrpcStatus.ResourceExhausted, (await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.BeginTransactionAsync())).Status);
        Assert.Null(await edge.KvClient.RollbackAsync(id));
        await edge.KvClient.BeginTransactionAsync();
    }
}
