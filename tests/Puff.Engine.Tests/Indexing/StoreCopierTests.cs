using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Tests.Storage;
using Puff.TestKit.Segments;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Copies of namespaces in other stores: consistent, verified, resumable, and back again.</summary>
public sealed class StoreCopierTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_copy_is_the_namespace_and_the_next_one_brings_only_what_is_new()
    {
        var time = new SkippingTime();
        await using var from = new EngineFixture { Time = time };
        await using var to = new EngineFixture { Time = time };
        from.Settings = from.Settings with { MergeFanIn = 3 };
        var engine = await from.OpenAsync();
        ulong next = 0;
        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 3; i++)
            {
                await engine.WriteAsync("docs", new WriteRequest { Upserts = [Row(next++), Row(next++)], Deletes = next > 8 ? [Value.UInt(next / 4)] : null });
            }

            if (round % 3 == 1)
            {
                await from.FlushAsync("docs");
                await from.MergeAsync("docs");
            }

            var report = await engine.CopyToAsync("docs", to.Store, new CopyOptions { ReadBack = round % 2 == 0 });
            Assert.Equal((round + 1) * 3, report.Sequence);
            Assert.Equal(await IdsAsync(engine, "docs"), await IdsAsync(await to.OpenAsync(), "docs"));
            Assert.Empty((await (await to.OpenAsync()).CheckAsync(null)).Problems);
            Assert.Equal(0, (await engine.CopyToAsync("docs", to.Store)).Objects);
            time.Advance(Grace / 3);
        }

        // What earlier copies needed is gone a grace period later.
        time.Advance(Grace * 2);
        await engine.CopyToAsync("docs", to.Store);
        time.Advance(Grace * 2);
        await engine.CopyToAsync("docs", to.Store);
        Assert.Empty((await (await to.OpenAsync()).CheckAsync(null)).Unreferenced);
    }

    [Fact]
    public async Task An_interrupted_copy_is_not_there_and_goes_on_where_it_was()
    {
        await using var from = new EngineFixture();
        await using var to = new EngineFixture();
        var engine = await from.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await from.FlushAsync("docs");
        await engine.WriteAsync("docs", Upsert(Row(2)));
        var scripted = new ScriptedStore(to.Store);
        int interruptions = 0;
        for (CopyReport? report = null; report is null;)
        {
            int left = 1;
            scripted.Before = call =>
            {
                if (call.Operation is StoreOperation.Put or StoreOperation.Write && left-- <= 0)
                {
                    throw new StoreException("the line is cut", transient: true, outcomeUnknown: false);
                }

                return default;
            };
            try
            {
                report = await engine.CopyToAsync("docs", scripted);
                Assert.InRange(report.PresentObjects, 3, 10);
            }
            catch (StoreException)
            {
                Assert.Empty((await (await to.OpenAsync()).ListAsync("", null, 10)).Names);
                Assert.True(interruptions++ < 10);
            }
        }

        Assert.InRange(interruptions, 3, 10);
        Assert.Equal(Ids(1, 2), await IdsAsync(await to.OpenAsync(), "docs"));
    }

    [Fact]
    public async Task Damage_at_the_source_is_named_and_the_copy_stays_as_it_was()
    {
        await using var from = new EngineFixture();
        await using var to = new EngineFixture();
        var engine = await from.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("a", Value.String("x")))));
        await engine.CopyToAsync("docs", to.Store);
        await from.FlushAsync("docs");
        foreach (string key in (await from.KeysAsync("puff/ns/docs/seg/")).Append("puff/ns/docs/current"))
        {
            byte[] sound = await StoredObjects.ReadAsync(from.Store, key);
            byte[] damaged = [.. sound];
            damaged[damaged.Length / 3] ^= 16;
            await StoredObjects.WriteAsync(from.Store, key, damaged);
            var error = await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("docs", to.Store));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains(key, error.Message, StringComparison.Ordinal);
            Assert.Equal(Ids(1), await IdsAsync(await to.OpenAsync(), "docs"));
            await using var fresh = new EngineFixture();
            Assert.Equal(ErrorKind.Corrupt, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("docs", fresh.Store))).Kind);
            Assert.Empty((await (await fresh.OpenAsync()).ListAsync("", null, 10)).Names);
            await ForgetAsync(to);
            await StoredObjects.WriteAsync(from.Store, key, sound);
        }

        await engine.CopyToAsync("docs", to.Store);
        Assert.Empty((await (await to.OpenAsync()).CheckAsync(null)).Problems);

        // What is at the target already is not read at the source again.
        static async Task ForgetAsync(EngineFixture target)
        {
            foreach (string copied in await target.KeysAsync("puff/ns/docs/seg/"))
            {
                await target.Store.DeleteAsync(copied, StorePurpose.User, default);
            }
        }

        // Damage at the target is found and mended by reading back.
        string part = (await to.KeysAsync("puff/ns/docs/seg/"))[^1];
        byte[] there = await StoredObjects.ReadAsync(to.Store, part);
        there[8] ^= 1;
        await StoredObjects.WriteAsync(to.Store, part, there);
        Assert.Equal(0, (await engine.CopyToAsync("docs", to.Store)).Objects);
        Assert.Equal(1, (await engine.CopyToAsync("docs", to.Store, new CopyOptions { ReadBack = true })).Objects);
        Assert.Empty((await (await to.OpenAsync()).CheckAsync(null)).Problems);
    }

    [Fact]
    public async Task A_target_with_writes_of_its_own_is_refused()
    {
        await using var from = new EngineFixture();
        await using var to = new EngineFixture();
        var engine = await from.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await engine.WriteAsync("other", Upsert(Row(1)));
        var there = await to.OpenAsync();
        await there.WriteAsync("docs", Upsert(Row(7)));
        Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("docs", to.Store))).Kind);
        await engine.CopyToAsync("other", to.Store);

        // Indexing a copy is no write; a write is, indexed or not.
        await to.FlushAsync("other");
        await engine.WriteAsync("other", Upsert(Row(2)));
        await engine.CopyToAsync("other", to.Store);
        await (await to.OpenAsync()).WriteAsync("other", Upsert(Row(9)));
        Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("other", to.Store))).Kind);
        await to.FlushAsync("other");
        Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("other", to.Store))).Kind);
        Assert.Equal(Ids(1, 2, 9), await IdsAsync(await to.OpenAsync(), "other"));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("nothing", to.Store))).Kind);
    }

    [Fact]
    public async Task A_backup_comes_back_into_the_store_it_came_from_after_a_deletion()
    {
        var time = new SkippingTime();
        await using var from = new EngineFixture { Time = time };
        await using var to = new EngineFixture { Time = time };
        var engine = await from.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1), Row(2)));
        await from.FlushAsync("docs");
        await engine.WriteAsync("docs", Upsert(Row(3)));
        await engine.CopyToAsync("docs", to.Store);
        await engine.WriteAsync("docs", Upsert(Row(4)));
        await engine.DeleteAsync("docs");
        await from.FlushAsync("docs");
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => engine.CopyToAsync("docs", to.Store))).Kind);

        await (await to.OpenAsync()).CopyToAsync("docs", from.Store);
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(engine, "docs"));
        await engine.WriteAsync("docs", Upsert(Row(5)));
        await from.FlushAsync("docs");
        for (int turn = 0; turn < 6; turn++)
        {
            time.Advance(Grace * 3);
            await from.CollectAsync("docs");
            var cold = await from.OpenAsync();
            Assert.Equal(Ids(1, 2, 3, 5), await IdsAsync(cold, "docs"));
            Assert.Empty((await cold.CheckAsync(null)).Problems);
        }

        Assert.Empty((await engine.CheckAsync(null)).Unreferenced);
    }

    [Fact]
    public async Task A_branch_is_copied_with_what_it_needs_of_its_parents_with_them_or_without()
    {
        var time = new SkippingTime();
        await using var from = new EngineFixture { Time = time };
        await using var to = new EngineFixture { Time = time };
        var engine = await from.OpenAsync();
        await engine.WriteAsync("parent", Upsert(Row(1), Row(2)));
        await from.FlushAsync("parent");
        await engine.WriteAsync("parent", Upsert(Row(3)));
        engine = await from.OpenAsync();
        await engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "parent" });
        await engine.WriteAsync("child", Upsert(Row(4)));
        await engine.CopyToAsync("child", to.Store);
        await AssertAsync();
        await engine.WriteAsync("parent", new WriteRequest { Deletes = [Value.UInt(1)], Upserts = [Row(9)] });
        await from.FlushAsync("parent");
        await engine.CopyToAsync("parent", to.Store);
        for (int turn = 0; turn < 5; turn++)
        {
            time.Advance(Grace * 3);
            await to.CollectAsync("parent");
            await to.CollectAsync("child");
            await AssertAsync();
        }

        Assert.Equal(Ids(2, 3, 9), await IdsAsync(await to.OpenAsync(), "parent"));

        async Task AssertAsync()
        {
            var cold = await to.OpenAsync();
            Assert.Equal(Ids(1, 2, 3, 4), await IdsAsync(cold, "child"));
            Assert.Empty((await cold.CheckAsync("child")).Problems);
        }
    }

    /// <summary>Writes, indexing and collection go on during the copy: it holds what was acknowledged before it, and only whole writes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_copy_taken_while_writes_go_on_is_a_state_the_source_had(int seed)
    {
        var time = new SkippingTime();
        await using var from = new EngineFixture { Time = time, Seed = seed };
        await using var to = new EngineFixture { Time = time };
        from.Settings = from.Settings with { MergeFanIn = 2, History = TimeSpan.Zero };
        var engine = await from.OpenAsync();
        var random = new Xorshift(seed);
        ulong written = 0;
        await WriteAsync();
        var scripted = new ScriptedStore(from.Store);
        bool isBusy = false;
        scripted.Before = async call =>
        {
            if (!isBusy && random.Next(2) == 0)
            {
                isBusy = true;
                await WriteAsync();
                isBusy = false;
            }
        };
        for (int round = 0; round < 12; round++)
        {
            ulong before = written;
            var report = await (await from.OpenAsync(scripted)).CopyToAsync("docs", to.Store);
            var ids = (await IdsAsync(await to.OpenAsync(), "docs")).Order().ToArray();
            Assert.InRange((ulong)ids.Length, before, written);
            Assert.Equal(Enumerable.Range(0, ids.Length).Select(i => (ulong)i), ids);
            Assert.Equal(ids.Length, report.Sequence);
            Assert.Empty((await (await to.OpenAsync()).CheckAsync(null)).Problems);
        }

        async Task WriteAsync()
        {
            await engine.WriteAsync("docs", Upsert(Row(written++)));
            if (random.Next(3) == 0)
            {
                await from.FlushAsync("docs");
                await from.MergeAsync("docs");
                time.Advance(Grace * random.Next(3) / 2);
                await from.CollectAsync("docs");
            }
        }
    }
}
