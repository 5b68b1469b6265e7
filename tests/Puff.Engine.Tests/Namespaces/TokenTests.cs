using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Tokens are stored with their write or not at all, decide whether a write happens, and stay as long as the documents do.</summary>
public sealed class TokenTests
{
    [Fact]
    public async Task A_token_comes_back_from_other_nodes_before_and_after_indexing_and_merging()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 2 };
        var engine = await fixture.OpenAsync();
        Assert.Empty(await engine.GetTokensAsync("docs"));
        NamespaceToken? last = null;
        for (ulong i = 0; i < 6; i++)
        {
            var next = Token((int)i, payload: i % 2 == 0 ? "cursor" : null);
            await engine.WriteAsync("docs", Upsert(Row(i)) with { Token = next, ExpectedToken = last });
            Assert.Equal([next], await (await fixture.OpenAsync()).GetTokensAsync("docs"));
            await fixture.FlushAsync("docs");
            await fixture.MergeAsync("docs");
            Assert.Equal([next], await (await fixture.OpenAsync()).GetTokensAsync("docs"));
            last = next;
        }

        Assert.Equal([last!], await engine.GetTokensAsync("docs"));
        Assert.Empty((await engine.CheckAsync(null)).Problems);
    }

    [Fact]
    public async Task A_write_that_expects_another_token_changes_nothing()
    {
        await using var fixture = new EngineFixture();
        var (one, rival) = (await fixture.OpenAsync(), await fixture.OpenAsync());
        await one.WriteAsync("docs", Upsert(Row(1)) with { Token = Token(1) });
        await rival.WriteAsync("docs", Upsert(Row(2)) with { Token = Token(2), ExpectedToken = Token(1) });

        var refused = await Assert.ThrowsAsync<PuffException>(
            () => one.WriteAsync("docs", Upsert(Row(3)) with { Token = Token(3), ExpectedToken = Token(1) }));
        Assert.Equal(ErrorKind.Conflict, refused.Kind);
        await Assert.ThrowsAsync<PuffException>(() => one.WriteAsync("docs", Upsert(Row(3)) with { Token = Token(3) }));
        Assert.Equal(Ids(1, 2), await IdsAsync(one, "docs"));
        Assert.Equal([Token(2)], await one.GetTokensAsync("docs"));
    }

    [Fact]
    public async Task A_repeated_write_happens_once()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)) with { Token = Token(1) });
        var write = new WriteRequest { Deletes = [Value.UInt(1)], Token = Token(2), ExpectedToken = Token(1) };
        await engine.WriteAsync("docs", write);
        await engine.WriteAsync("docs", Upsert(Row(1)));
        await engine.WriteAsync("docs", write);
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "docs"));
    }

    [Fact]
    public async Task Writes_of_one_group_commit_follow_each_other_and_others_fail_alone()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(100)));
        var writes = Enumerable.Range(0, 20).Select(i => engine.WriteAsync(
            "docs", Upsert(Row((ulong)i)) with { Token = Token(i), ExpectedToken = i == 0 ? null : Token(i - 1) })).ToList();
        var lost = engine.WriteAsync("docs", Upsert(Row(200)) with { Token = Token(9), ExpectedToken = Token(5) });
        var other = engine.WriteAsync("docs", Upsert(Row(300)) with { Token = new NamespaceToken("other", "1") });
        await Task.WhenAll(writes);
        await other;
        await Assert.ThrowsAsync<PuffException>(() => lost);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (ulong)i).Concat([100ul, 300ul]), await IdsAsync(engine, "docs"));
        Assert.Equal([new NamespaceToken("other", "1"), Token(19)], await engine.GetTokensAsync("docs"));
    }

    [Fact]
    public async Task A_token_alone_is_a_write_and_creates_a_namespace_that_vectors_may_come_to()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", new WriteRequest { Token = Token(1) });
        Assert.Empty(await IdsAsync(await fixture.OpenAsync(), "docs"));
        await fixture.FlushAsync("docs");
        Assert.Equal([Token(1)], await (await fixture.OpenAsync()).GetTokensAsync("docs"));
        await engine.WriteAsync("docs", new WriteRequest { Token = Token(2), ExpectedToken = Token(1) });
        var vector = new AttributeUpdate("v") { Type = "[2]f32", Ann = true };
        await (await fixture.OpenAsync()).WriteAsync("docs", new WriteRequest
        {
            Upserts = [Row(1, ("v", Value.Vector(new float[] { 1, 2 })))], Schema = new SchemaUpdate([vector]),
            DistanceMetric = DistanceMetric.EuclideanSquared, Token = Token(3), ExpectedToken = Token(2),
        });
        Assert.Equal(Ids(1), await IdsAsync(await fixture.OpenAsync(), "docs"));
    }

    [Fact]
    public async Task A_deleted_namespace_has_no_tokens_nor_has_the_next_of_its_name()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)) with { Token = Token(1) });
        await engine.DeleteAsync("docs");
        Assert.Empty(await engine.GetTokensAsync("docs"));
        await fixture.FlushAsync("docs");
        Assert.Empty(await (await fixture.OpenAsync()).GetTokensAsync("docs"));
        await engine.WriteAsync("docs", Upsert(Row(2)) with { Token = Token(1) });
        Assert.Equal([Token(1)], await engine.GetTokensAsync("docs"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Branches_and_copies_begin_without_tokens_and_restored_namespaces_with_those_of_the_moment(bool isIndexed)
    {
        var time = new SkippingTime();
        await using var fixture = new EngineFixture { Time = time };
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)) with { Token = Token(1) });
        if (isIndexed)
        {
            await fixture.FlushAsync("docs");
        }

        await engine.WriteAsync("docs", Upsert(Row(2)) with { Token = Token(2), ExpectedToken = Token(1) });
        var moment = time.GetUtcNow();
        time.Advance(TimeSpan.FromMinutes(1));
        await engine.WriteAsync("docs", Upsert(Row(3)) with { Token = Token(3), ExpectedToken = Token(2) });

        await engine.WriteAsync("branch", new WriteRequest { BranchFromNamespace = "docs" });
        await engine.WriteAsync("copy", new WriteRequest { CopyFromNamespace = "docs" });
        await engine.RestoreAsync("docs", RestoreMoment.At(moment), "restored");
        await engine.RestoreAsync("restored", RestoreMoment.At(time.GetUtcNow()), "again");
        await AssertTokensAsync(fixture);
        await fixture.FlushAsync("branch");
        await fixture.FlushAsync("restored");
        await fixture.FlushAsync("again");
        await AssertTokensAsync(fixture);
    }

    [Fact]
    public async Task Waiting_ends_when_every_token_has_come_or_the_time_is_over()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs", Upsert(Row(1)) with { Token = Token(1) });
        await engine.WaitForTokenAsync("docs", Token(1).Position, TimeSpan.Zero);
        var waiting = engine.WaitForTokenAsync("docs", Token(2).Position, TimeSpan.FromMinutes(1));
        while (engine.GetAwaitedPosition("docs") is null)
        {
            await Task.Yield();
        }

        Assert.Equal(Token(2).Position, engine.GetAwaitedPosition("docs"));
        Assert.Null(engine.GetAwaitedPosition("other"));
        var elsewhere = await fixture.OpenAsync();
        await elsewhere.WriteAsync("docs", Upsert(Row(2)) with { Token = Token(2), ExpectedToken = Token(1) });
        await waiting;
        Assert.Null(engine.GetAwaitedPosition("docs"));
        Assert.Equal(Ids(1, 2), await IdsAsync(engine, "docs", consistency: Consistency.Eventual));

        foreach (string name in (string[])["docs", "missing"])
        {
            var late = await Assert.ThrowsAsync<PuffException>(() => engine.WaitForTokenAsync(name, Token(3).Position, TimeSpan.FromMilliseconds(1)));
            Assert.Equal(ErrorKind.Unavailable, late.Kind);
        }
    }

    [Fact]
    public async Task Tokens_beyond_the_limits_are_refused()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        NamespaceToken[] wrong = [new("", "1"), new(new string('n', 257), "1"), new("n", new string('1', 65)), new("n", "1", new string('p', 65_537))];
        foreach (var token in wrong)
        {
            var refused = await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(1)) with { Token = token }));
            Assert.Equal(ErrorKind.Invalid, refused.Kind);
        }

        for (int i = 0; i < NamespaceToken.MaxTokens; i++)
        {
            await engine.WriteAsync("docs", Upsert(Row(1)) with { Token = new NamespaceToken($"t{i}", "1") });
        }

        var full = await Assert.ThrowsAsync<PuffException>(() => engine.WriteAsync("docs", Upsert(Row(1)) with { Token = new NamespaceToken("more", "1") }));
        Assert.Equal(ErrorKind.Invalid, full.Kind);
    }

    private static async Task AssertTokensAsync(EngineFixture fixture)
    {
        var reader = await fixture.OpenAsync();
        Assert.Equal([Token(3)], await reader.GetTokensAsync("docs"));
        Assert.Empty(await reader.GetTokensAsync("branch"));
        Assert.Empty(await reader.GetTokensAsync("copy"));
        Assert.Equal([Token(2)], await reader.GetTokensAsync("restored"));
        Assert.Equal([Token(2)], await reader.GetTokensAsync("again"));
    }

    private static NamespaceToken Token(int position, string? payload = null) => new("sync/docs/1", position.ToString("D8"), payload);
}
