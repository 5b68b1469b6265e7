using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Sync.Destinations;
using Xunit;

namespace Puff.Sync.Tests.Destinations;

/// <summary>
/// Writing into the engine of this process: what a crash leaves (line 48, on the side of the destination), two runners (53), repeated writes of unknown outcome
/// (67), and which failures are whose (65, 66).
/// </summary>
public sealed class EngineDestinationTests
{
    private const string Name = "default/posts/1";

    [Fact]
    public async Task After_a_crash_between_write_and_bookkeeping_the_token_tells_and_nothing_is_applied_twice()
    {
        await using var store = new MemoryObjectStore();
        WriteToken? last = null;
        for (int run = 1; run <= 20; run++)
        {
            // A process that dies has nothing but what is stored: a new engine, and no memory of what was acknowledged.
            await using var engine = await OpenAsync(store);
            await using var destination = new EngineDestination(engine);
            var state = await destination.OpenAsync("posts", Name, default);
            Assert.Equal(last, state.Token);
            var next = Token(run, run % 2 == 0 ? "{\"cursor\":[\"5\"]}" : null);
            var batch = new DestinationBatch("posts") { Upserts = [Row(1, run)], Patches = [Row(2, run)], Token = next, Expected = state.Token };
            await destination.WriteAsync(batch, default);
            if (run % 3 == 0)
            {
                // The answer was lost: the batch is sent again as it was.
                await destination.WriteAsync(batch, default);
            }

            last = next;
        }

        await using var reader = new EngineDestination(await OpenAsync(store));
        var rows = await reader.FetchAsync("posts", [Value.UInt(1), Value.UInt(2)], ["n", "unknown"], default);
        Assert.Equal(20, Assert.Single(rows).Attributes.Single().Value.AsInt);
    }

    [Fact]
    public async Task A_runner_that_another_has_replaced_writes_and_clears_nothing()
    {
        await using var store = new MemoryObjectStore();
        await using var engine = await OpenAsync(store);
        var (first, second) = (new EngineDestination(engine), new EngineDestination(await OpenAsync(store)));
        await first.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(1, 1)], Token = Token(1) }, default);
        await second.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(2, 1)], Token = Token(2), Expected = Token(1) }, default);
        var late = new DestinationBatch("posts") { Upserts = [Row(3, 1)], Token = Token(3), Expected = Token(1) };
        await FailsAsync(first.WriteAsync(late, default), DestinationFailure.Fenced, "fenced");
        await FailsAsync(first.WriteAsync(late with { Upserts = [], DeleteByFilter = Everything }, default), DestinationFailure.Fenced, "fenced");
        Assert.Equal(2, (await first.ScanAsync("posts", null, 10, [], null, default)).Count);
    }

    [Fact]
    public async Task Clearing_goes_on_until_nothing_is_left_and_then_moves_the_token()
    {
        await using var store = new MemoryObjectStore();
        await using var engine = await PuffEngine.OpenAsync(
            new EngineSettings { RunIndexer = false, DeleteByFilterLimit = 3 }, new EngineComponents { Store = store });
        var destination = new EngineDestination(engine);
        await destination.WriteAsync(
            new DestinationBatch("posts") { Upserts = [.. Enumerable.Range(0, 10).Select(i => Row((ulong)i, i))], Token = Token(1) }, default);
        var clear = new DestinationBatch("posts") { DeleteByFilter = Everything, Token = Token(2), Expected = Token(1) };
        await destination.WriteAsync(clear, default);
        Assert.Empty(await destination.ScanAsync("posts", null, 100, [], null, default));
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(1, 1)], Token = Token(3), Expected = Token(2) }, default);
        await FailsAsync(destination.WriteAsync(clear, default), DestinationFailure.Fenced, "fenced");
        Assert.Single(await destination.ScanAsync("posts", null, 100, [], null, default));
    }

    [Fact]
    public async Task A_first_batch_without_documents_still_stores_its_token()
    {
        await using var store = new MemoryObjectStore();
        await using var engine = await OpenAsync(store);
        var destination = new EngineDestination(engine);
        var schema = new SchemaUpdate([new AttributeUpdate("id") { Type = "uint" }, new AttributeUpdate("v") { Type = "[2]f32", Ann = true }]);
        await destination.WriteAsync(
            new DestinationBatch("posts") { Deletes = [Value.UInt(1)], Schema = schema, Metric = DistanceMetric.EuclideanSquared, Token = Token(1) }, default);
        Assert.Equal(Token(1), (await destination.OpenAsync("posts", Name, default)).Token);
        var row = new DocumentRow(Value.UInt(1), [new("v", Value.Vector(new float[] { 1, 2 }))]);
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [row], Token = Token(2), Expected = Token(1) }, default);
        Assert.Single(await destination.FetchAsync("posts", [Value.UInt(1)], null, default));
        await destination.WriteAsync(new DestinationBatch("gone") { Deletes = [Value.UInt(1)] }, default);
        await destination.DropAsync("posts", default);
        await destination.DropAsync("posts", default);
        Assert.False((await destination.OpenAsync("posts", Name, default)).Exists);
    }

    [Fact]
    public async Task A_refused_row_is_told_from_a_refused_schema()
    {
        await using var store = new MemoryObjectStore();
        await using var engine = await OpenAsync(store);
        var destination = new EngineDestination(engine);
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(1, 1)] }, default);
        var wrong = new DocumentRow(Value.UInt(2), [new("n", Value.String("text"))]);
        await FailsAsync(destination.WriteAsync(new DestinationBatch("posts") { Upserts = [wrong] }, default), DestinationFailure.Row, "destination_refused");
        var retyped = new SchemaUpdate([new AttributeUpdate("n") { Type = "float" }]);
        await FailsAsync(
            destination.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(2, 2)], Schema = retyped }, default),
            DestinationFailure.Mapping, "destination_conflict");
        var right = new SchemaUpdate([new AttributeUpdate("n") { Type = "int" }]);
        await FailsAsync(
            destination.WriteAsync(new DestinationBatch("posts") { Upserts = [wrong], Schema = right }, default), DestinationFailure.Row, "destination_refused");
        await engine.PatchMetadataAsync("posts", new MetadataPatch { ReadOnly = true });
        await FailsAsync(
            destination.WriteAsync(new DestinationBatch("posts") { Upserts = [Row(2, 2)] }, default), DestinationFailure.Mapping, "destination_conflict");
    }

    [Fact]
    public async Task Scanning_goes_through_all_ids_in_order()
    {
        await using var store = new MemoryObjectStore();
        await using var engine = await OpenAsync(store);
        var destination = new EngineDestination(engine);
        DocumentRow[] rows = [.. Enumerable.Range(0, 25).Select(i => Row((ulong)i * 3, i))];
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = rows }, default);
        var seen = new List<ulong>();
        Value? after = null;
        while (await destination.ScanAsync("posts", after, 10, ["n"], null, default) is { Count: > 0 } page)
        {
            seen.AddRange(page.Select(r => r.Id.AsUInt));
            after = page[^1].Id;
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => (ulong)i * 3), seen);
    }

    private static Filter Everything => new AttributeFilter("id", FilterOperator.NotEq, Value.Null);

    private static WriteToken Token(int position, string? payload = null) => new(Name, position.ToString("X16") + "/00000001", payload);

    private static DocumentRow Row(ulong id, int n) => new(Value.UInt(id), [new("n", Value.Int(n))]);

    private static Task<PuffEngine> OpenAsync(MemoryObjectStore store) =>
        PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });

    internal static async Task FailsAsync(Task write, DestinationFailure failure, string code)
    {
        var error = await Assert.ThrowsAsync<DestinationException>(() => write);
        Assert.Equal((failure, code), (error.Failure, error.Code));
    }
}
