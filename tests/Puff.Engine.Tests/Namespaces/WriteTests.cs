using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Writes through the front door: what they change, what they count, what they refuse.</summary>
public sealed class WriteTests
{
    [Fact]
    public async Task A_write_is_visible_at_once_and_on_another_node()
    {
        await using var fixture = new EngineFixture();
        var first = await fixture.OpenAsync();
        var second = await fixture.OpenAsync();

        var result = await first.WriteAsync("docs", Upsert(Row(1, ("a", Value.Int(5))), Row(2)));

        Assert.Equal(2, result.RowsAffected);
        Assert.Equal(2, result.RowsUpserted);
        Assert.Null(result.RowsPatched);
        Assert.Equal(Ids(1, 2), await IdsAsync(first, "docs"));
        Assert.Equal(Ids(1, 2), await IdsAsync(second, "docs"));
        Assert.Equal(Ids(1), await IdsAsync(second, "docs", Eq("a", Value.Int(5))));
    }

    [Fact]
    public async Task Concurrent_writes_share_entries()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(0)));

        await Task.WhenAll(Enumerable.Range(1, 500).Select(i => engine.WriteAsync("docs", Upsert(Row((ulong)i)))));

        Assert.Equal(501, (await IdsAsync(engine, "docs")).Length);
    }

    [Fact]
    public async Task Patches_change_only_what_they_mention_and_skip_the_absent()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("a", Value.Int(1)), ("b", Value.String("x")))));

        var result = await engine.WriteAsync("docs",
            new WriteRequest { Patches = [Row(1, ("a", Value.Null), ("c", Value.Bool(true))), Row(9, ("a", Value.Int(1)))] });

        Assert.Equal(1, result.RowsPatched);
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs", Eq("b", Value.String("x"))));
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs", Eq("a", Value.Null)));
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs", Eq("c", Value.Bool(true))));
    }

    [Fact]
    public async Task A_request_that_fails_leaves_no_trace()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("a", Value.Int(1)))));

        var error = await Assert.ThrowsAsync<PuffException>(
            () => engine.WriteAsync("docs", Upsert(Row(2, ("fresh", Value.Int(1))), Row(3, ("a", Value.String("no"))))));
        var twice = await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(7), Row(7))));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Equal(ErrorKind.Invalid, twice.Kind);
        Assert.Equal(Ids(1), await IdsAsync(engine, "docs"));
        Assert.Null((await engine.GetInfoAsync("docs")).Schema.Find("fresh"));
    }

    [Fact]
    public async Task A_namespace_begins_with_documents_and_nothing_less()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();

        foreach (var request in new WriteRequest[]
            { new() { Patches = [Row(1)] }, new() { Deletes = [Value.Int(1)] }, new() { Schema = new SchemaUpdate([]) } })
        {
            Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", request))).Kind);
        }

        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => IdsAsync(engine, "docs"))).Kind);
        Assert.Empty((await engine.ListAsync("", null, 10)).Names);
    }

    [Fact]
    public async Task Conditions_see_the_stored_and_the_incoming_version()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("version", Value.Int(2))), Row(2, ("version", Value.Int(5)))));
        var newer = new AttributeFilter("version", FilterOperator.Lt, new FilterOperand(Value.Null, "version"));

        var result = await engine.WriteAsync("docs", new WriteRequest
        {
            Upserts = [Row(1, ("version", Value.Int(3))), Row(2, ("version", Value.Int(4))), Row(3, ("version", Value.Int(1)))],
            UpsertCondition = newer,
            ReturnAffectedIds = true,
        });

        Assert.Equal(2, result.RowsAffected);
        Assert.Equal(["1", "3"], result.UpsertedIds!.Select(i => i.ToString()));
        Assert.Equal(Ids(2), await IdsAsync(engine, "docs", Eq("version", Value.Int(5))));
    }

    [Fact]
    public async Task Filters_delete_before_upserts_and_patches()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1, ("a", Value.Int(1))), Row(2, ("a", Value.Int(1))), Row(3, ("a", Value.Int(2)))));

        var result = await engine.WriteAsync("docs", new WriteRequest
        {
            DeleteByFilter = Eq("a", Value.Int(1)),
            PatchByFilter = new PatchByFilter(Eq("a", Value.Int(2)), [new("a", Value.Int(3))]),
            Upserts = [Row(1, ("a", Value.Int(9)))],
            Patches = [Row(2, ("a", Value.Int(7)))],
            ReturnAffectedIds = true,
        });

        Assert.Equal(2, result.RowsDeleted);
        Assert.Equal(1, result.RowsPatched);
        Assert.Equal(Ids(1, 3), await IdsAsync(engine, "docs"));
        Assert.Equal(Ids(3), await IdsAsync(engine, "docs", Eq("a", Value.Int(3))));
    }

    [Fact]
    public async Task Filter_writes_beyond_their_limit_fail_whole_or_go_in_parts()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { DeleteByFilterLimit = 4, PatchByFilterLimit = 4 };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Enumerable.Range(0, 10).Select(i => Row((ulong)i, ("a", Value.Int(1)))).ToArray()));
        var filter = Eq("a", Value.Int(1));

        await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", new WriteRequest { DeleteByFilter = filter }));
        Assert.Equal(10, (await IdsAsync(engine, "docs")).Length);

        int rounds = 0;
        bool remaining = true;
        while (remaining)
        {
            remaining = (await engine.WriteAsync("docs", new WriteRequest { DeleteByFilter = filter, DeleteByFilterAllowPartial = true })).RowsRemaining;
            rounds++;
        }

        Assert.Equal(3, rounds);
        Assert.Empty(await IdsAsync(engine, "docs"));
    }

    [Fact]
    public async Task Version_checks_race_to_exactly_one_winner_on_two_nodes()
    {
        await using var fixture = new EngineFixture();
        var nodes = new[] { await fixture.OpenAsync(), await fixture.OpenAsync() };
        await nodes[0].WriteAsync("docs", Upsert(Row(1, ("v", Value.Int(0)))));

        for (int version = 0; version < 20; version++)
        {
            var attempt = new WriteRequest { Patches = [Row(1, ("v", Value.Int(version + 1)))], PatchCondition = Eq("v", Value.Int(version)) };
            var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => nodes[i % 2].WriteAsync("docs", attempt)));
            Assert.Equal(1, results.Sum(r => r.RowsPatched));
        }

        Assert.Equal(Ids(1), await IdsAsync(nodes[1], "docs", Eq("v", Value.Int(20))));
    }

    [Fact]
    public async Task Deleting_and_creating_again_starts_a_new_life_on_every_node()
    {
        await using var fixture = new EngineFixture();
        var first = await fixture.OpenAsync();
        var second = await fixture.OpenAsync();
        await first.WriteAsync("docs", Upsert(Row(1, ("a", Value.Int(1)))));
        await IdsAsync(second, "docs");

        await first.DeleteAsync("docs");
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => IdsAsync(second, "docs"))).Kind);
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => second.DeleteAsync("docs"))).Kind);
        Assert.Empty((await second.ListAsync("", null, 10)).Names);

        await first.WriteAsync("docs", new WriteRequest { Upserts = [new DocumentRow(Value.String("x"), [new("a", Value.String("now a string"))])] });
        var result = await second.QueryAsync("docs", new QueryRequest { RankBy = new OrderRank([new("id", false)]), Limit = 5 });
        Assert.Equal("x", Assert.Single(result.Rows!).Id.ToString());
        Assert.Equal(["docs"], (await second.ListAsync("", null, 10)).Names);
    }

    [Fact]
    public async Task Read_only_namespaces_refuse_writes()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)));

        Assert.True((await engine.PatchMetadataAsync("docs", new MetadataPatch { ReadOnly = true })).ReadOnly);
        var error = await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(2))));
        Assert.Contains("Writes not permitted. This namespace is read-only.", error.Message, StringComparison.Ordinal);
        await engine.PatchMetadataAsync("docs", new MetadataPatch { ReadOnly = false });
        await engine.WriteAsync("docs", Upsert(Row(2)));
        Assert.Equal(Ids(1, 2), await IdsAsync(engine, "docs"));
    }
}
