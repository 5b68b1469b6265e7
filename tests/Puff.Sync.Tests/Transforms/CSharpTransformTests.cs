using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>Transforms in C#, by the same rules as those in TypeScript.</summary>
public sealed class CSharpTransformTests
{
    private static readonly TransformModule Module = new(typeof(CSharpTransformTests).Assembly.Location, "hash", "0001_posts", "prefix-posts");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static TransformHostOptions Options => new()
    {
        ProjectFolder = "/", Environment = new Dictionary<string, string> { ["KEY"] = "k", ["DATABASE_URL"] = "postgres://x" },
        Timeout = TimeSpan.FromMilliseconds(200), Grace = TimeSpan.FromMilliseconds(50),
    };

    [Fact]
    public async Task An_assembly_beside_the_migration_is_loaded_apart_and_run()
    {
        var services = new RecordingServices();
        var mapping = TransformProject.Mapping(transform: new TransformDefinition(TransformKind.CSharp, TypeName: typeof(Counting).FullName));
        var options = Options with { Timeout = TimeSpan.FromMinutes(1) };
        await using var first = await AssemblyTransform.LoadAsync(mapping, Module, options, services, TimeProvider.System, Cancellation);
        await using var second = await AssemblyTransform.LoadAsync(mapping, Module, options, services, TimeProvider.System, Cancellation);
        foreach (var transform in new[] { first, first, second })
        {
            var actions = await transform.RunAsync(TransformProject.Rows(2), 1, Cancellation);
            Assert.Equal([TransformVerb.Upsert, TransformVerb.Upsert], actions.Select(each => Assert.Single(each).Verb));
            Assert.Equal("TITLE 2", actions[1][0].Attributes![0].Value.AsString);
        }

        // Each context has its own copy of the class, and so of what it counts.
        Assert.Equal(["setup KEY", "setup KEY", "call 1", "call 2", "call 1"], services.Logs.Select(entry => entry.Text));
        Assert.Equal(0, Counting.Calls);
    }

    [Theory]
    [InlineData("No.Such.Type", "has no type No.Such.Type")]
    [InlineData("Puff.Sync.Tests.Transforms.CSharpTransformTests", "is no ISyncTransform")]
    [InlineData("Puff.Sync.Tests.Transforms.CSharpTransformTests+BadSetup", "no key")]
    [InlineData("Puff.Sync.Tests.Transforms.CSharpTransformTests+BadConstructor", "not today")]
    public async Task A_class_that_cannot_be_used_is_an_error_of_the_mapping(string type, string expected)
    {
        var mapping = TransformProject.Mapping(transform: new TransformDefinition(TransformKind.CSharp, TypeName: type));
        var failure = await Assert.ThrowsAsync<TransformException>(
            () => AssemblyTransform.LoadAsync(mapping, Module, Options, new RecordingServices(), TimeProvider.System, Cancellation));
        Assert.Equal(("transform_load", true), (failure.Code, failure.IsOfMapping));
        Assert.Contains(expected, failure.Message);
    }

    [Fact]
    public async Task A_missing_or_broken_assembly_is_an_error_of_the_mapping()
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "no assembly", Cancellation);
        foreach (string file in new[] { path, path + ".missing.dll" })
        {
            var failure = await Assert.ThrowsAsync<TransformException>(() => AssemblyTransform.LoadAsync(
                TransformProject.Mapping(), Module with { Path = file }, Options, new RecordingServices(), TimeProvider.System, Cancellation));
            Assert.Equal("transform_load", failure.Code);
        }

        File.Delete(path);
    }

    [Fact]
    public async Task Columns_are_read_by_type()
    {
        var shape = new RelationShape(
            1, "public", "t", ReplicaIdentity.Default,
            [.. new[] { "id", "price", "uuid", "at", "bytes", "vector", "none" }.Select(name => new ColumnShape(name, 25, -1, name == "id"))]);
        var input = TransformProject.Row(
            shape, ChangeKind.Snapshot, "-0", "12.340", "0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6", "2026-05-01 12:00:00.5+00", "\\x00ff", "[1,2.5,-3e-2]", null);
        var row = new SyncRow(TransformProject.Row(shape, ChangeKind.Snapshot, "7", "1", "2", "3", "4", "5", null));
        Assert.Throws<FormatException>(() => row.GetUuid(2));
        Assert.Throws<FormatException>(() => row.GetBytes(4));
        Assert.Throws<FormatException>(() => row.GetVector(5));
        Assert.Contains("column none is NULL", Assert.Throws<InvalidCastException>(() => row.GetText(6)).Message);
        row = new SyncRow(input);
        Assert.Equal(12.340m, row.GetDecimal(1));
        Assert.Equal(12.34, row.GetDouble(1));
        Assert.Equal(Guid.Parse("0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6"), row.GetUuid(2));
        Assert.Equal(new DateTimeOffset(2026, 5, 1, 12, 0, 0, 500, TimeSpan.Zero), row.GetTimestamp(row.GetOrdinal("at")));
        Assert.Equal([0, 255], row.GetBytes(4));
        Assert.Equal([1f, 2.5f, -0.03f], row.GetVector(5));
        Assert.True(row.IsNull(6) && row.IsSent(6) && row.IsChanged(0) && row.HasRow && !row.HasOld);
        Assert.Equal((SyncOperation.Snapshot, 7, -1), (row.Operation, row.ColumnCount, row.Find("nothing")));
        Assert.Throws<ArgumentException>(() => row.GetOrdinal("nothing"));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task What_goes_wrong_has_the_same_codes_as_in_TypeScript()
    {
        Assert.Equal("transform_error: InvalidOperationException: broken", await FailureAsync((_, _, _) => throw new InvalidOperationException("broken")));
        Assert.Equal(
            "transform_result_count: Got actions for 1 of 2 changes.",
            await FailureAsync((_, actions, _) =>
            {
                actions.Skip(0);
                return ValueTask.CompletedTask;
            }));
        string slow = await FailureAsync((_, _, token) => new ValueTask(Task.Delay(Timeout.Infinite, token)));
        Assert.StartsWith("transform_timeout: No answer within 0.2 s for 2 changes.", slow);
        using var release = new ManualResetEventSlim();
        string deaf = await FailureAsync((_, _, _) =>
        {
            release.Wait(Cancellation);
            return ValueTask.CompletedTask;
        });
        release.Set();
        Assert.StartsWith("transform_timeout", deaf);
    }

    private static async Task<string> FailureAsync(Func<ReadOnlyMemory<SyncRow>, ActionBuffer, CancellationToken, ValueTask> code)
    {
        await using var transform = await AssemblyTransform.RegisterAsync(
            new Given(code), TransformProject.Mapping(), Module, Options, new RecordingServices(), TimeProvider.System, Cancellation);
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(2), 1, Cancellation));
        return $"{failure.Code}: {failure.Message}";
    }

    /// <summary>Upper-case titles; counts its calls in a static.</summary>
    public sealed class Counting : ISyncTransform
    {
        public static int Calls { get; private set; }

        public ValueTask SetupAsync(TransformContext context, CancellationToken cancellationToken)
        {
            context.Log("info", $"setup {string.Join(' ', context.Environment.Keys)}");
            return ValueTask.CompletedTask;
        }

        public ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken)
        {
            context.Log("info", $"call {++Calls}");
            for (int i = 0; i < changes.Length; i++)
            {
                actions.Upsert(i, [new("title", Value.String(changes.Span[i].GetText(1).ToUpperInvariant()))]);
            }

            return ValueTask.CompletedTask;
        }
    }

    public sealed class BadSetup : ISyncTransform
    {
        public ValueTask SetupAsync(TransformContext context, CancellationToken cancellationToken) => throw new InvalidOperationException("no key");

        public ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;
    }

    public sealed class BadConstructor : ISyncTransform
    {
        public BadConstructor() => throw new InvalidOperationException("not today");

        public ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;
    }

    private sealed class Given(Func<ReadOnlyMemory<SyncRow>, ActionBuffer, CancellationToken, ValueTask> code) : ISyncTransform
    {
        public ValueTask TransformAsync(ReadOnlyMemory<SyncRow> changes, ActionBuffer actions, TransformContext context, CancellationToken cancellationToken) =>
            code(changes, actions, cancellationToken);
    }
}
