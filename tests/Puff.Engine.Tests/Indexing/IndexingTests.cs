using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Flush, merge and collect, against what the front door answers before and after.</summary>
public sealed class IndexingTests
{
    [Fact]
    public async Task A_flush_changes_no_answer_and_another_node_reads_the_segments()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("docs",
            Upsert(Enumerable.Range(0, 300).Select(i => Row((ulong)i, ("a", Value.Int(i % 7)), ("s", Value.String($"t{i}")))).ToArray()));
        await FlushAsync(fixture, "docs");
        await engine.WriteAsync("docs",
            new WriteRequest { Deletes = [Value.Int(3)], Patches = [Row(4, ("a", Value.Int(99)))], Upserts = [Row(5, ("a", Value.Int(98)))] });

        ulong[] expected = await IdsAsync(engine, "docs");
        Assert.Equal(299, expected.Length);
        Assert.Equal(Ids(4), await IdsAsync(engine, "docs", Eq("a", Value.Int(99))));
        await FlushAsync(fixture, "docs");

        var other = await fixture.OpenAsync();
        Assert.Equal(Ids(expected), await IdsAsync(engine, "docs"));
        Assert.Equal(Ids(expected), await IdsAsync(other, "docs"));
        Assert.Equal(Ids(4), await IdsAsync(other, "docs", Eq("a", Value.Int(99))));
        Assert.Equal(Ids(4), await IdsAsync(other, "docs", Eq("s", Value.String("t4"))));
        Assert.Empty(await IdsAsync(other, "docs", Eq("s", Value.String("t5"))));
        Assert.Equal(299, (await other.GetInfoAsync("docs")).ApproxRowCount);
    }

    [Fact]
    public async Task Many_flushes_merge_into_few_segments()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 4 };
        var engine = await fixture.OpenAsync();
        var context = fixture.NewContext();
        var target = new Namespace(context, "docs", new Silent());
        for (int round = 0; round < 30; round++)
        {
            await engine.WriteAsync("docs", Upsert(Enumerable.Range(0, 20).Select(i => Row((ulong)(i * 3 + round), ("round", Value.Int(round)))).ToArray()));
            await target.FreshenAsync();
            Assert.True(await new Flusher(context).FlushAsync(target, default));
            while (await new Merger(context).MergeAsync(target, isIdle: false, default))
            {
            }
        }

        Assert.InRange(target.View!.Current!.Manifest.Segments.Count, 1, 7);
        var model = new Dictionary<ulong, int>();
        for (int round = 0; round < 30; round++)
        {
            for (int i = 0; i < 20; i++)
            {
                model[(ulong)(i * 3 + round)] = round;
            }
        }

        Assert.Equal(model.Keys.Order(), await IdsAsync(engine, "docs"));
        for (int round = 0; round < 30; round++)
        {
            Assert.Equal(model.Where(m => m.Value == round).Select(m => m.Key).Order(), await IdsAsync(engine, "docs", Eq("round", Value.Int(round))));
        }

        target.Close();
    }

    [Fact]
    public async Task Branches_share_and_part_and_survive_their_parent()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("parent", Upsert(Row(1), Row(2)));
        await FlushAsync(fixture, "parent");
        await engine.WriteAsync("parent", Upsert(Row(3)));

        await engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "parent" });
        await engine.WriteAsync("grandchild", new WriteRequest { BranchFromNamespace = "child" });
        await engine.WriteAsync("child", new WriteRequest { Deletes = [Value.Int(1)], Upserts = [Row(10)] });
        await engine.WriteAsync("parent", Upsert(Row(20)));
        Assert.Equal(Ids(2, 3, 10), await IdsAsync(engine, "child"));
        Assert.Equal(Ids(1, 2, 3, 20), await IdsAsync(engine, "parent"));
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(engine, "grandchild"));
        Assert.Equal("parent", (await engine.GetInfoAsync("child")).ParentNamespace);
        Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<PuffException>(
            () => engine.WriteAsync("child", new WriteRequest { BranchFromNamespace = "parent" }))).Kind);

        await engine.DeleteAsync("parent");
        await FlushAsync(fixture, "parent");
        await FlushAsync(fixture, "child");
        var other = await fixture.OpenAsync();
        Assert.Equal(Ids(2, 3, 10), await IdsAsync(other, "child"));
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(other, "grandchild"));
    }

    [Fact]
    public async Task Copies_are_independent()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await engine.WriteAsync("source", Upsert(Row(1), Row(2)));
        await FlushAsync(fixture, "source");
        await engine.WriteAsync("source", new WriteRequest { Deletes = [Value.Int(1)], Upserts = [Row(3)] });

        var result = await engine.WriteAsync("copy", new WriteRequest { CopyFromNamespace = "source" });
        await engine.WriteAsync("source", Upsert(Row(4)));

        Assert.Equal(2, result.RowsAffected);
        Assert.Null(result.RowsUpserted);
        Assert.Equal(Ids(2, 3), await IdsAsync(await fixture.OpenAsync(), "copy"));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(
            () => engine.WriteAsync("x", new WriteRequest { CopyFromNamespace = "none" }))).Kind);
        Assert.Equal(ErrorKind.Invalid, (await Assert.ThrowsAsync<PuffException>(
            () => engine.WriteAsync("copy", new WriteRequest { CopyFromNamespace = "source" }))).Kind);
    }

    private static async Task FlushAsync(EngineFixture fixture, string name)
    {
        var context = fixture.NewContext();
        var target = new Namespace(context, name, new Silent());
        await target.FreshenAsync();
        await new Flusher(context).FlushAsync(target, default);
        target.Close();
    }

    private sealed class Silent : INamespaceObserver
    {
        public void TailGrew(Namespace changed)
        {
        }
    }
}
