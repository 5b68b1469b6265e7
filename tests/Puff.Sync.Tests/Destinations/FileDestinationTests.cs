using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Sync.Tests.Destinations;

/// <summary>Files of JSON lines, and nothing at all.</summary>
public sealed class FileDestinationTests
{
    [Fact]
    public async Task Every_operation_is_a_line()
    {
        using var folder = new TemporaryFolder();
        await using var destination = new FileDestination(Path.Combine(folder.Path, "out"));
        DocumentAction[] actions =
        [
            new(DocumentOperation.Upsert, Value.UInt(1), [new("a", Value.String("ü")), new("n", Value.Null)], default(SyncPosition)),
            new(DocumentOperation.Delete, Value.UInt(2), [], default(SyncPosition)),
            new(DocumentOperation.Patch, Value.UInt(3), [new("f", Value.Float(1))], default(SyncPosition)),
        ];
        await destination.WriteAsync(new DestinationBatch("posts").With(actions), default);
        await destination.WriteAsync(new DestinationBatch("posts") { DeleteByFilter = new AttributeFilter("id", FilterOperator.NotEq, Value.Null) }, default);
        string path = Path.Combine(folder.Path, "out", "posts.ndjson");
        Assert.Equal(
            [
                """{"op":"upsert","id":1,"document":{"a":"ü","n":null}}""", """{"op":"patch","id":3,"document":{"f":1.0}}""",
                """{"op":"delete","id":2}""", """{"op":"delete_by_filter","filter":["id","NotEq",null]}""",
            ],
            await File.ReadAllLinesAsync(path));
        Assert.True((await destination.OpenAsync("posts", "t", default)).Exists);
        await destination.DropAsync("posts", default);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_a_failure_of_the_destination()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "");
        await using var destination = new FileDestination(file);
        var batch = new DestinationBatch("posts") { Deletes = [Value.UInt(1)] };
        await EngineDestinationTests.FailsAsync(Task.Run(() => destination.WriteAsync(batch, default)), DestinationFailure.Temporary, "destination_down");
    }

    [Fact]
    public async Task Nothing_counts_what_it_got()
    {
        await using var destination = new NullDestination();
        await destination.WriteAsync(new DestinationBatch("posts") { Deletes = [Value.UInt(1)], Upserts = [new(Value.UInt(2), [])] }, default);
        Assert.Equal(2, destination.Documents);
        Assert.Empty(await destination.FetchAsync("posts", [Value.UInt(2)], null, default));
    }
}
