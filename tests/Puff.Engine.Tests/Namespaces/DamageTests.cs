using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Storage;
using Puff.TestKit.Segments;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Damaged, missing and unreachable objects seen through the front door: named, never taken for absence, and harmless to everything else.</summary>
public sealed class DamageTests
{
    private const string Current = "puff/ns/docs/current";

    [Fact]
    public async Task A_damaged_entry_stops_every_strong_read_and_write_and_is_named()
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        var behind = await fixture.OpenAsync();
        await writer.WriteAsync("other", Upsert(Row(7)));
        await writer.WriteAsync("docs", Upsert(Row(1)));
        await IdsAsync(behind, "docs");
        await writer.WriteAsync("docs", Upsert(Row(2)));
        string key = await WalKeyAsync(fixture, 2);
        await DamageAsync(fixture, key);

        foreach (var node in new[] { behind, await fixture.OpenAsync() })
        {
            await AssertCorruptAsync(key, () => IdsAsync(node, "docs"));
            await AssertCorruptAsync(key, () => node.WriteAsync("docs", Upsert(Row(3))));
            await AssertCorruptAsync(key, () => node.GetInfoAsync("docs"));
            await AssertCorruptAsync(key, () => node.DeleteAsync("docs"));
            Assert.Equal(Ids(7), await IdsAsync(node, "other"));
            Assert.Equal(["docs", "other"], (await node.ListAsync("", null, 10)).Names);
        }

        // What was known before is still known; nothing was written behind the damage.
        Assert.Equal(Ids(1), await IdsAsync(behind, "docs", consistency: Consistency.Eventual));
        Assert.Equal(Ids(1, 2), await IdsAsync(writer, "docs"));
        Assert.Equal(2, (await WalKeysAsync(fixture)).Count);
    }

    [Fact]
    public async Task Skipping_leaves_the_damaged_entry_out_and_names_it()
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        fixture.Settings = fixture.Settings with { CorruptEntries = CorruptEntryPolicy.Skip };
        var behind = await fixture.OpenAsync();
        await writer.WriteAsync("docs", Upsert(Row(1)));
        await IdsAsync(behind, "docs");
        await writer.WriteAsync("docs", Upsert(Row(2)));
        await writer.WriteAsync("docs", Upsert(Row(3)));
        string key = await WalKeyAsync(fixture, 2);
        await DamageAsync(fixture, key);

        Assert.Equal(Ids(1, 3), await IdsAsync(behind, "docs"));
        Assert.Contains(fixture.Log.Lines, l => l.Contains(key, StringComparison.Ordinal));
        await behind.WriteAsync("docs", Upsert(Row(4)));
        Assert.Equal(Ids(1, 3, 4), await IdsAsync(await fixture.OpenAsync(), "docs"));

        // A flush takes the decision over for good: nobody needs the entry any more.
        Assert.True(await fixture.FlushAsync("docs"));
        Assert.Equal(Ids(1, 3, 4), await IdsAsync(behind, "docs"));
        fixture.Settings = fixture.Settings with { CorruptEntries = CorruptEntryPolicy.Fail };
        Assert.Equal(Ids(1, 3, 4), await IdsAsync(await fixture.OpenAsync(), "docs"));
    }

    [Theory]
    [InlineData(CorruptEntryPolicy.Fail)]
    [InlineData(CorruptEntryPolicy.Skip)]
    public async Task The_last_entry_may_be_the_damaged_one(CorruptEntryPolicy policy)
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        await writer.WriteAsync("docs", Upsert(Row(1)));
        await writer.WriteAsync("docs", Upsert(Row(2)));
        string key = await WalKeyAsync(fixture, 2);
        await DamageAsync(fixture, key);
        fixture.Settings = fixture.Settings with { CorruptEntries = policy };

        var node = await fixture.OpenAsync();
        if (policy == CorruptEntryPolicy.Fail)
        {
            await AssertCorruptAsync(key, () => IdsAsync(node, "docs"));
            return;
        }

        Assert.Equal(Ids(1), await IdsAsync(node, "docs"));
        await node.WriteAsync("docs", Upsert(Row(3)));
        Assert.Equal(Ids(1, 3), await IdsAsync(await fixture.OpenAsync(), "docs"));
        Assert.Equal(3, (await WalKeysAsync(fixture)).Count);
    }

    [Theory]
    [InlineData(CorruptEntryPolicy.Fail)]
    [InlineData(CorruptEntryPolicy.Skip)]
    public async Task An_entry_missing_in_the_middle_is_damage_and_hides_nothing(CorruptEntryPolicy policy)
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        for (ulong i = 1; i <= 4; i++)
        {
            await writer.WriteAsync("docs", Upsert(Row(i)));
        }

        string key = await WalKeyAsync(fixture, 2);
        await fixture.Store.DeleteAsync(key, StorePurpose.User, default);
        fixture.Settings = fixture.Settings with { CorruptEntries = policy };
        var node = await fixture.OpenAsync();

        Assert.Contains((await node.CheckAsync("docs")).Problems, p => p.Key == key);
        if (policy == CorruptEntryPolicy.Fail)
        {
            await AssertCorruptAsync(key, () => IdsAsync(node, "docs"));
            await AssertCorruptAsync(key, () => node.WriteAsync("docs", Upsert(Row(9))));
            Assert.Equal(3, (await WalKeysAsync(fixture)).Count);
        }
        else
        {
            Assert.Equal(Ids(1, 3, 4), await IdsAsync(node, "docs"));
            Assert.Contains(fixture.Log.Lines, l => l.Contains(key, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_damaged_manifest_is_named_and_left_as_it_is()
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        await writer.WriteAsync("docs", Upsert(Row(1)));
        await writer.WriteAsync("other", Upsert(Row(7)));
        await DamageAsync(fixture, Current);
        byte[] damaged = await StoredObjects.ReadAsync(fixture.Store, Current);
        var node = await fixture.OpenAsync();

        await AssertCorruptAsync(Current, () => IdsAsync(node, "docs"));
        await AssertCorruptAsync(Current, () => IdsAsync(node, "docs", consistency: Consistency.Eventual));
        await AssertCorruptAsync(Current, () => node.WriteAsync("docs", Upsert(Row(2))));
        await AssertCorruptAsync(Current, () => node.WriteAsync("copy", new WriteRequest { CopyFromNamespace = "docs" }));
        await AssertCorruptAsync(Current, () => node.WriteAsync("branch", new WriteRequest { BranchFromNamespace = "docs" }));
        await AssertCorruptAsync(Current, () => node.GetInfoAsync("docs"));
        await AssertCorruptAsync(Current, () => node.DeleteAsync("docs"));
        Assert.Equal(["docs", "other"], (await node.ListAsync("", null, 10)).Names);
        Assert.Equal(Ids(7), await IdsAsync(node, "other"));
        Assert.Contains((await node.CheckAsync(null)).Problems, p => p.Key == Current);
        Assert.Equal(damaged, await StoredObjects.ReadAsync(fixture.Store, Current));
    }

    [Fact]
    public async Task Damaged_and_missing_segment_objects_are_named()
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        var rows = Enumerable.Range(0, 50).Select(i => Row((ulong)i, ("a", Value.Int(i)), ("vector", Value.Vector([i, 1f])))).ToArray();
        await writer.WriteAsync("docs", Upsert(rows) with { DistanceMetric = DistanceMetric.EuclideanSquared });
        Assert.True(await fixture.FlushAsync("docs"));
        await writer.WriteAsync("docs", new WriteRequest { Deletes = [Value.UInt(3)] });
        Assert.True(await fixture.FlushAsync("docs"));
        var everything = new QueryRequest
        {
            RankBy = new VectorRank("vector", new VectorOperand([1, 1], 2, false), Exact: true),
            Limit = 100,
            Filters = Eq("a", Value.Int(5)),
            Select = new AttributeSelection(true, null, null),
        };
        Assert.Single((await (await fixture.OpenAsync()).QueryAsync("docs", everything)).Rows!);
        var keys = await fixture.KeysAsync("puff/ns/docs/seg/");
        Assert.Equal(6, keys.Count);

        foreach (string key in keys)
        {
            byte[] whole = await StoredObjects.ReadAsync(fixture.Store, key);
            byte[] flipped = Array.ConvertAll(whole, b => (byte)~b);
            foreach (byte[]? bad in new byte[]?[] { null, [], whole[..^1], flipped })
            {
                if (bad is null)
                {
                    await fixture.Store.DeleteAsync(key, StorePurpose.User, default);
                }
                else
                {
                    await StoredObjects.WriteAsync(fixture.Store, key, bad);
                }

                await using var node = await fixture.OpenAsync();
                await AssertCorruptAsync(key, () => node.QueryAsync("docs", everything));
                Assert.Contains((await node.CheckAsync("docs")).Problems, p => p.Key == key);
            }

            await StoredObjects.WriteAsync(fixture.Store, key, whole);
        }

        Assert.Empty((await (await fixture.OpenAsync()).CheckAsync(null)).Problems);
    }

    [Theory]
    [InlineData(StoreOperation.Get)]
    [InlineData(StoreOperation.List)]
    [InlineData(StoreOperation.Map)]
    public async Task A_store_that_fails_is_never_taken_for_absence(StoreOperation failing)
    {
        await using var fixture = new EngineFixture();
        await (await fixture.OpenAsync()).WriteAsync("docs", Upsert(Row(1)));
        var scripted = new ScriptedStore(fixture.Store);
        var warm = await fixture.OpenAsync(scripted);
        await IdsAsync(warm, "docs");
        scripted.Before = call => call.Operation == failing ? throw new StoreException("the network is down", true, false) : default;
        var cold = await fixture.OpenAsync(scripted);

        await AssertUnavailableAsync(() => IdsAsync(cold, "docs"));
        await AssertUnavailableAsync(() => IdsAsync(cold, "docs", consistency: Consistency.Eventual));
        await AssertUnavailableAsync(() => cold.WriteAsync("docs", Upsert(Row(2))));
        await AssertUnavailableAsync(() => cold.GetInfoAsync("docs"));
        await AssertUnavailableAsync(() => cold.DeleteAsync("docs"));
        await AssertUnavailableAsync(() => cold.WarmAsync("docs"));
        if (failing != StoreOperation.Map)
        {
            await AssertUnavailableAsync(() => cold.WriteAsync("absent", new WriteRequest { Patches = [Row(1)] }));
            await AssertUnavailableAsync(() => cold.ListAsync("", null, 10));
        }
        else
        {
            await AssertUnavailableAsync(() => IdsAsync(warm, "docs"));
        }

        Assert.Equal(Ids(1), await IdsAsync(warm, "docs", consistency: Consistency.Eventual));
        scripted.Before = _ => default;
        Assert.Equal(Ids(1), await IdsAsync(cold, "docs"));
    }

    private static async Task AssertCorruptAsync(string key, Func<Task> act)
    {
        var error = await Assert.ThrowsAsync<PuffException>(act);
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    private static async Task AssertUnavailableAsync(Func<Task> act) =>
        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAnyAsync<PuffException>(act)).Kind);

    private static async Task DamageAsync(EngineFixture fixture, string key)
    {
        byte[] bytes = await StoredObjects.ReadAsync(fixture.Store, key);
        bytes[^1] ^= 0x40;
        await StoredObjects.WriteAsync(fixture.Store, key, bytes);
    }

    private static async Task<string> WalKeyAsync(EngineFixture fixture, int number) => (await WalKeysAsync(fixture))[number - 1];

    private static Task<List<string>> WalKeysAsync(EngineFixture fixture) => fixture.KeysAsync("puff/ns/docs/wal/");
}
