using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Queries on a node whose cache is far smaller than what they read, several at once, while others write, flush and merge: each answer is the one of a node
/// that maps everything.
/// </summary>
public sealed class CachedQueriesTests : IDisposable
{
    private const int Dimensions = 96;
    private const int Documents = 1_500;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, 12)]
    [InlineData(2, 24)]
    [InlineData(3, 400)]
    public async Task Answers_are_those_of_a_node_that_maps_everything(int seed, int blocks)
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 3, MaxOpenNamespaces = 3 };
        var writer = await fixture.OpenAsync();
        var random = new Random(seed);
        string[] names = ["one", "two", "three"];
        foreach (string name in names)
        {
            await WriteAsync(writer, name, random, 0, Documents);
            await fixture.FlushAsync(name);
            await WriteAsync(writer, name, random, Documents / 2, Documents / 2);
            await fixture.FlushAsync(name);
        }

        await using var store = Open(fixture, blocks);
        var cached = await fixture.OpenAsync(store);
        for (int round = 0; round < 3; round++)
        {
            var plain = await fixture.OpenAsync();
            var runs = Enumerable.Range(0, 4).Select(
                thread => Task.Factory.StartNew(
                    () => CompareAsync(plain, cached, names, new Random((seed * 1000) + (round * 10) + thread)), TaskCreationOptions.LongRunning).Unwrap());
            await Task.WhenAll(runs);
            foreach (string name in names)
            {
                // The next round has patches of rows in segments, which copy their vectors, another segment, and every second time a merged one.
                await PatchAsync(writer, name, random);
                await WriteAsync(writer, name, random, random.Next(Documents), 300);
                await fixture.FlushAsync(name);
                if (round == 1)
                {
                    await fixture.MergeAsync(name);
                }
            }
        }

        Assert.True(blocks > 100 || store.Statistics.Evictions > 5, $"{store.Statistics.Evictions} evictions");
    }

    [Fact]
    public async Task A_restart_answers_from_the_disk_and_a_damaged_file_from_the_store()
    {
        await using var fixture = new EngineFixture();
        var writer = await fixture.OpenAsync();
        var random = new Random(7);
        await WriteAsync(writer, "one", random, 0, Documents);
        await fixture.FlushAsync("one");
        var plain = await fixture.OpenAsync();
        var (first, gets) = await RunAsync(fixture, plain);
        Assert.True(gets > 5, $"{gets} requests");
        Assert.Equal(first, (await RunAsync(fixture, plain)).Answers);
        Assert.Equal(0, (await RunAsync(fixture, plain)).Gets);
        foreach (string path in Directory.GetFiles(Path.Combine(folder.Path, "blocks-1")))
        {
            byte[] content = await File.ReadAllBytesAsync(path);
            for (int i = 40; i < content.Length; i += 997)
            {
                content[i] ^= (byte)(content[i] == 0 ? 0 : 1);
            }

            await File.WriteAllBytesAsync(path, content);
        }

        var (damaged, again) = await RunAsync(fixture, plain);
        Assert.Equal(first, damaged);
        Assert.True(again > 5, $"{again} requests");
        Assert.Equal(0, (await RunAsync(fixture, plain)).Gets);
    }

    [Fact]
    public async Task A_warm_namespace_asks_for_nothing_and_a_query_past_the_cache_for_everything()
    {
        await using var fixture = new EngineFixture();
        await WriteAsync(await fixture.OpenAsync(), "one", new Random(7), 0, Documents);
        await fixture.FlushAsync("one");
        var remote = new RemoteStore(new Lasting(fixture.Store));
        await using var store = new ExtentObjectStore(remote, Options(400));
        await using var engine = await PuffEngine.OpenAsync(fixture.Settings, new EngineComponents { Store = store });
        var warm = await engine.WarmAsync("one");
        Assert.True(warm is { Segments: 1, TextSegments: 1, Clusters: > 0, Requests: > 0, Bytes: > 500_000 }, $"{warm}");
        Assert.Equal(0, (await engine.WarmAsync("one")).Requests);
        var requests = Enumerable.Range(0, 5).Select(kind => Request(kind, new Random(kind))).ToList();
        var answers = new List<string>();
        foreach (var request in requests)
        {
            answers.Add(Describe(await engine.QueryAsync("one", request)));
        }

        long before = store.Statistics.Requests;
        Assert.Equal(warm.Requests, before);
        for (int i = 0; i < requests.Count; i++)
        {
            int gets = SegmentGets(remote);
            var past = await engine.QueryPastCacheAsync("one", new MultiQueryRequest([requests[i]]));
            Assert.Equal(answers[i], Describe(past.Results[0]));
            Assert.True(SegmentGets(remote) > gets);
        }

        Assert.Equal(before, store.Statistics.Requests);
        await engine.PatchMetadataAsync("one", new MetadataPatch { SetsPinning = true, PinnedReplicas = 1 });
        Assert.True(store.Statistics.PinnedBytes > 500_000);
        Assert.True(await engine.PurgeCacheAsync("one") > 0);
        Assert.Equal(answers[0], Describe(await engine.QueryAsync("one", requests[0])));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<PuffException>(() => engine.PurgeCacheAsync("none"))).Kind);
    }

    private static int SegmentGets(RemoteStore remote) => remote.Gets.Count(g => g.Key.Contains("/seg/", StringComparison.Ordinal));

    private async Task<(string Answers, int Gets)> RunAsync(EngineFixture fixture, PuffEngine plain)
    {
        var remote = new RemoteStore(new Lasting(fixture.Store));
        await using var store = new ExtentObjectStore(remote, Options(400));
        string answers;
        await using (var engine = await PuffEngine.OpenAsync(fixture.Settings, new EngineComponents { Store = store }))
        {
            var random = new Random(5);
            var texts = new List<string>();
            for (int i = 0; i < 20; i++)
            {
                var request = Request(i % 5, random);
                string expected = Describe(await plain.QueryAsync("one", request));
                texts.Add(Describe(await engine.QueryAsync("one", request)));
                Assert.Equal(expected, texts[^1]);
            }

            answers = string.Join('\n', texts);
        }

        return (answers, SegmentGets(remote));
    }

    private ExtentStoreOptions Options(int blocks) =>
        new() { Folder = folder.Path, KeepsBlocks = true, CacheBytes = (long)blocks * LocalCopy.BlockBytes };

    private ExtentObjectStore Open(EngineFixture fixture, int blocks) => new(new RemoteStore(new Lasting(fixture.Store)), Options(blocks));

    private static async Task CompareAsync(PuffEngine plain, PuffEngine cached, string[] names, Random random)
    {
        for (int i = 0; i < 40; i++)
        {
            string name = names[random.Next(names.Length)];
            var request = Request(i % 5, random);
            string expected = Describe(await plain.QueryAsync(name, request));
            string found = Describe(await cached.QueryAsync(name, request));
            Assert.True(expected == found, $"{name}, query {i}: {request}\n{expected}\n{found}");
        }
    }

    private static QueryRequest Request(int kind, Random random) => kind switch
    {
        0 => new() { RankBy = new VectorRank("vector", new VectorOperand(NextVector(random), Dimensions, false), false), Limit = 10, Select = All },
        1 => new() { RankBy = new VectorRank("vector", new VectorOperand(NextVector(random), Dimensions, false), true), Limit = 5, Filters = Below(random) },
        2 => new() { RankBy = new ScoreRank(new Bm25Score("body", $"w{random.Next(300)} w{random.Next(30)}", null, false)), Limit = 10, Select = All },
        3 => new() { RankBy = new OrderRank([new OrderKey("number", random.Next(2) == 0)]), Limit = 20, Filters = Below(random), Select = All },
        _ => new() { AggregateBy = [new("count", AggregateFunction.Count, null)], Filters = Below(random) },
    };

    private static AttributeSelection All => new(true, null, null);

    private static AttributeFilter Below(Random random) => new("number", FilterOperator.Lt, Value.Int(random.Next(1000)));

    private static string Describe(QueryResult result) => result.Rows is null
        ? string.Join(' ', result.Aggregations!.Select(a => $"{a.Key} {a.Value}"))
        : string.Join('\n', result.Rows.Select(r => $"{r.Id} {r.Distance:F4} {string.Join(',', r.Attributes?.Select(a => $"{a.Key}={a.Value}") ?? [])}"));

    private static float[] NextVector(Random random) => [.. Enumerable.Range(0, Dimensions).Select(_ => (float)random.NextDouble() - 0.5f)];

    private static async Task WriteAsync(PuffEngine engine, string name, Random random, int first, int count)
    {
        var rows = Enumerable.Range(first, count).Select(
            i => EngineFixture.Row(
                (ulong)i, ("vector", Value.Vector(NextVector(random))), ("number", Value.Int(random.Next(1000))),
                ("body", Value.String(string.Join(' ', Enumerable.Range(0, 20).Select(_ => $"w{random.Next(1 + random.Next(300))}"))))));
        await engine.WriteAsync(
            name,
            new WriteRequest
            {
                Upserts = [.. rows],
                DistanceMetric = DistanceMetric.EuclideanSquared,
                Schema = new SchemaUpdate([new("body") { Type = "string", FullText = new FullTextUpdate(true) }, new("vector") { Type = $"[{Dimensions}]f32", Ann = true }]),
            });
    }

    private static async Task PatchAsync(PuffEngine engine, string name, Random random)
    {
        var ids = Enumerable.Range(0, 100).Select(_ => random.Next(Documents)).Distinct();
        await engine.WriteAsync(name, new WriteRequest { Patches = [.. ids.Select(i => EngineFixture.Row((ulong)i, ("number", Value.Int(random.Next(1000)))))] });
    }

    /// <summary>A store that outlives those who close it.</summary>
    private sealed class Lasting(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        public override ValueTask DisposeAsync() => default;
    }
}
