using System.Text.Json.Nodes;
using Puff.Output;
using Puff.Sync.Migrations;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>init, new, check and pull on files. Proves line 3 of the acceptance checklist, and lines 2, 4, 5 as a user meets them (73 and 74: files of a project).</summary>
public class ProjectVerbTests
{
    [Fact]
    public void A_new_project_passes_its_check_and_init_can_be_repeated()
    {
        using var folder = new ProjectFolderFixture();
        File.Delete(Path.Combine(folder.Folder, "sync.toml"));
        folder.Write("puff-sync/package.json", "{ \"name\": \"mine\", \"devDependencies\": { \"typescript\": \"5\" } }").Write("puff-sync/.gitignore", "dist/\n");
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, InitVerb.Run(Invocation(folder, console), new InitOptions(Docker: true)));
        Assert.Contains(console.Printed, line => line.StartsWith("created", StringComparison.Ordinal) && line.EndsWith("sync.toml", StringComparison.Ordinal));
        JsonNode package = JsonNode.Parse(folder.Read("puff-sync/package.json"))!;
        Assert.Equal(("mine", "5", "*"), ((string?)package["name"], (string?)package["devDependencies"]!["typescript"], (string?)package["devDependencies"]!["puff-sync"]));
        Assert.Equal(["dist/", ".env*", "!.env.example", "node_modules/"], folder.Read("puff-sync/.gitignore").Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.True(File.Exists(Path.Combine(folder.Folder, "puff-sync/Dockerfile")));

        folder.Write("puff-sync/sync.toml", folder.Read("puff-sync/sync.toml") + "# mine\n");
        var again = new TestConsole();
        InitVerb.Run(Invocation(folder, again), new InitOptions());
        Assert.All(again.Printed.Where(line => line.Contains("sync.toml", StringComparison.Ordinal)), line => Assert.StartsWith("kept", line));
        Assert.EndsWith("# mine\n", folder.Read("puff-sync/sync.toml"));
        Assert.Equal(SyncExit.Done, CheckVerb.RunOffline(Invocation(folder, new TestConsole())));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("typescript")]
    [InlineData("openai")]
    [InlineData("ollama")]
    [InlineData("builtin")]
    public void What_new_writes_passes_the_check(string template)
    {
        using var folder = new ProjectFolderFixture();
        var options = new NewOptions("Blog Posts-2!", "blog.posts", null, ["id"], ["id", "title", "it's \"x\""], "title <> 'a\"b'", template, EmbedColumns: ["title"]);
        Assert.Equal(SyncExit.Done, NewVerb.Run(Invocation(folder, new TestConsole()), options));
        var console = new TestConsole();
        SyncExit exit = CheckVerb.RunOffline(Invocation(folder, console));
        Assert.True(exit == SyncExit.Done, string.Join('\n', console.Printed));
        MappingDefinition definition = folder.Open().ReadHistory().Live[0].Definition;
        Assert.Equal(("blog_posts_2", "blog", "posts", "title <> 'a\"b'"), (definition.Name, definition.Source.Schema, definition.Source.Table, definition.Source.Where));
        Assert.Equal(template is not ("none" or "builtin"), definition.Transform.Kind == TransformKind.TypeScript);
    }

    [Fact]
    public void New_asks_for_what_is_missing_and_names_the_flag_where_nobody_answers()
    {
        using var folder = new ProjectFolderFixture();
        var console = new TestConsole("posts", "", "");
        NewVerb.Run(Invocation(folder, console), new NewOptions("posts"));
        Assert.Equal(["Table ([schema.]table): ", "Namespace [posts]: "], console.Questions.Take(2));
        SyncException error = Assert.Throws<SyncException>(() => NewVerb.Run(Invocation(folder, new TestConsole()), new NewOptions("other")));
        Assert.Equal((SyncExit.Usage, "answer_needed", "give --table"), (error.Exit, error.Code, error.Remedy));
    }

    [Fact]
    public void New_replaces_ends_copies_and_renumbers()
    {
        using var folder = new ProjectFolderFixture();
        SyncInvocation invocation = Invocation(folder, new TestConsole());
        NewVerb.Run(invocation, new NewOptions("posts", "posts"));
        Assert.Equal((SyncExit.Conflict, "mapping_exists"), Failure(() => NewVerb.Run(invocation, new NewOptions("posts", "posts"))));
        Assert.Equal((SyncExit.Conflict, "namespace_taken"), Failure(() => NewVerb.Run(invocation, new NewOptions("b", "b", "posts"))));
        Assert.Equal((SyncExit.NotFound, "mapping_not_found"), Failure(() => NewVerb.Run(invocation, new NewOptions(End: "postz"))));
        NewVerb.Run(invocation, new NewOptions("posts_v2", Namespace: "posts-2", Replace: "posts"));
        NewVerb.Run(invocation, new NewOptions("posts_v3", From: "0002_posts_v2", Replace: "posts"));
        Assert.Contains("replace.namespace = \"new\" needs another [target] namespace than posts-2", CheckOutput(folder));
        Directory.Delete(Path.Combine(folder.Folder, "migrations/0003_posts_v3"), recursive: true);
        NewVerb.Run(invocation, new NewOptions(End: "posts"));
        Assert.Empty(folder.Open().ReadHistory().Live);

        folder.WriteMigration("0003_other", "[source]\ntable = \"other\"\n");
        Assert.Contains("duplicate_migration_number", CheckOutput(folder));
        NewVerb.Run(invocation, new NewOptions(From: "0003_other"));
        Assert.Equal(["0001_posts", "0002_posts_v2", "0003_end_posts", "0004_other"], folder.Open().Directories(out _));
        Assert.Equal("other", Assert.Single(folder.Open().ReadHistory().Live).Name);
    }

    [Fact]
    public void Check_prints_a_line_for_each_migration_and_warns_of_files_of_none()
    {
        using var folder = new ProjectFolderFixture();
        folder.WriteMigration("0001_posts", ProjectFolderFixture.Posts).WriteMigration("0002_x", "[sourc]\n").Write("lib/unused.ts", "").WriteMigration("3_bad", "");
        var console = new TestConsole();
        Assert.Equal(SyncExit.Usage, CheckVerb.RunOffline(Invocation(folder, console)));
        Assert.Equal("✓ 0001_posts", console.Printed[0]);
        Assert.Contains(console.Printed, line => line.StartsWith("✗ 0002_x: config_invalid: migrations/0002_x/migration.toml:1: unknown key `sourc`, did you mean `source`?", StringComparison.Ordinal)
            || line.Contains("unknown key `sourc`, did you mean `source`?", StringComparison.Ordinal));
        Assert.Contains("! files: lib/unused.ts belongs to no migration", console.Printed);
        Assert.Contains("! files: migrations/3_bad/ belongs to no migration", console.Printed);

        var programs = new TestConsole { IsForPrograms = true };
        CheckVerb.RunOffline(Invocation(folder, programs));
        Assert.Equal("config_invalid", (string?)programs.Results[1]["errors"]![0]!["code"]);
    }

    [Fact]
    public void Check_finds_an_applied_migration_that_changed()
    {
        using var folder = new ProjectFolderFixture();
        folder.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        LockFile.Write(folder.Folder, [new LockEntry(1, "0001_posts", folder.Collect("0001_posts").Hash)]);
        Assert.Equal(SyncExit.Done, CheckVerb.RunOffline(Invocation(folder, new TestConsole())));
        folder.WriteMigration("0001_posts", ProjectFolderFixture.Posts + "# note\n");
        Assert.Equal(SyncExit.Conflict, CheckVerb.RunOffline(Invocation(folder, new TestConsole())));
        Assert.Contains("migration_changed", CheckOutput(folder));
    }

    /// <summary>Line 3.</summary>
    [Fact]
    public void Pull_restores_byte_for_byte_and_does_not_overwrite_unasked()
    {
        using var folder = new ProjectFolderFixture();
        folder.WriteMigration("0001_posts", ProjectFolderFixture.Posts).Write("migrations/0001_posts/transform.ts", "import '../../lib/a.ts';\nexport default () => [];\n").Write("lib/a.ts", "export {};\n");
        MigrationContent content = folder.Collect("0001_posts");
        AppliedMigration[] applied = [new(1, "0001_posts", content.Hash, DateTimeOffset.UnixEpoch, ContentArchive.Unpack("0001_posts", ContentArchive.Pack(content), content.Hash))];
        string[] paths = ["migrations/0001_posts/migration.toml", "migrations/0001_posts/transform.ts", "lib/a.ts"];
        string[] before = [.. paths.Select(folder.Read)];
        Directory.Delete(Path.Combine(folder.Folder, "migrations"), recursive: true);
        folder.Write("lib/a.ts", "export { changed };\n");

        var console = new TestConsole();
        Assert.Equal((SyncExit.Conflict, "local_changes"), Failure(() => PullVerb.Restore(console, folder.Folder, applied, force: false)));
        Assert.Contains("-export {};\n+export { changed };", string.Join('\n', console.Said));
        Assert.False(Directory.Exists(Path.Combine(folder.Folder, "migrations")));
        Assert.Equal(SyncExit.Done, PullVerb.Restore(console, folder.Folder, applied, force: true));
        Assert.Equal(before, paths.Select(folder.Read));
        Assert.Equal(content.Hash, folder.Collect("0001_posts").Hash);
    }

    [Fact]
    public async Task The_command_line_has_the_verbs_and_their_exits()
    {
        using var folder = new ProjectFolderFixture();
        Assert.Equal(0, await RunAsync("sync", "new", "posts", "--project", folder.Folder, "--table", "posts", "--columns", "id,title", "--yes"));
        Assert.Equal(["id", "title"], folder.Open().ReadHistory().Live[0].Definition.Source.Columns);
        Assert.Equal(0, await RunAsync("sync", "check", "--offline", "--project", folder.Folder));
        Assert.Equal(2, await RunAsync("sync", "check", "--project", Path.Combine(folder.Folder, "none")));
        Assert.Contains("error: No sync.toml in ", messages);
        Assert.Contains("\n  → `puff sync init`, or pass --project", messages);
        Assert.Equal(2, await RunAsync("sync", "check", "--project", Path.Combine(folder.Folder, "none"), "--output", "json"));
        Assert.Equal("project_not_found", (string?)JsonNode.Parse(messages)!["error"]!["code"]);
        Assert.Equal(2, await RunAsync("sync", "check", "--unknown"));
        Assert.Equal(3, await RunAsync("sync", "new", "--end", "nothing", "--project", folder.Folder));
    }

    private string messages = "";

    private async Task<int> RunAsync(params string[] arguments)
    {
        var said = new StringWriter();
        int exit = await CommandLine.RunAsync(arguments, new Terminal(TextReader.Null, new StringWriter(), said));
        messages = said.ToString();
        return exit;
    }

    private static string CheckOutput(ProjectFolderFixture folder)
    {
        var console = new TestConsole();
        CheckVerb.RunOffline(Invocation(folder, console));
        return string.Join('\n', console.Printed);
    }

    private static (SyncExit, string) Failure(Action action)
    {
        SyncException error = Assert.Throws<SyncException>(action);
        return (error.Exit, error.Code);
    }

    private static SyncInvocation Invocation(ProjectFolderFixture folder, ISyncConsole console) =>
        new(console) { WorkingDirectory = folder.Folder, Variables = folder.Variables };
}
