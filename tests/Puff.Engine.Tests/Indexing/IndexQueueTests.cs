using Puff.Engine.Formats;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Nodes of different roles on one store: who indexes what, and what becomes of it when nodes stop, die, sleep or fail.</summary>
public sealed class IndexQueueTests
{
    private readonly SimulatedCluster cluster = new();

    [Fact]
    public void What_a_query_node_writes_is_indexed_by_an_index_node_within_seconds()
    {
        var query = cluster.Query();
        cluster.Index();
        WriteMany(query, "docs", 1, 5);

        Assert.InRange(cluster.Until(() => cluster.IndexedThrough("docs") == 5), 0, 6);
        Assert.Equal(5, cluster.Ids(query, "docs").Length);
        cluster.Pass(30);
        Assert.Empty(Jobs());
    }

    [Fact]
    public void A_query_node_alone_only_says_what_waits_and_does_so_once()
    {
        var query = cluster.Query();
        WriteMany(query, "docs", 1, 5);
        WriteMany(query, "idle", 1, 1);
        cluster.Pass(60);

        var job = Assert.Single(Jobs());
        Assert.Equal(("docs", 5L, default), (job.Namespace, job.Sequence, job.Owner));
        Assert.True(job.Bytes > 0);
        Assert.Equal(0, cluster.IndexedThrough("docs"));
        Assert.Equal(1, query.Store.Snapshot()[StoreOperation.Put, StorePurpose.Queue].Requests);

        // Too little to be worth a segment for the first minutes.
        cluster.Pass(cluster.Settings.IndexMaxAge);
        Assert.Equal(["docs", "idle"], Jobs().Select(j => j.Namespace).Order());
    }

    [Fact]
    public void Two_index_nodes_never_do_the_same_work_while_both_live()
    {
        var queries = new[] { cluster.Query(), cluster.Query() };
        var indexers = new[] { cluster.Index(), cluster.Index(), cluster.Index() };
        for (int round = 0; round < 30; round++)
        {
            foreach (string name in new[] { "alpha", "beta", "gamma", "delta" })
            {
                WriteMany(queries[round % 2], name, (ulong)round * 10, 4);
            }

            cluster.Pass(1.5);
        }

        cluster.Pass(60);
        Assert.Equal(120, cluster.Ids(queries[0], "alpha").Length);
        Assert.Equal(120, cluster.IndexedThrough("alpha"));
        Assert.Equal(0, indexers.Sum(i => Lines(i, "published")));
        Assert.Equal(0, indexers.Sum(i => Lines(i, "taken over")));

        // All of them had a share of it, and each flush took several commits.
        int flushes = indexers.Sum(i => Lines(i, "Indexed"));
        Assert.InRange(flushes, 16, 120);
        Assert.True(indexers.Count(i => Lines(i, "Indexed") > 0) > 1);
        Assert.Empty(Jobs());
    }

    [Fact]
    public void The_jobs_of_a_dead_node_are_taken_over_when_its_lease_has_run_out_and_not_before()
    {
        var query = cluster.Query();
        var first = cluster.Index();
        WriteMany(query, "docs", 1, 5);
        cluster.Until(() => Jobs().Any(j => j.Owner != default));
        cluster.Kill(first);
        var second = cluster.Index();

        double waited = cluster.Until(() => cluster.IndexedThrough("docs") == 5);
        double lease = cluster.Settings.LeaseTime.TotalSeconds;
        Assert.InRange(waited, lease, lease + 5);
        Assert.Equal(1, Lines(second, "Indexed"));
    }

    [Fact]
    public void A_node_that_slept_loses_its_jobs_and_does_no_harm()
    {
        cluster.Settings = cluster.Settings with { LeaseTime = TimeSpan.FromSeconds(6) };
        var query = cluster.Query();
        var sleeper = cluster.Index();
        WriteMany(query, "docs", 1, 5);
        cluster.Until(() => Jobs().Any(j => j.Owner != default));
        cluster.Sleep(sleeper, TimeSpan.FromSeconds(60));
        cluster.Index();
        cluster.Until(() => cluster.IndexedThrough("docs") == 5);
        WriteMany(query, "docs", 10, 5);
        cluster.Pass(120);

        Assert.Equal(10, cluster.IndexedThrough("docs"));
        Assert.Equal(10, cluster.Ids(query, "docs").Length);
        Assert.Empty(Jobs());
    }

    [Fact]
    public void A_node_that_stops_gives_its_jobs_back_and_says_what_it_leaves()
    {
        var query = cluster.Query();
        var first = cluster.Open("all", cluster.IndexSettings with { IndexQueuePoll = TimeSpan.FromSeconds(30) });
        WriteMany(first, "own", 1, 2);
        WriteMany(query, "little", 1, 1);
        cluster.Stop(first);
        cluster.Stop(query);
        Assert.Equal(["little", "own"], Jobs().Select(j => j.Namespace).Order());
        Assert.All(Jobs(), job => Assert.Equal(default, job.Owner));

        cluster.Index();
        cluster.Until(() => cluster.IndexedThrough("own") == 2 && cluster.IndexedThrough("little") == 1);
    }

    [Fact]
    public void A_damaged_shard_is_written_anew_and_nothing_is_lost_by_it()
    {
        var query = cluster.Query();
        WriteMany(query, "docs", 1, 5);
        cluster.Until(() => Jobs().Count == 1);
        cluster.Put(ShardOf("docs"), "{\"version\":1,\"jobs\":[{]}"u8.ToArray());
        cluster.Index();

        cluster.Until(() => cluster.IndexedThrough("docs") == 5);
        cluster.Pass(60);
        Assert.Empty(Jobs());
    }

    [Fact]
    public void A_namespace_that_cannot_be_indexed_is_given_up_and_keeps_no_other_waiting()
    {
        var query = cluster.Query();
        WriteMany(query, "bad", 1, 5);
        string entry = SimulatedKeys("bad").Single(k => k.EndsWith("003", StringComparison.Ordinal));
        byte[] bytes = cluster.Read(entry)!;
        bytes[bytes.Length / 2] ^= 1;
        cluster.Put(entry, bytes);
        var index = cluster.Index();
        cluster.Until(() => Lines(index, "will be tried again") >= 3);
        cluster.Until(() => Jobs().Single().Owner == default);
        WriteMany(query, "good", 1, 5);
        cluster.Until(() => cluster.IndexedThrough("good") == 5);

        // Left alone for a while, and then tried again.
        int failures = Lines(index, "will be tried again");
        cluster.Pass(cluster.Settings.LeaseTime * 2);
        Assert.Equal(failures, Lines(index, "will be tried again"));
        cluster.Pass(cluster.Settings.LeaseTime * 4);
        Assert.True(Lines(index, "will be tried again") > failures);
    }

    [Fact]
    public void A_node_of_all_roles_alone_pays_one_put_a_commit_and_a_look_now_and_then()
    {
        var settings = cluster.IndexSettings with { IndexQueuePoll = TimeSpan.FromSeconds(30) };
        var lone = cluster.Open("all", settings);
        WriteMany(lone, "docs", 1, 1);
        var before = lone.Store.Snapshot();
        WriteMany(lone, "docs", 2, 100);
        var after = lone.Store.Snapshot().Since(before);
        Assert.Equal(100, after[StoreOperation.Put, StorePurpose.Wal].Requests);

        before = lone.Store.Snapshot();
        cluster.Pass(TimeSpan.FromMinutes(10));
        after = lone.Store.Snapshot().Since(before);
        Assert.InRange(after.Of(StorePurpose.Queue).Requests, 19, 21);
        Assert.Equal(101, cluster.IndexedThrough("docs"));
        Assert.Null(cluster.Read(ShardOf("docs")));
    }

    [Fact]
    public void Of_two_nodes_of_all_roles_the_one_that_writes_indexes()
    {
        var writer = cluster.Open("all", cluster.IndexSettings);
        var reader = cluster.Open("all", cluster.IndexSettings);
        for (int round = 0; round < 20; round++)
        {
            WriteMany(writer, "docs", (ulong)round * 10, 5);
            Assert.Equal((round + 1) * 5, cluster.Ids(reader, "docs").Length);
            cluster.Pass(1);
        }

        cluster.Pass(60);
        Assert.Equal(0, Lines(reader, "Indexed") + Lines(writer, "published"));
        Assert.True(Lines(writer, "Indexed") > 3);

        // Unless it is gone.
        WriteMany(writer, "docs", 1_000, 5);
        Assert.Equal(105, cluster.Ids(reader, "docs").Length);
        cluster.Kill(writer);
        Assert.InRange(cluster.Until(() => cluster.IndexedThrough("docs") == 105), 20, 40);
    }

    [Fact]
    public void One_node_sweeps_for_all_and_another_when_that_one_is_gone()
    {
        cluster.Settings = cluster.Settings with { Grace = TimeSpan.FromMinutes(10) };
        var nodes = Enumerable.Range(0, 3).Select(_ => cluster.Index()).ToArray();
        WriteMany(nodes[0], "docs", 1, 5);
        cluster.Pass(TimeSpan.FromMinutes(55));
        Assert.InRange(nodes.Sum(Sweeps), 5, 6);

        int sweeper = Array.IndexOf(nodes, nodes.MaxBy(Sweeps));
        cluster.Kill(nodes[sweeper]);
        int before = nodes.Sum(Sweeps);
        cluster.Pass(TimeSpan.FromMinutes(25));
        Assert.InRange(nodes.Sum(Sweeps) - before, 1, 3);
    }

    [Fact]
    public void A_sweep_finds_what_a_query_node_took_to_its_grave()
    {
        cluster.Settings = cluster.Settings with { Grace = TimeSpan.FromMinutes(10) };
        var query = cluster.Query();
        cluster.Index();
        WriteMany(query, "docs", 1, 2);
        cluster.Kill(query);
        Assert.InRange(cluster.Until(() => cluster.IndexedThrough("docs") == 2), 300, 1_300);
    }

    [Fact]
    public void Many_announcements_of_a_node_share_the_puts_of_sixteen_shards()
    {
        var query = cluster.Query();
        string[] names = [.. Enumerable.Range(0, 200).Select(i => $"ns-{i}")];
        cluster.Do(query, async engine =>
        {
            for (int i = 0; i < 3; i++)
            {
                await Task.WhenAll(names.Select(n => engine.WriteAsync(n, Upsert(Row((ulong)i)))));
            }

            return true;
        });
        cluster.Pass(7);

        Assert.Equal(names.Order(StringComparer.Ordinal), Jobs().Select(j => j.Namespace).Order(StringComparer.Ordinal));
        Assert.InRange(query.Store.Snapshot()[StoreOperation.Put, StorePurpose.Queue].Requests, 16, 64);
        Assert.True(Jobs().GroupBy(j => QueueKeys.ShardOf(j.Namespace)).All(g => g.Count() is > 2 and < 40));

        // And one node works them off.
        cluster.Index();
        Assert.InRange(cluster.Until(() => names.All(n => cluster.IndexedThrough(n) == 3)), 0, 240);
    }

    [Fact]
    public async Task The_most_urgent_job_comes_first_and_the_smallest_in_its_turn()
    {
        var context = new EngineContext(cluster.Settings, new EngineComponents { Store = cluster.Memory });
        long now = context.NowMs;
        var queue = new IndexQueue(context);
        await queue.AnnounceAsync(new IndexJob("small", 1, 1, 1_000, now));
        await queue.AnnounceAsync(new IndexJob("large", 1, 1, 1_000_000_000, now));
        await queue.AnnounceAsync(new IndexJob("old", 1, 1, 1_000, now - 3_600_000));
        await queue.AnnounceAsync(new IndexJob("middle", 1, 1, 1_000_000, now));
        var work = new WorkList();
        using var metrics = new Diagnostics.IndexMetrics(() => 0);
        var taker = new JobTaker(context, new IndexQueue(context), work, metrics);

        await taker.TurnAsync(CancellationToken.None);
        Assert.Equal(["old", "large", "middle", "small"], work.Begun);

        // More was written meanwhile: done is what was seen, not what came since.
        await queue.AnnounceAsync(new IndexJob("large", 1, 2, 500, now));
        work.Begun.Clear();
        await taker.TurnAsync(CancellationToken.None);
        Assert.Equal(["large"], work.Begun);
        await queue.LookAsync(CancellationToken.None);
        Assert.Equal(["large"], queue.Jobs.Select(j => j.Namespace));
        await taker.TurnAsync(CancellationToken.None);
        await queue.LookAsync(CancellationToken.None);
        Assert.Empty(queue.Jobs);
    }

    [Fact]
    public async Task A_tree_to_be_trained_anew_is_a_job_of_its_own_or_joins_the_one_that_waits()
    {
        var context = new EngineContext(cluster.Settings, new EngineComponents { Store = cluster.Memory });
        var queue = new IndexQueue(context);
        await queue.AnnounceAsync(new IndexJob("still", 1, 5, 0, 7, PoorTree: 11));
        await queue.AnnounceAsync(new IndexJob("written", 1, 9, 100, 7));
        await queue.AnnounceAsync(new IndexJob("written", 1, 8, 90, 8, PoorTree: 12));
        await queue.AnnounceAsync(new IndexJob("still", 1, 5, 0, 8));
        var work = new WorkList();
        using var metrics = new Diagnostics.IndexMetrics(() => 0);
        var taker = new JobTaker(context, new IndexQueue(context), work, metrics);
        await taker.TurnAsync(CancellationToken.None);
        Assert.Equal([("still", 11ul), ("written", 12ul)], work.Rebuilt.Order());
        await queue.LookAsync(CancellationToken.None);
        Assert.Equal((9, 100), (queue.Find("written")!.Sequence, queue.Find("written")!.Bytes));

        // Another tree is more to do than what this node is doing.
        await queue.AnnounceAsync(new IndexJob("still", 1, 5, 0, 9, PoorTree: 13));
        await taker.TurnAsync(CancellationToken.None);
        Assert.Equal(("still", 13ul), work.Rebuilt[^1]);
        await taker.TurnAsync(CancellationToken.None);
        await queue.LookAsync(CancellationToken.None);
        Assert.Empty(queue.Jobs);
    }

    private static int Lines(Member member, string part) => member.Log.Lines.Count(line => line.Contains(part, StringComparison.Ordinal));

    /// <summary>With one namespace a sweep is three listings: of the namespaces, of its objects, of its log.</summary>
    private static int Sweeps(Member member) => (int)member.Store.Snapshot()[StoreOperation.List, StorePurpose.Collect].Requests / 3;

    private void WriteMany(Member member, string name, ulong first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            cluster.Write(member, name, first + (ulong)i);
        }
    }

    private string ShardOf(string name) => QueueKeys.Shard(cluster.Settings.Root, QueueKeys.ShardOf(name));

    private List<IndexJob> Jobs() =>
        [.. Enumerable.Range(0, QueueKeys.Shards).Select(i => cluster.Read(QueueKeys.Shard(cluster.Settings.Root, i))).OfType<byte[]>()
            .Where(b => !b.AsSpan().SequenceEqual("{\"version\":1,\"jobs\":[{]}"u8)).SelectMany(b => IndexQueueFormat.Read(b).Values)];

    private string[] SimulatedKeys(string name) =>
        [.. cluster.Memory.ListAsync(new ListOptions(new NamespaceKeys(cluster.Settings.Root, name).WalFolder), StorePurpose.User, default)
            .Result.Objects.Select(o => o.Key)];

    private sealed class WorkList : IIndexWork
    {
        public List<string> Begun { get; } = [];

        public void Begin(string name) => Begun.Add(name);

        public List<(string Name, ulong Tree)> Rebuilt { get; } = [];

        public void Rebuild(string name, ulong tree) => Rebuilt.Add((name, tree));

        public bool IsWorkingOn(string name) => false;

        public void Drop(string name)
        {
        }
    }
}
