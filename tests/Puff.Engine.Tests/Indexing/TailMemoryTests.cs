using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>What searches make of a tail counts against the limits of its size.</summary>
public sealed class TailMemoryTests
{
    private const string Name = "docs";
    private const int Chunk = 64;

    [Fact]
    public async Task An_index_of_texts_makes_a_tail_due_and_holds_writes_back()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { IndexFlushBytes = 200_000, BackpressureBytes = 200_000 };
        var context = fixture.NewContext();
        var observer = new CountingObserver();
        var target = new Namespace(context, Name, observer);
        await target.WriteAsync(Write());
        var state = target.View!.State;
        Assert.Equal(state.UnindexedBytes, state.TailBytes);
        Assert.True(IndexingSchedule.DueAt(context, state) > context.Time.GetUtcNow());
        await target.WriteAsync(Write());

        int told = observer.Calls;
        using (var snapshot = await target.ReadAsync(isStrong: true, TestContext.Current.CancellationToken))
        {
            var request = new QueryRequest { RankBy = new ScoreRank(new Bm25Score("body", "word7", null, false)), Limit = 10 };
            Assert.Equal(10, QueryExecutor.Execute(snapshot, request, TestContext.Current.CancellationToken).Rows!.Count);
        }

        Assert.True(observer.Calls > told, "nobody was told");
        Assert.InRange(state.UnindexedBytes, 1, 100_000);
        Assert.InRange(state.TailBytes, 400_000, 4_000_000);
        Assert.True(IndexingSchedule.DueAt(context, state) <= context.Time.GetUtcNow());
        var error = await Assert.ThrowsAsync<PuffException>(() => target.WriteAsync(Write()));
        Assert.Equal(ErrorKind.Limited, error.Kind);

        // Documents that wait no longer need no index; what was made of them goes with the old state.
        Assert.True(await new Flusher(context).FlushAsync(target, default));
        Assert.Equal(0, target.View.State.TailBytes);
        await target.WriteAsync(Write());
        target.Close();
    }

    [Fact]
    public async Task Codes_of_vectors_count_too()
    {
        await using var fixture = new EngineFixture();
        var settings = VectorIndexSettings.Default with { TailChunk = Chunk };
        var target = new Namespace(fixture.NewContext(), Name, new CountingObserver());
        await target.WriteAsync(new WriteRequest
        {
            Schema = new SchemaUpdate([new AttributeUpdate("v") { Type = "[4]f32", Ann = true }]),
            DistanceMetric = DistanceMetric.EuclideanSquared,
            Upserts = [.. Enumerable.Range(0, 2 * Chunk).Select(i => EngineFixture.Row((ulong)i, ("v", Value.Vector([i, 1, 2, 3]))))],
        });
        var state = target.View!.State;
        long before = state.TailBytes;
        state.CodeTail(settings, TestContext.Current.CancellationToken);
        Assert.InRange(state.TailBytes - before, 2 * Chunk, 1_000_000);
        Assert.Equal(before, state.UnindexedBytes);
        target.Close();
    }

    private static WriteRequest Write() => new()
    {
        Schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]),
        Upserts = [.. Enumerable.Range(0, 100).Select(i => EngineFixture.Row((ulong)i, ("body", Value.String($"word{i} word7 and {i} others"))))],
    };

    private sealed class CountingObserver : INamespaceObserver
    {
        private int calls;

        public int Calls => Volatile.Read(ref calls);

        public void TailGrew(Namespace changed) => Interlocked.Increment(ref calls);
    }
}
