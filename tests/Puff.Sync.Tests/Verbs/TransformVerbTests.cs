using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Server;
using Puff.Sync.Destinations;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Tests.Postgres;
using Puff.Sync.Tests.Transforms;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>test and dry-run (8.5, 23.6): rows through filter, code, conversion and schema, and nothing written; their JSON (line 73).</summary>
public sealed class TransformVerbTests
{
    private const string Generated = """
        // Written by `puff sync generate` from public.posts. Do not edit.
        export interface Posts {
          id: bigint; // int8
          title: string | null; // text
          views: number | null; // int4
          at: string | null; // timestamptz
        }

        export const columns = ["id", "title", "views", "at"] as const;
        export const primaryKey = ["id"] as const;

        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Made_up_rows_go_through_TypeScript_without_a_database()
    {
        using var folder = Project("""
            import type { Transform } from "puff-sync";
            const transform: Transform<any> = (changes, ctx) => changes.map(({ row }) => ({ action: "upsert", document: { ...row, dry: ctx.dryRun } }));
            export default transform;
            """);
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, await TestVerb.RunAsync(Invocation(folder, console), new TestOptions("posts"), Cancellation));
        Assert.Equal("1 passed, 0 skipped, 0 failed", console.Printed[^1]);
        Assert.Equal(5, console.Printed.Count(line => line.StartsWith("    upsert ", StringComparison.Ordinal)));
        Assert.Contains("\"dry\":true", console.Printed[2]);

        // The same rows for the same seed, others for another.
        var again = new TestConsole();
        await TestVerb.RunAsync(Invocation(folder, again), new TestOptions(), Cancellation);
        Assert.Equal(console.Printed, again.Printed);
        var other = new TestConsole();
        await TestVerb.RunAsync(Invocation(folder, other), new TestOptions(Seed: 2), Cancellation);
        Assert.NotEqual(console.Printed, other.Printed);
    }

    [Fact]
    public async Task Given_rows_show_what_is_outside_and_what_fails_and_why()
    {
        using var folder = Project(
            """
            export default (changes) => changes.map(({ row }) => {
              if (row.title === "throws") throw new RangeError("too much");
              if (row.title === "wrong") return { action: "upsert", document: { views: "text" } };
              return row.title === "skips" ? { action: "skip" } : { action: "upsert", document: { views: row.views } };
            });
            """,
            "where = \"views > 0\"");
        string input = Path.Combine(folder.Folder, "rows.ndjson");
        await File.WriteAllTextAsync(
            input,
            """
            {"id": 1, "title": "fine", "views": 3}
            {"id": 2, "title": "fine", "views": 0}
            {"id": 3, "title": "throws", "views": 1}
            {"id": 4, "title": "wrong", "views": 1}
            {"id": 5, "title": "skips", "views": 1}
            {"id": -6, "title": "fine", "views": 1}
            """,
            Cancellation);
        var console = new TestConsole { IsForPrograms = true };
        Assert.Equal(SyncExit.Failed, await TestVerb.RunAsync(Invocation(folder, console), new TestOptions(Input: input), Cancellation));
        Assert.Equal(["passed", "outside", "failed", "failed", "passed", "failed"], console.Results.Select(row => (string?)row["outcome"]));
        Assert.All(console.Results, row => Assert.Equal(["mapping", "outcome", "row", "actions", "skips", "error"], row.Select(field => field.Key)));
        Assert.StartsWith("transform_error: RangeError: too much", (string?)console.Results[2]["error"]);
        Assert.Contains("views", (string?)console.Results[3]["error"]);
        Assert.Equal(1, (int?)console.Results[4]["skips"]);
        Assert.StartsWith("negative_id", (string?)console.Results[5]["error"]);
        Assert.Equal("upsert", (string?)console.Results[0]["actions"]![0]!["action"]);
    }

    [Fact]
    public async Task What_is_missing_is_named()
    {
        using var folder = Project("export default 7;");
        var unknown = await Assert.ThrowsAsync<SyncException>(
            () => TestVerb.RunAsync(Invocation(folder, new TestConsole()), new TestOptions("post"), Cancellation));
        Assert.Equal((SyncExit.NotFound, "mapping_not_found"), (unknown.Exit, unknown.Code));
        var console = new TestConsole();
        Assert.Equal(SyncExit.Failed, await TestVerb.RunAsync(Invocation(folder, console), new TestOptions(), Cancellation));
        Assert.Contains(console.Printed, line => line.StartsWith("posts: failed: transform_load", StringComparison.Ordinal));
        File.Delete(Path.Combine(folder.Folder, "generated/posts.ts"));
        var missing = await Assert.ThrowsAsync<SyncException>(() => TestVerb.RunAsync(Invocation(folder, new TestConsole()), new TestOptions(), Cancellation));
        Assert.Equal("generated_missing", missing.Code);
    }

    [Theory]
    [InlineData("typescript")]
    [InlineData("openai")]
    [InlineData("ollama")]
    public async Task Templates_run_as_they_are_written(string template)
    {
        await using var stub = new EmbeddingStub { Dimensions = template == "ollama" ? 768 : 1536 };
        using var folder = Project(null);
        folder.Variables["EMBEDDING_URL"] = stub.Url;
        folder.Variables["OLLAMA_URL"] = stub.Url[..^"/v1".Length];
        Directory.Delete(Path.Combine(folder.Folder, "migrations"), recursive: true);
        NewVerb.Run(Invocation(folder, new TestConsole()), new NewOptions("posts", "posts", "posts", Template: template));
        var console = new TestConsole();
        var exit = await TestVerb.RunAsync(Invocation(folder, console), new TestOptions(), Cancellation);
        Assert.True(exit == SyncExit.Done, string.Join('\n', console.Printed.Concat(console.Said)));
        if (template != "typescript")
        {
            Assert.Equal(stub.Requests.Single().Distinct().Count(), stub.Requests.Single().Length);
        }
    }

    [Fact]
    public async Task A_dry_run_reads_the_table_and_compares_without_writing()
    {
        await using var database = await TestDatabase.CreateAsync(
            "CREATE TABLE posts (id bigint PRIMARY KEY, title text, views int); INSERT INTO posts SELECT i, 'title ' || i, i FROM generate_series(1, 20) i; "
            + "CREATE TABLE nothing (id bigint PRIMARY KEY)");
        await using var server = await LocalServer.StartAsync();
        Value[] ids = [Value.UInt(1), Value.UInt(2)];
        await server.Engine.WriteAsync(
            "posts",
            new WriteRequest
            {
                Upserts =
                [
                    .. ids.Select(id => new DocumentRow(
                        id, [new("title", Value.String("title 1")), new("views", Value.Int(1)), new("old", Value.Bool(true))])),
                ],
            },
            Cancellation);
        using var folder = Project(null, destination: $"kind = \"turbopuffer\"\nurl = \"{server.Url}\"\napi_key = \"any\"");
        folder.WriteMigration("0001_posts", "[source]\ntable = \"posts\"\n[version]\nattribute = \"\"\n[target.schema]\ntitle = \"string\"\nviews = \"int\"\n");
        folder.WriteMigration("0002_nothing", "[source]\ntable = \"nothing\"\n");
        folder.Variables["DATABASE_URL"] = database.Url;
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, await DryRunVerb.RunAsync(Invocation(folder, console), new DryRunOptions(), Cancellation));
        Assert.Equal("1 passed, 1 skipped (empty table), 0 failed", console.Printed[^1]);

        console = new TestConsole { IsForPrograms = true };
        await DryRunVerb.RunAsync(Invocation(folder, console), new DryRunOptions("posts", Rows: 3, Difference: true), Cancellation);
        JsonNode[] differences = [.. console.Results.Select(row => row["actions"]![0]!["difference"]!)];
        Assert.Equal(["- old: true"], differences[0].AsArray().Select(line => (string?)line));
        Assert.Equal(["~ title: \"title 1\" → \"title 2\"", "~ views: 1 → 2", "- old: true"], differences[1].AsArray().Select(line => (string?)line));
        Assert.Equal(["+ the document is new"], differences[2].AsArray().Select(line => (string?)line));

        foreach (var options in new[] { new DryRunOptions("posts", Key: "7"), new DryRunOptions("posts", Where: "title = 'title 7'") })
        {
            console = new TestConsole { IsForPrograms = true };
            await DryRunVerb.RunAsync(Invocation(folder, console), options, Cancellation);
            Assert.Equal(7, (int?)Assert.Single(console.Results)["actions"]![0]!["id"]);
        }

        await using var there = new EngineDestination(server.Engine);
        Assert.Empty(await there.FetchAsync("posts", [Value.UInt(3), Value.UInt(7)], null, Cancellation));
    }

    private static SyncInvocation Invocation(ProjectFolderFixture folder, TestConsole console) => new(console)
    {
        WorkingDirectory = folder.Folder, Variables = folder.Variables, Clock = TimeProvider.System,
    };

    /// <summary>A project with one mapping, whose code this is.</summary>
    private static ProjectFolderFixture Project(string? code, string source = "", string destination = "kind = \"null\"")
    {
        var folder = new ProjectFolderFixture(
            $"[pipeline]\nname = \"shop\"\n[transform]\nruntime = \"{TransformProject.NewNode}\"\n[destinations.default]\n{destination}\n");
        folder.Write("generated/posts.ts", Generated);
        folder.WriteMigration("0001_posts", $"[source]\ntable = \"posts\"\n{source}\n[target.schema]\nviews = \"int\"\n");
        if (code is not null)
        {
            folder.Write("migrations/0001_posts/transform.ts", code);
        }

        return folder;
    }

    private sealed class LocalServer(PuffEngine engine, PuffServer server, MemoryObjectStore store) : IAsyncDisposable
    {
        public PuffEngine Engine => engine;

        public string Url => server.Urls[0];

        public static async Task<LocalServer> StartAsync()
        {
            var store = new MemoryObjectStore(TimeProvider.System);
            var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
            var server = await PuffServer.StartAsync(new PuffServerOptions { Listen = ["127.0.0.1:0"] }, engine, NullLoggerFactory.Instance);
            return new LocalServer(engine, server, store);
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await engine.DisposeAsync();
            await store.DisposeAsync();
        }
    }
}
