using System.Collections.Concurrent;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Storage;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>What a write may say about itself when slots are lost, replies are lost, and too much waits.</summary>
public sealed class CommitTests
{
    private static readonly StoreException ReplyLost = new("the reply was lost", transient: true, outcomeUnknown: true);

    [Fact]
    public async Task Two_nodes_lose_slots_to_each_other_and_no_write()
    {
        await using var fixture = new EngineFixture();
        var nodes = new[] { await fixture.OpenAsync(), await fixture.OpenAsync() };
        await nodes[0].WriteAsync("docs", Upsert(Row(0)));

        await Task.WhenAll(Enumerable.Range(1, 200).Select(async i =>
        {
            await Task.Yield();
            Assert.Equal(1, (await nodes[i % 2].WriteAsync("docs", Upsert(Row((ulong)i)))).RowsUpserted);
        }));

        foreach (var node in nodes)
        {
            Assert.Equal(201, (await IdsAsync(node, "docs")).Length);
        }

        var keys = await fixture.KeysAsync("puff/ns/docs/wal/");
        Assert.Equal(Enumerable.Range(1, keys.Count).Select(i => $"{i:D20}"), keys.Select(k => k[^20..]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_whose_reply_is_lost_happens_exactly_once(bool happened)
    {
        await using var fixture = new EngineFixture { Time = new SkippingTime() };
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int(0)))));
        int lost = 0;
        ValueTask LoseOnce(StoreCall call) => IsEntry(call) && lost++ == 0 ? throw ReplyLost : default;
        scripted.Before = happened ? _ => default : LoseOnce;
        scripted.After = happened ? LoseOnce : _ => default;

        var result = await engine.WriteAsync("docs", new WriteRequest { Patches = [Row(1, ("n", Value.Int(1)))], PatchCondition = Eq("n", Value.Int(0)) });

        Assert.Equal(1, result.RowsPatched);
        Assert.Equal(2, (await fixture.KeysAsync("puff/ns/docs/wal/")).Count);
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "docs", Eq("n", Value.Int(1))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_outcome_that_stays_unknown_is_said_to_be_unknown_and_the_slot_is_not_left(bool happened)
    {
        await using var fixture = new EngineFixture { Time = new SkippingTime() };
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        var tried = new ConcurrentQueue<string>();
        ValueTask Lose(StoreCall call)
        {
            if (IsEntry(call))
            {
                tried.Enqueue(call.Key);
                throw ReplyLost;
            }

            return default;
        }

        scripted.Before = happened ? _ => default : Lose;
        scripted.After = happened ? Lose : _ => default;
        var error = await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(2))));
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Single(tried.Distinct());

        (scripted.Before, scripted.After) = (_ => default, _ => default);
        Assert.Equal(happened ? Ids(1, 2) : Ids(1), await IdsAsync(engine, "docs"));
        await engine.WriteAsync("docs", Upsert(Row(3)));
        Assert.Equal(happened ? Ids(1, 2, 3) : Ids(1, 3), await IdsAsync(await fixture.OpenAsync(), "docs"));
        Assert.Equal(happened ? 3 : 2, (await fixture.KeysAsync("puff/ns/docs/wal/")).Count);
    }

    [Fact]
    public async Task A_rival_may_take_the_slot_while_the_outcome_is_unknown()
    {
        await using var fixture = new EngineFixture { Time = new SkippingTime() };
        var rival = await fixture.OpenAsync();
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int(0)))));
        int puts = 0;
        scripted.Before = async call =>
        {
            if (IsEntry(call) && puts++ == 0)
            {
                await rival.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int(7)))));
                throw ReplyLost;
            }
        };

        // Evaluated again behind the rival's entry: the condition does not hold any more.
        var result = await engine.WriteAsync("docs", new WriteRequest { Patches = [Row(1, ("n", Value.Int(1)))], PatchCondition = Eq("n", Value.Int(0)) });

        Assert.Equal(0, result.RowsPatched);
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs", Eq("n", Value.Int(7))));
    }

    [Fact]
    public async Task What_is_resolved_while_an_entry_flies_is_resolved_again_when_the_entry_lost_its_slot_to_a_schema()
    {
        await using var fixture = new EngineFixture();
        var rival = await fixture.OpenAsync();
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        Task<WriteResult>? ahead = null;
        scripted.Before = async call =>
        {
            if (IsEntry(call) && ahead is null)
            {
                // Arrives while the entry in front of it flies, and would make "n" an integer.
                ahead = engine.WriteAsync("docs", Upsert(Row(3, ("n", Value.Int(7)))));
                await Task.Yield();
                await rival.WriteAsync("docs", Upsert(Row(4, ("n", Value.String("a string")))));
            }
        };

        await engine.WriteAsync("docs", Upsert(Row(2)));
        var refused = await Assert.ThrowsAsync<PuffException>(() => ahead!);

        Assert.Equal(ErrorKind.Invalid, refused.Kind);
        Assert.Contains("\"n\"", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Ids(1, 2, 4), await IdsAsync(await fixture.OpenAsync(), "docs"));
    }

    [Fact]
    public async Task Writes_that_arrive_while_an_entry_flies_follow_it_in_order_and_in_one_entry()
    {
        await using var fixture = new EngineFixture();
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1, ("n", Value.Int(0)))));
        var later = new List<Task<WriteResult>>();
        scripted.Before = call =>
        {
            if (IsEntry(call) && later.Count == 0)
            {
                later.Add(engine.WriteAsync("docs", Upsert(Row(2, ("n", Value.Int(1))))));
                later.Add(engine.WriteAsync("docs", new WriteRequest { Patches = [Row(2, ("n", Value.Int(2)))], PatchCondition = Eq("n", Value.Int(1)) }));
                later.Add(engine.WriteAsync("docs", Upsert(Row(3, ("n", Value.Int(2))))));
                later.Add(engine.WriteAsync("docs", new WriteRequest { Deletes = [Value.UInt(3)] }));
            }

            return default;
        };

        await engine.WriteAsync("docs", Upsert(Row(4)));
        var results = await Task.WhenAll(later);

        Assert.Equal([1L, null, 1L, null], results.Select(r => r.RowsUpserted));
        Assert.Equal(1, results[1].RowsPatched);
        Assert.Equal(Ids(2), await IdsAsync(await fixture.OpenAsync(), "docs", Eq("n", Value.Int(2))));
        Assert.Equal(3, (await fixture.KeysAsync("puff/ns/docs/wal/")).Count);
    }

    [Fact]
    public async Task A_refused_put_fails_the_write_and_leaves_the_slot_free()
    {
        await using var fixture = new EngineFixture();
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        scripted.Before = call => IsEntry(call) ? throw new StoreException("access denied", false, false) : default;

        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAnyAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(2))))).Kind);
        scripted.Before = _ => default;
        await engine.WriteAsync("docs", Upsert(Row(3)));
        Assert.Equal(Ids(1, 3), await IdsAsync(engine, "docs"));
    }

    [Fact]
    public async Task Too_much_that_waits_to_be_indexed_holds_writes_back()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { BackpressureBytes = 2_000 };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("s", Value.String(new string('x', 3_000))))));

        foreach (var held in new[]
        {
            Upsert(Row(2)),
            new WriteRequest { Patches = [Row(1)], DisableBackpressure = true },
            new WriteRequest { DeleteByFilter = Eq("id", Value.UInt(1)), DisableBackpressure = true },
            new WriteRequest { Upserts = [Row(2)], UpsertCondition = Eq("s", Value.String("")), DisableBackpressure = true },
        })
        {
            Assert.Equal(ErrorKind.Limited, (await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", held))).Kind);
        }

        await engine.WriteAsync("docs", Upsert(Row(2)) with { DisableBackpressure = true });
        await engine.WriteAsync("docs", new WriteRequest { Deletes = [Value.UInt(2)], DisableBackpressure = true });

        // Another node's indexing lets them pass at once.
        await fixture.FlushAsync("docs");
        await engine.WriteAsync("docs", Upsert(Row(3)));
        Assert.Equal(Ids(1, 3), await IdsAsync(engine, "docs"));
    }

    private static bool IsEntry(StoreCall call) => call is { Operation: StoreOperation.Put, Purpose: StorePurpose.Wal };
}
