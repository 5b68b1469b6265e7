using Puff.Engine.Formats;
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

/// <summary>What the collector deletes and when; above all what it leaves alone.</summary>
public sealed class CollectorTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    [Fact]
    public async Task Trimmed_entries_and_retired_objects_go_after_grace_and_not_before()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 2 };
        fixture.Settings = fixture.Settings with { History = TimeSpan.Zero };
        var engine = await fixture.OpenAsync();
        for (ulong i = 0; i < 2; i++)
        {
            await engine.WriteAsync("docs", Upsert(Row(i)));
            await fixture.FlushAsync("docs");
        }

        Assert.Equal(1, await fixture.MergeAsync("docs"));
        int before = (await fixture.KeysAsync("puff/")).Count;

        Assert.Equal(0, await fixture.CollectAsync("docs"));
        time.Advance(Grace - TimeSpan.FromMinutes(1));
        Assert.Equal(0, await fixture.CollectAsync("docs"));
        Assert.Equal(before, (await fixture.KeysAsync("puff/")).Count);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(2 + 6, await fixture.CollectAsync("docs"));

        // The manifest and one segment of three parts; nothing is remembered about what is gone.
        Assert.Equal(4, (await fixture.KeysAsync("puff/")).Count);
        var cold = await fixture.OpenAsync();
        Assert.Equal(Ids(0, 1), await IdsAsync(cold, "docs"));
        var report = await cold.CheckAsync(null);
        Assert.Empty(report.Problems);
        Assert.Empty(report.Unreferenced);
        Assert.Equal(0, await fixture.CollectAsync("docs"));
        Assert.Equal(Ids(0, 1), await IdsAsync(engine, "docs"));
    }

    [Fact]
    public async Task A_branch_keeps_what_it_needs_of_a_deleted_parent_and_lets_go_of_it_in_the_end()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { History = TimeSpan.Zero };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("parent", Upsert(Row(1), Row(2)));
        await fixture.FlushAsync("parent");
        await engine.WriteAsync("parent", Upsert(Row(3)));

        // A node that knows of the flush: the branch begins with the segment and one log entry.
        engine = await fixture.OpenAsync();
        await engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "parent" });
        await engine.DeleteAsync("parent");
        await fixture.FlushAsync("parent");

        time.Advance(Grace * 5);
        await fixture.CollectAsync("parent");
        await AssertChildAsync(Ids(1, 2, 3));
        await fixture.FlushAsync("child");
        time.Advance(Grace * 5);
        await fixture.CollectAsync("parent");
        await fixture.CollectAsync("child");
        await AssertChildAsync(Ids(1, 2, 3));

        // Without the last document of the parent's segment nothing of the parent is needed any more.
        await engine.WriteAsync("child", new WriteRequest { Deletes = [Value.UInt(1), Value.UInt(2)], Upserts = [Row(9)] });
        await fixture.FlushAsync("child");
        await fixture.CollectAsync("child");
        Assert.Single(await fixture.KeysAsync("puff/ns/parent/pin/"));
        time.Advance(Grace * 5);
        await fixture.CollectAsync("child");
        Assert.Empty(await fixture.KeysAsync("puff/ns/parent/pin/"));
        await fixture.CollectAsync("parent");
        Assert.Equal(["puff/ns/parent/current"], await fixture.KeysAsync("puff/ns/parent/"));
        await AssertChildAsync(Ids(3, 9));

        async Task AssertChildAsync(IEnumerable<ulong> ids)
        {
            var cold = await fixture.OpenAsync();
            Assert.Equal(ids, await IdsAsync(cold, "child"));
            Assert.Empty((await cold.CheckAsync(null)).Problems);
        }
    }

    [Fact]
    public async Task A_parents_log_stays_pinned_for_grace_after_the_branch_has_indexed_it()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("parent", Upsert(Row(1)));
        await engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "parent" });
        await fixture.FlushAsync("parent");
        time.Advance(Grace * 5);
        await fixture.FlushAsync("child");
        await fixture.CollectAsync("child");
        await fixture.CollectAsync("parent");
        Assert.Single(await fixture.KeysAsync("puff/ns/parent/pin/"));
        Assert.Single(await fixture.KeysAsync("puff/ns/parent/wal/"));

        time.Advance(Grace + TimeSpan.FromMinutes(1));
        await fixture.CollectAsync("child");
        await fixture.CollectAsync("parent");
        Assert.Empty(await fixture.KeysAsync("puff/ns/parent/pin/"));
        Assert.Empty(await fixture.KeysAsync("puff/ns/parent/wal/"));
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "child"));
    }

    [Fact]
    public async Task Orphans_of_a_crashed_indexer_go_after_twice_grace()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { History = TimeSpan.Zero };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await fixture.FlushAsync("docs");
        await StoredObjects.WriteAsync(fixture.Store, "puff/ns/docs/seg/orphan.rows", new byte[10]);
        await StoredObjects.WriteAsync(fixture.Store, "puff/ns/docs/strange", new byte[10]);

        time.Advance(Grace * 2 - TimeSpan.FromMinutes(1));
        await fixture.CollectAsync("docs");
        Assert.Contains("puff/ns/docs/seg/orphan.rows", await fixture.KeysAsync("puff/"));
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, await fixture.CollectAsync("docs"));

        // What is none of Puff's is none of the collector's business.
        Assert.Contains("puff/ns/docs/strange", await fixture.KeysAsync("puff/"));
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "docs"));
    }

    [Fact]
    public async Task An_unreadable_pin_stops_the_collection_and_is_named()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await fixture.FlushAsync("docs");
        await StoredObjects.WriteAsync(fixture.Store, "puff/ns/docs/pin/child.0000000000000001", new byte[10]);
        time.Advance(Grace * 5);

        var error = await Assert.ThrowsAsync<PuffException>(() => fixture.CollectAsync("docs"));
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains("puff/ns/docs/pin/child.0000000000000001", error.Message, StringComparison.Ordinal);
        Assert.Single(await fixture.KeysAsync("puff/ns/docs/wal/"));
    }

    [Fact]
    public async Task A_pin_of_a_branch_that_never_came_to_be_goes_and_the_branch_cannot_come_late()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await engine.WriteAsync("alive", new WriteRequest { BranchFromNamespace = "docs" });
        await engine.WriteAsync("ended", Upsert(Row(1)));
        await engine.DeleteAsync("ended");
        var late = new[] { "dead", "ended" }.ToDictionary(child => child, _ => new TaskCompletionSource());
        scripted.Before = async call =>
        {
            if (call.Operation == StoreOperation.Put && late.FirstOrDefault(l => call.Key == $"puff/ns/{l.Key}/current").Value is { } held)
            {
                await held.Task;
            }
        };
        var branching = late.Keys.Select(child => engine.WriteAsync(child, new WriteRequest { BranchFromNamespace = "docs" })).ToArray();
        while ((await fixture.KeysAsync("puff/ns/docs/pin/")).Count < 3)
        {
            await Task.Yield();
        }

        await fixture.CollectAsync("docs");
        Assert.Equal(3, (await fixture.KeysAsync("puff/ns/docs/pin/")).Count);
        time.Advance(Grace * 3);
        await fixture.CollectAsync("docs");
        string left = Assert.Single(await fixture.KeysAsync("puff/ns/docs/pin/"));
        Assert.StartsWith("puff/ns/docs/pin/alive.", left, StringComparison.Ordinal);

        // The publications arrive after all: they find their place taken.
        foreach (var held in late.Values)
        {
            held.SetResult();
        }

        foreach (var branch in branching)
        {
            Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<PuffException>(() => branch)).Kind);
        }

        Assert.Equal(["alive", "docs"], (await (await fixture.OpenAsync()).ListAsync("", null, 10)).Names);
        await engine.WriteAsync("dead", new WriteRequest { BranchFromNamespace = "docs" });
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "dead"));
    }

    /// <summary>Every publication writes the manifest anew, so what it remembers of a grace period full of publications must be little.</summary>
    [Fact]
    public async Task A_manifest_stays_short_when_a_namespace_is_written_to_all_the_time()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 4 };
        var engine = await fixture.OpenAsync();
        const int Flushes = 150;
        for (ulong i = 0; i < Flushes; i++)
        {
            time.Advance(Grace / (2 * Flushes));
            await engine.WriteAsync("docs", new WriteRequest { Upserts = [Row(3 * i), Row((3 * i) + 1)], Deletes = i > 0 ? [Value.UInt((3 * i) - 3)] : null });
            await fixture.FlushAsync("docs");
            await fixture.MergeAsync("docs");
        }

        var manifest = ManifestFormat.Read(await StoredObjects.ReadAsync(fixture.Store, "puff/ns/docs/current"));
        Assert.InRange(manifest.Trims.Count, 2, 18);
        Assert.InRange(manifest.Retired.Count(r => r.IsSegment), Flushes / 2, Flushes * 2);
        Assert.InRange(manifest.Retired.Count(r => !r.IsSegment), 0, 40);
        Assert.InRange(ManifestFormat.Write(manifest).Length, 1_000, Flushes * 60);
        time.Advance(Grace * 2);
        for (int turn = 0; turn < 4; turn++)
        {
            await fixture.CollectAsync("docs");
        }

        manifest = ManifestFormat.Read(await StoredObjects.ReadAsync(fixture.Store, "puff/ns/docs/current"));
        Assert.Empty(manifest.Retired);
        Assert.Equal(2 * Flushes - Flushes + 1, (await IdsAsync(await fixture.OpenAsync(), "docs")).Length);
    }

    /// <summary>Namespaces that live, branch, die and return while work in the background comes at any moment: whatever is live can be read cold.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_order_of_work_deletes_what_is_live(int seed)
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        fixture.Settings = fixture.Settings with { MergeFanIn = 3 };
        var engine = await fixture.OpenAsync();
        var random = new Xorshift(seed);
        var model = new Dictionary<string, SortedSet<ulong>>();
        string[] names = ["a", "b", "c", "d"];
        for (int step = 0; step < 250; step++)
        {
            string name = names[random.Next(names.Length)];
            bool exists = model.ContainsKey(name);
            switch (random.Next(12))
            {
                case 0 when exists:
                    await engine.DeleteAsync(name);
                    model.Remove(name);
                    break;
                case 1 or 2 when !exists && model.Count > 0:
                    string parent = model.Keys.ElementAt(random.Next(model.Count));
                    await engine.WriteAsync(name, random.Next(3) == 0
                        ? new WriteRequest { CopyFromNamespace = parent } : new WriteRequest { BranchFromNamespace = parent });
                    model.Add(name, [.. model[parent]]);
                    break;
                case 3 or 4:
                    await fixture.FlushAsync(name);
                    break;
                case 5:
                    await fixture.MergeAsync(name);
                    break;
                case 6 or 7:
                    time.Advance(Grace * random.Next(5) / 3);
                    await fixture.CollectAsync(name);
                    break;
                default:
                    ulong id = (ulong)random.Next(12);
                    var ids = exists ? model[name] : model[name] = [];
                    bool deletes = ids.Count > 0 && random.Next(3) == 0;
                    await engine.WriteAsync(name, deletes ? new WriteRequest { Deletes = [Value.UInt(id)] } : Upsert(Row(id)));
                    _ = deletes ? ids.Remove(id) : ids.Add(id);
                    break;
            }

            if (step % 10 == 9)
            {
                await AssertAsync(fixture, engine, model, $"seed {seed}, step {step}");
            }
        }
    }

    private static async Task AssertAsync(EngineFixture fixture, PuffEngine warm, Dictionary<string, SortedSet<ulong>> model, string when)
    {
        await using var cold = await PuffEngine.OpenAsync(fixture.Settings, new EngineComponents { Store = fixture.Store, Time = fixture.Time });
        Assert.Equal(model.Keys.Order(StringComparer.Ordinal), (await cold.ListAsync("", null, 100)).Names);
        foreach (var (name, ids) in model)
        {
            Assert.True(ids.SequenceEqual(await IdsAsync(warm, name)), $"{when}: {name} on the warm node");
            Assert.True(ids.SequenceEqual(await IdsAsync(cold, name)), $"{when}: {name} on the cold node");
        }

        Assert.True((await cold.CheckAsync(null)).Problems is [], when);
    }
}
