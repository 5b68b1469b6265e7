using Puff.Engine.Storage;
using Puff.Engine.Tests.Storage;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Nodes that sleep longer than what they know can be trusted (design 3.3).</summary>
public sealed class SleepTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>What is trimmed goes after grace, and is not kept for restoring.</summary>
    private static readonly EngineSettings NothingKept = new() { RunIndexer = false, History = TimeSpan.Zero };

    [Fact]
    public async Task A_put_that_took_long_is_acknowledged_only_after_another_look()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time, Settings = NothingKept };
        var scripted = new ScriptedStore(fixture.Store);
        var counting = new CountingObjectStore(scripted);
        var engine = await fixture.OpenAsync(counting);
        await engine.WriteAsync("docs", Upsert(Row(1)));

        foreach (var (pause, looks) in new[] { (Grace / 2 - TimeSpan.FromMinutes(1), 0), (Grace / 2, 1) })
        {
            await IdsAsync(engine, "docs");
            scripted.After = call =>
            {
                scripted.After = _ => default;
                time.Advance(pause);
                return default;
            };
            var before = counting.Snapshot();
            await engine.WriteAsync("docs", Upsert(Row((ulong)pause.Ticks)));
            Assert.Equal(looks, counting.Snapshot().Since(before)[StoreOperation.Get, StorePurpose.Manifest].Requests);
        }

        Assert.Equal(3, (await IdsAsync(engine, "docs")).Length);
    }

    [Fact]
    public async Task A_writer_that_slept_does_not_acknowledge_a_slot_that_was_trimmed()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time, Settings = NothingKept };
        var awake = await fixture.OpenAsync();
        var scripted = new ScriptedStore(fixture.Store);
        var sleeper = await fixture.OpenAsync(scripted);
        var reader = await fixture.OpenAsync();
        await awake.WriteAsync("docs", Upsert(Row(1)));
        await IdsAsync(sleeper, "docs");
        await IdsAsync(reader, "docs");
        scripted.Before = async call =>
        {
            if (call is { Operation: StoreOperation.Put, Purpose: StorePurpose.Wal })
            {
                scripted.Before = _ => default;
                await PassAsync(fixture, time, awake);
            }
        };

        // The slot is free again, so the put succeeds; but it lies in the past that was indexed and collected.
        var error = await Assert.ThrowsAsync<PuffException>(() => sleeper.WriteAsync("docs", Upsert(Row(99))));
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Single(await fixture.KeysAsync("puff/ns/docs/wal/"));

        // Nobody ever sees the entry: neither who slept as well, nor a fresh node.
        foreach (var node in new[] { reader, sleeper, awake, await fixture.OpenAsync() })
        {
            Assert.Equal(Ids(1, 2, 3), await IdsAsync(node, "docs"));
        }

        await sleeper.WriteAsync("docs", Upsert(Row(4)));
        Assert.Equal(Ids(1, 2, 3, 4), await IdsAsync(reader, "docs"));
    }

    [Fact]
    public async Task A_reader_that_slept_sees_what_was_written_indexed_and_trimmed_meanwhile()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time, Settings = NothingKept };
        var awake = await fixture.OpenAsync();
        var sleeper = await fixture.OpenAsync();
        await awake.WriteAsync("docs", Upsert(Row(1)));
        await IdsAsync(sleeper, "docs");

        await PassAsync(fixture, time, awake);

        Assert.Empty(await fixture.KeysAsync("puff/ns/docs/wal/"));
        Assert.Equal(Ids(1), await IdsAsync(sleeper, "docs", consistency: Engine.Queries.Consistency.Eventual));
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(sleeper, "docs"));
        await sleeper.WriteAsync("docs", Upsert(Row(4)));
        Assert.Equal(Ids(1, 2, 3, 4), await IdsAsync(awake, "docs"));
    }

    [Fact]
    public async Task A_life_may_end_and_another_begin_behind_a_sleepers_back()
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time, Settings = NothingKept };
        var awake = await fixture.OpenAsync();
        var sleepers = new[] { await fixture.OpenAsync(), await fixture.OpenAsync() };
        await awake.WriteAsync("docs", Upsert(Row(1)));
        foreach (var sleeper in sleepers)
        {
            await IdsAsync(sleeper, "docs");
        }

        await awake.DeleteAsync("docs");
        await fixture.FlushAsync("docs");
        await awake.WriteAsync("docs", Upsert(Row(50)));
        time.Advance(Grace * 3);
        await fixture.CollectAsync("docs");
        Assert.Single(await fixture.KeysAsync("puff/ns/docs/wal/"));

        Assert.Equal(Ids(50), await IdsAsync(sleepers[0], "docs"));
        await sleepers[1].WriteAsync("docs", Upsert(Row(51)));
        Assert.Equal(Ids(50, 51), await IdsAsync(sleepers[0], "docs"));
        Assert.Equal(Ids(50, 51), await IdsAsync(awake, "docs"));
    }

    /// <summary>Two writes, a flush, and enough time for the collector to take the whole log.</summary>
    private static async Task PassAsync(EngineFixture fixture, SkippingTime time, PuffEngine awake)
    {
        await awake.WriteAsync("docs", Upsert(Row(2)));
        await awake.WriteAsync("docs", Upsert(Row(3)));
        await fixture.FlushAsync("docs");
        time.Advance(Grace * 3);
        Assert.Equal(3, await fixture.CollectAsync("docs"));
    }
}
