using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>How many requests the store gets: these numbers are money and latency, so they are promises.</summary>
public sealed class RequestCountTests
{
    [Fact]
    public async Task A_commit_is_one_put_a_strong_read_one_get_and_an_eventual_read_none()
    {
        await using var fixture = new EngineFixture();
        var store = new CountingObjectStore(fixture.Store);
        var engine = await fixture.OpenAsync(store);
        await engine.WriteAsync("docs", Upsert(Row(1)));

        var write = await CountAsync(store, () => engine.WriteAsync("docs", Upsert(Row(2))));
        Assert.Equal(1, write[StoreOperation.Put, StorePurpose.Wal].Requests);
        Assert.Equal(1, write.Total.Requests);

        var read = await CountAsync(store, () => IdsAsync(engine, "docs"));
        Assert.Equal(1, read[StoreOperation.Map, StorePurpose.Wal].Requests);
        Assert.Equal(1, read.Total.Requests);

        Assert.Equal(0, (await CountAsync(store, () => IdsAsync(engine, "docs", consistency: Consistency.Eventual))).Total.Requests);
        Assert.Equal(1, (await CountAsync(store, () => engine.DeleteAsync("docs"))).Total.Requests);
    }

    [Fact]
    public async Task Creating_costs_two_looks_and_two_puts()
    {
        await using var fixture = new EngineFixture();
        var store = new CountingObjectStore(fixture.Store);
        var engine = await fixture.OpenAsync(store);

        var count = await CountAsync(store, () => engine.WriteAsync("docs", Upsert(Row(1))));

        Assert.Equal(1, count[StoreOperation.Get, StorePurpose.Manifest].Requests);
        Assert.Equal(1, count[StoreOperation.List, StorePurpose.Wal].Requests);
        Assert.Equal(1, count[StoreOperation.Put, StorePurpose.Manifest].Requests);
        Assert.Equal(1, count[StoreOperation.Put, StorePurpose.Wal].Requests);
        Assert.Equal(4, count.Total.Requests);
    }

    [Fact]
    public async Task Writes_that_wait_share_one_put()
    {
        await using var fixture = new EngineFixture();
        var scripted = new ScriptedStore(fixture.Store);
        var store = new CountingObjectStore(scripted);
        var engine = await fixture.OpenAsync(store);
        await engine.WriteAsync("docs", Upsert(Row(0)));
        var before = store.Snapshot();
        var release = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        scripted.Before = async call =>
        {
            arrived.TrySetResult();
            await release.Task;
        };

        var first = engine.WriteAsync("docs", Upsert(Row(1)));
        await arrived.Task;
        var others = Enumerable.Range(2, 300).Select(i => engine.WriteAsync("docs", Upsert(Row((ulong)i)))).ToArray();
        release.SetResult();
        await Task.WhenAll([first, .. others]);

        Assert.Equal(2, store.Snapshot().Since(before).Total.Requests);
        Assert.Equal(302, (await IdsAsync(engine, "docs")).Length);
    }

    [Fact]
    public async Task Strong_reads_that_come_together_share_two_probes_at_most()
    {
        await using var fixture = new EngineFixture();
        var scripted = new ScriptedStore(fixture.Store);
        var store = new CountingObjectStore(scripted);
        var engine = await fixture.OpenAsync(store);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        var before = store.Snapshot();
        var release = new TaskCompletionSource();
        scripted.Before = async _ => await release.Task;

        // More may not run at once than the gate lets in; the others come in waves that share as well.
        var readers = Enumerable.Range(0, fixture.Settings.MaxConcurrentQueries).Select(_ => IdsAsync(engine, "docs")).ToArray();
        release.SetResult();
        await Task.WhenAll(readers);

        Assert.InRange(store.Snapshot().Since(before).Total.Requests, 1, 2);
    }

    [Fact]
    public async Task A_read_never_shares_a_probe_that_began_before_it()
    {
        await using var fixture = new EngineFixture();
        var scripted = new ScriptedStore(fixture.Store);
        var reader = await fixture.OpenAsync(scripted);
        var writer = await fixture.OpenAsync();
        await writer.WriteAsync("docs", Upsert(Row(1)));
        await IdsAsync(reader, "docs");
        var release = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        scripted.After = async call =>
        {
            arrived.TrySetResult();
            await release.Task;
        };

        // The first probe has seen nothing new when the write is acknowledged; its reply is on its way.
        var early = IdsAsync(reader, "docs");
        await arrived.Task;
        await writer.WriteAsync("docs", Upsert(Row(2)));
        var late = Enumerable.Range(0, 5).Select(_ => IdsAsync(reader, "docs")).ToArray();
        release.SetResult();

        await early;
        Assert.All(await Task.WhenAll(late), ids => Assert.Equal(Ids(1, 2), ids));
    }

    [Fact]
    public async Task A_branch_costs_the_same_however_large_the_parent()
    {
        await using var fixture = new EngineFixture();
        var store = new CountingObjectStore(fixture.Store);
        var engine = await fixture.OpenAsync(store);
        var costs = new List<(long Requests, long Bytes)>();
        foreach (int documents in new[] { 10, 10_000 })
        {
            string parent = $"parent-{documents}";
            await engine.WriteAsync(parent, Upsert(Enumerable.Range(0, documents).Select(i => Row((ulong)i)).ToArray()));
            await fixture.FlushAsync(parent);
            await IdsAsync(engine, parent);
            await engine.WriteAsync(parent, Upsert(Row(20_000)));
            var count = await CountAsync(store, () => engine.WriteAsync($"child-{documents}", new WriteRequest { BranchFromNamespace = parent }));
            Assert.Equal(0, count[StoreOperation.Copy, StorePurpose.Segment].Requests + count.Of(StoreOperation.Write).Requests);
            costs.Add((count.Total.Requests, count.Total.BytesSent));
            Assert.Equal(documents + 1, (await engine.QueryAsync($"child-{documents}", CountAll)).Aggregations!.Single().Value.AsInt);
        }

        Assert.Equal(costs[0].Requests, costs[1].Requests);
        Assert.InRange(costs[1].Bytes - costs[0].Bytes, -100, 100);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public async Task A_cold_start_is_two_looks_and_one_map_a_part_or_entry(int segments)
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        ulong id = 0;
        for (int i = 0; i < segments; i++)
        {
            await writer.WriteAsync("docs", Upsert(Row(id++)));
            Assert.True(await fixture.FlushAsync("docs"));
        }

        for (int i = 0; i < 3; i++)
        {
            await writer.WriteAsync("docs", Upsert(Row(id++)));
        }

        var store = new CountingObjectStore(fixture.Store);
        var cold = await fixture.OpenAsync(store);
        var count = await CountAsync(store, () => IdsAsync(cold, "docs"));

        Assert.Equal(1, count[StoreOperation.Get, StorePurpose.Manifest].Requests);
        Assert.Equal(1, count[StoreOperation.List, StorePurpose.Wal].Requests);
        Assert.Equal(3 * segments, count[StoreOperation.Map, StorePurpose.Segment].Requests);
        Assert.Equal(3, count[StoreOperation.Map, StorePurpose.Wal].Requests);
        Assert.Equal(5 + 3 * segments, count.Total.Requests);
    }

    private static QueryRequest CountAll => new() { AggregateBy = [new Aggregation("n", AggregateFunction.Count, null)] };

    private static async Task<StoreCounts> CountAsync(CountingObjectStore store, Func<Task> act)
    {
        var before = store.Snapshot();
        await act();
        return store.Snapshot().Since(before);
    }
}
