using Puff.Sync.Migrations;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>generate, check and pull against a real server: section 24, lines 2 and 3, and the stored content of line 8.</summary>
public sealed class FileVerbServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Generated_files_follow_the_table_and_check_sees_when_they_do_not()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts).Write("migrations/0001_posts/transform.ts", "export default (changes) => [];\n");
        Assert.Equal(SyncExit.Different, await CheckVerb.RunAsync(fixture.Invoke(new TestConsole()), isRequired: true, Token));
        Assert.Equal(SyncExit.Different, await GenerateVerb.RunAsync(fixture.Invoke(new TestConsole()), null, check: true, Token));
        Assert.Equal(SyncExit.Done, await GenerateVerb.RunAsync(fixture.Invoke(new TestConsole()), "posts", check: false, Token));
        Assert.StartsWith("// Written by `puff sync generate` from public.posts. Do not edit.\nexport interface Posts {\n  id: ", fixture.Project.Read("generated/posts.ts"));
        Assert.Equal(SyncExit.Done, await GenerateVerb.RunAsync(fixture.Invoke(new TestConsole()), null, check: true, Token));
        Assert.Equal(SyncExit.Done, await CheckVerb.RunAsync(fixture.Invoke(new TestConsole()), isRequired: true, Token));
        await fixture.Database.RunAsync("ALTER TABLE posts ADD COLUMN added jsonb");
        var console = new TestConsole();
        Assert.Equal(SyncExit.Different, await CheckVerb.RunAsync(fixture.Invoke(console), isRequired: true, Token));
        Assert.StartsWith("✗ 0001_posts: generated_stale: generated/posts.ts", console.Printed[0]);
        Assert.Equal("mapping_not_found", (await Assert.ThrowsAsync<SyncException>(() => GenerateVerb.RunAsync(fixture.Invoke(console), "post", check: false, Token))).Code);
    }

    [Fact]
    public async Task Check_runs_the_preflight_of_what_is_pending()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_none", "[source]\ntable = \"none\"\n");
        var console = new TestConsole();
        Assert.Equal(SyncExit.NotFound, await CheckVerb.RunAsync(fixture.Invoke(console), isRequired: true, Token));
        Assert.StartsWith("✗ 0001_none: table_not_found: Table public.none does not exist.", console.Printed[0]);
    }

    /// <summary>Lines 2 and 3: an edited helper is named, and pull restores it byte for byte; line 8: the stored content runs without files.</summary>
    [Fact]
    public async Task An_edited_helper_is_named_and_pull_restores_it()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        ProjectFolderFixture project = fixture.Project;
        project.WriteMigration("0001_posts", ProjectFolderFixture.Posts).Write("lib/cut.ts", "export const cut = 1;\n")
            .Write("migrations/0001_posts/transform.ts", "import { cut } from '../../lib/cut.ts';\nexport default (changes) => changes.map(() => ({ action: 'skip' }));\n");
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(NoSample: true), Token));
        string hash = project.Collect("0001_posts").Hash;
        project.Write("lib/cut.ts", "export const cut = 2;\n");
        var console = new TestConsole();
        Assert.Equal(SyncExit.Conflict, await CheckVerb.RunAsync(fixture.Invoke(console), isRequired: true, Token));
        Assert.Contains("migration_changed", console.Printed[0]);
        Assert.Contains("(lib/cut.ts)", console.Printed[0]);

        Assert.Equal("local_changes", (await Assert.ThrowsAsync<SyncException>(() => PullVerb.RunAsync(fixture.Invoke(console), null, force: false, Token))).Code);
        Directory.Delete(Path.Combine(project.Folder, "migrations"), recursive: true);
        Assert.Equal(SyncExit.Done, await PullVerb.RunAsync(fixture.Invoke(console), null, force: true, Token));
        Assert.Equal((hash, "export const cut = 1;\n"), (project.Collect("0001_posts").Hash, project.Read("lib/cut.ts")));

        Assert.Equal(SyncExit.Done, await PullVerb.RunAsync(fixture.Invoke(console), "elsewhere", force: false, Token));
        LiveMapping stored = Assert.Single(MigrationHistory.OfApplied(
            [new AppliedMigration(1, "0001_posts", hash, default, MigrationContent.Collect(Path.Combine(project.Folder, "elsewhere"), "0001_posts"))],
            project.Open().Environment).Live);
        Assert.Equal((hash, "posts", TransformKind.TypeScript), (stored.Migration.Content.Hash, stored.Definition.Source.Table, stored.Definition.Transform.Kind));
    }
}
