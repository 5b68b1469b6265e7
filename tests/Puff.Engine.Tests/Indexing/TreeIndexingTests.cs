using System.Reflection;
using Puff.Engine.Formats;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Vectors;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>The life of cluster trees: flat segments, training, growth, branches and copies, and the end.</summary>
public sealed class TreeIndexingTests
{
    private static readonly VectorIndexSettings Tiny = new()
    {
        CodesFrom = 1, GroupMean = 1, FlatLimit = 40, LeafMin = 2, LeafTarget = 6, LeafMax = 10, FanOut = 4, TrainingGrowth = 8, Threads = 2,
    };

    [Fact]
    public async Task Segments_are_flat_until_a_merge_trains_a_tree_that_then_grows()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "docs", 0, 30);
        var manifest = await ManifestAsync(fixture, "docs");
        Assert.Empty(manifest.Trees);
        Assert.Equal(0ul, Assert.Single(Assert.Single(manifest.Segments).Trees).TreeId);

        await WriteAsync(engine, fixture, "docs", 30, 30);
        Assert.Equal(1, await fixture.MergeAsync("docs"));
        manifest = await ManifestAsync(fixture, "docs");
        var trained = Assert.Single(manifest.Trees);
        Assert.Equal((60, 1), (trained.TrainedOn, trained.Parts.Count));
        Assert.Equal([1, 0.1f, 0.01f], trained.Calibration.Select(c => c.Selectivity).Distinct());
        Assert.Equal(trained.ProbesWhenTrained, trained.Calibration.First(c => c is { Selectivity: 1, Recall: 0.95f }).Probes);
        Assert.Equal(trained.Id, Assert.Single(Assert.Single(manifest.Segments).Trees).TreeId);

        await WriteAsync(engine, fixture, "docs", 60, 60);
        Assert.Equal(trained.Id, (await ManifestAsync(fixture, "docs")).Segments[^1].Trees[0].TreeId);
        await fixture.MergeAsync("docs");
        manifest = await ManifestAsync(fixture, "docs");
        var grown = Assert.Single(manifest.Trees);
        Assert.Equal((trained.Id, trained.Parts[0]), (grown.Id, grown.Parts[0]));
        Assert.True(grown.Parts.Count > 1 && grown.Nodes > trained.Nodes);
        await CheckAsync(engine, fixture, "docs", Enumerable.Range(0, 120));
    }

    [Fact]
    public async Task A_chain_of_many_objects_is_written_anew_as_one()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        int longest = 0;
        int count = 0;
        bool compacted = false;
        for (int round = 0; round < 40 && !compacted; round++)
        {
            await WriteAsync(engine, fixture, "docs", count, 24);
            count += 24;
            await fixture.MergeAsync("docs");
            int parts = (await ManifestAsync(fixture, "docs")).Trees.Select(t => t.Parts.Count).DefaultIfEmpty(0).Max();
            compacted = parts < longest && longest == 16;
            longest = Math.Max(longest, parts);
        }

        Assert.True(compacted, $"the longest chain had {longest} objects");
        await CheckAsync(engine, fixture, "docs", Enumerable.Range(0, count));
    }

    /// <summary>A document changes its number in a merge; one that is deleted while the merge runs must stay deleted all the same.</summary>
    [Fact]
    public async Task Deletions_during_a_merge_are_carried_over_to_the_new_order()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "docs", 0, 50);
        await WriteAsync(engine, fixture, "docs", 50, 50);
        bool happened = false;
        Namespace? target = null;
        var context = fixture.NewContext(InterruptedStore.Create(fixture.Store, ".codes", async () =>
        {
            await engine.WriteAsync("docs", new WriteRequest { Deletes = [.. Enumerable.Range(0, 100).Where(i => i % 3 == 0).Select(i => Value.Int(i))] });
            await target!.FreshenAsync();
            happened = await new Flusher(fixture.NewContext()).FlushAsync(target, default);
        }));
        target = new Namespace(context, "docs", new SilentObserver());
        await target.FreshenAsync();

        Assert.True(await new Merger(context).MergeAsync(target, isIdle: false, default));

        target.Close();
        Assert.True(happened);
        var merged = Assert.Single((await ManifestAsync(fixture, "docs")).Segments);
        Assert.Equal((100, 34), (merged.Documents, merged.Deleted));
        await CheckAsync(engine, fixture, "docs", Enumerable.Range(0, 100).Where(i => i % 3 != 0));
    }

    /// <summary>A flush that began before the tree was published writes flat codes; they would be looked at whole by every query.</summary>
    [Fact]
    public async Task Segments_written_while_a_tree_was_trained_are_grouped_by_it_soon()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "docs", 0, 60);
        await WriteAsync(engine, fixture, "docs", 60, 60);
        bool happened = false;
        Namespace? target = null;
        var context = fixture.NewContext(InterruptedStore.Create(fixture.Store, ".codes", async () =>
        {
            await engine.WriteAsync("docs", Upsert(120, 10));
            await target!.FreshenAsync();
            happened = await new Flusher(fixture.NewContext()).FlushAsync(target, default);
        }));
        target = new Namespace(context, "docs", new SilentObserver());
        await target.FreshenAsync();
        Assert.True(await new Merger(context).MergeAsync(target, isIdle: false, default));
        Assert.True(happened);
        Assert.Contains((await ManifestAsync(fixture, "docs")).Segments, s => s.Trees[0].TreeId == 0);

        Assert.True(await new Merger(context).MergeAsync(target, isIdle: false, default));

        Assert.False(await new Merger(context).MergeAsync(target, isIdle: false, default));
        target.Close();
        Assert.All((await ManifestAsync(fixture, "docs")).Segments, s => Assert.NotEqual(0ul, s.Trees[0].TreeId));
        await CheckAsync(engine, fixture, "docs", Enumerable.Range(0, 130));
    }

    [Fact]
    public async Task Branches_share_trees_and_let_them_grow_apart()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "mother", 0, 60);
        await WriteAsync(engine, fixture, "mother", 60, 60);
        await fixture.MergeAsync("mother");
        await (await fixture.OpenAsync()).WriteAsync("child", new WriteRequest { BranchFromNamespace = "mother" });
        var shared = (await ManifestAsync(fixture, "mother")).Trees[0];
        Assert.True((await ManifestAsync(fixture, "child")).Trees[0].HasSameParts(shared));

        foreach (var (name, first) in new[] { ("mother", 1000), ("child", 2000) })
        {
            await WriteAsync(engine, fixture, name, first, 60);
            await WriteAsync(engine, fixture, name, first + 60, 60);
            await fixture.MergeAsync(name);
        }

        var ofMother = Assert.Single((await ManifestAsync(fixture, "mother")).Trees);
        var ofChild = Assert.Single((await ManifestAsync(fixture, "child")).Trees);
        Assert.Equal(ofMother.Id, ofChild.Id);
        Assert.Contains(ofChild.Parts, p => p.Key.Contains("/mother/", StringComparison.Ordinal));
        Assert.Contains(ofChild.Parts, p => p.Key.Contains("/child/", StringComparison.Ordinal));
        await engine.DeleteAsync("mother");
        await fixture.FlushAsync("mother");
        await fixture.CollectAsync("mother");
        await CheckAsync(engine, fixture, "child", Enumerable.Range(0, 120).Concat(Enumerable.Range(2000, 120)));
    }

    [Fact]
    public async Task Copies_have_trees_of_their_own()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "source", 0, 60);
        await WriteAsync(engine, fixture, "source", 60, 60);
        await fixture.MergeAsync("source");
        await engine.WriteAsync("source", Upsert(500, 10));

        await (await fixture.OpenAsync()).WriteAsync("copy", new WriteRequest { CopyFromNamespace = "source" });

        var tree = Assert.Single((await ManifestAsync(fixture, "copy")).Trees);
        Assert.All(tree.Parts, p => Assert.StartsWith("puff/ns/copy/tree/", p.Key, StringComparison.Ordinal));
        await CheckAsync(engine, fixture, "copy", Enumerable.Range(0, 120).Concat(Enumerable.Range(500, 10)));
    }

    [Fact]
    public async Task A_tree_that_no_segment_names_any_more_is_given_up()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "docs", 0, 60);
        await WriteAsync(engine, fixture, "docs", 60, 60);
        await fixture.MergeAsync("docs");
        string key = (await ManifestAsync(fixture, "docs")).Trees[0].Parts[0].Key;

        await engine.WriteAsync("docs", new WriteRequest { Deletes = [.. Enumerable.Range(0, 120).Select(i => Value.Int(i))] });
        await fixture.FlushAsync("docs");

        var manifest = await ManifestAsync(fixture, "docs");
        Assert.Empty(manifest.Trees);
        Assert.Contains(manifest.Retired, r => r.Key == key);
    }

    [Fact]
    public async Task A_missing_or_damaged_tree_object_is_found()
    {
        await using var fixture = Fixture();
        var engine = await fixture.OpenAsync();
        await WriteAsync(engine, fixture, "docs", 0, 60);
        await WriteAsync(engine, fixture, "docs", 60, 60);
        await fixture.MergeAsync("docs");
        string key = (await ManifestAsync(fixture, "docs")).Trees[0].Parts[0].Key;
        byte[] content = await StoredObjects.ReadAsync(fixture.Store, key);
        content[100] ^= 1;
        await StoredObjects.WriteAsync(fixture.Store, key, content);
        await AssertFoundAsync();
        await fixture.Store.DeleteAsync(key, StorePurpose.User, default);
        await AssertFoundAsync();

        async Task AssertFoundAsync()
        {
            var report = await new StoreChecker(fixture.NewContext()).CheckAsync("docs", default);
            Assert.Equal(key, Assert.Single(report.Problems).Key);
            var error = await Assert.ThrowsAsync<PuffException>(
                async () => await (await fixture.OpenAsync()).QueryAsync("docs", new QueryRequest { RankBy = new OrderRank([new OrderKey("id", false)]) }));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains(key, error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>What a namespace of 768-dimensional vectors costs on the store, everything but the log counted.</summary>
    [Fact]
    public async Task A_768_dimensional_document_takes_at_most_3650_bytes()
    {
        const int Count = 4_000;
        await using var fixture = Fixture();
        fixture.Settings = fixture.Settings with { VectorIndex = new() { FlatLimit = 1_000 } };
        var engine = await fixture.OpenAsync();
        for (int first = 0; first < Count; first += Count / 2)
        {
            await engine.WriteAsync("docs", Upsert(first, Count / 2, 768));
            await fixture.FlushAsync("docs");
        }

        await fixture.MergeAsync("docs");
        var manifest = await ManifestAsync(fixture, "docs");
        var segment = Assert.Single(manifest.Segments);
        long bytes = segment.TotalBytes + manifest.Trees.SelectMany(t => t.Parts).Sum(p => p.Bytes);
        bytes += (await StoredObjects.ReadAsync(fixture.Store, "puff/ns/docs/current")).Length;
        string parts = string.Join(", ", segment.Parts.Select(p => $"{p.Name} {(double)p.Bytes / Count:F1}"));
        string text = $"{(double)bytes / Count:F1} bytes a document: {parts}, trees {manifest.Trees.Sum(t => (double)t.Parts[0].Bytes) / Count:F1}";
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        Assert.True(bytes <= 3_650L * Count, text);
    }

    /// <summary>Does something else before the first object of a kind is begun.</summary>
    private class InterruptedStore : DispatchProxy
    {
        private IObjectStore inner = null!;
        private string suffix = "";
        private Func<Task>? interruption;

        public static IObjectStore Create(IObjectStore inner, string suffix, Func<Task> interruption)
        {
            var store = Create<IObjectStore, InterruptedStore>();
            var proxy = (InterruptedStore)store;
            (proxy.inner, proxy.suffix, proxy.interruption) = (inner, suffix, interruption);
            return store;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name != nameof(IObjectStore.CreateAsync) || !((string)args![0]!).EndsWith(suffix, StringComparison.Ordinal)
                || Interlocked.Exchange(ref interruption, null) is not { } action)
            {
                return targetMethod.Invoke(inner, args);
            }

            return AfterAsync(action, (string)args[0]!, (StorePurpose)args[1]!);
        }

        private async ValueTask<IObjectWriter> AfterAsync(Func<Task> action, string key, StorePurpose purpose)
        {
            await action();
            return await inner.CreateAsync(key, purpose, default);
        }
    }

    private static EngineFixture Fixture() => new() { Settings = new EngineSettings { RunIndexer = false, MergeFanIn = 2, VectorIndex = Tiny } };

    private static async Task WriteAsync(PuffEngine engine, EngineFixture fixture, string name, int first, int count)
    {
        await engine.WriteAsync(name, Upsert(first, count));
        Assert.True(await fixture.FlushAsync(name));
    }

    private static WriteRequest Upsert(int first, int count, int dimensions = 6) => new()
    {
        Upserts = [.. Enumerable.Range(first, count).Select(i => EngineFixture.Row((ulong)i, ("vec", Value.Vector(Vector(i, dimensions)))))],
        DistanceMetric = DistanceMetric.EuclideanSquared,
        Schema = new SchemaUpdate([new AttributeUpdate("vec") { Type = $"[{dimensions}]f32", Ann = true }]),
    };

    private static float[] Vector(int number, int dimensions)
    {
        var random = new Xorshift(number);
        return [.. Enumerable.Range(0, dimensions).Select(_ => (random.Next(2001) / 1000f) - 1)];
    }

    private static async Task<Manifest> ManifestAsync(EngineFixture fixture, string name) =>
        (await new ManifestStore(fixture.NewContext(), fixture.NewContext().KeysOf(name)).ReadAsync(null, default))!.Manifest;

    /// <summary>The namespace holds these documents, whole and sound, on this node and on one that loads it anew.</summary>
    private static async Task CheckAsync(PuffEngine engine, EngineFixture fixture, string name, IEnumerable<int> expected)
    {
        var ids = expected.Select(i => (ulong)i).Order().ToArray();
        Assert.Empty((await new StoreChecker(fixture.NewContext()).CheckAsync(name, default)).Problems);
        foreach (var node in new[] { engine, await fixture.OpenAsync() })
        {
            Assert.Equal((IEnumerable<ulong>)ids, await EngineFixture.IdsAsync(node, name));
            foreach (int probe in new[] { 0, ids.Length / 2, ids.Length - 1 })
            {
                var rank = new VectorRank("vec", new VectorOperand(Vector((int)ids[probe], 6), 6, IsMulti: false), Exact: false);
                var rows = (await node.QueryAsync(name, new QueryRequest { RankBy = rank, Limit = 1 })).Rows!;
                Assert.Equal(ids[probe], Assert.Single(rows).Id.AsUInt);
            }
        }
    }
}
