using Puff.Sync.Migrations;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>Projects of earlier systems: numbered files, and directories with a config.</summary>
public class ImportVerbTests
{
    [Fact]
    public void Numbered_files_become_migrations_and_their_code_is_kept()
    {
        using var project = new ProjectFolderFixture();
        using var earlier = new ProjectFolderFixture();
        earlier.Write("migrations/0001_users.toml", "version = 1\nmapping_name = \"users_public\"\nnamespace = \"users\"\ncolumns = [\"id\", \"state\"]\n[source]\nschema = \"public\"\ntable = \"users\"\n[id]\ncolumn = \"id\"\ntype = \"uint\"\n[membership]\nmode = \"dsl\"\npredicate = \"state = 'active'\"\n[versioning]\nmode = \"source_lsn\"\n[transform]\npath = \"./transforms/users.ts\"\n")
            .Write("migrations/0002_users.toml", "version = 2\nmapping_name = \"users_public\"\nnamespace = \"users-2\"\nbatching = 5\n[source]\nschema = \"public\"\ntable = \"users\"\n[id]\ncolumn = \"id\"\ntype = \"uint\"\n")
            .Write("transforms/users.ts", "import { cut } from \"./cut\";\nexport function transform(rows, ctx) { return rows.map(cut); }\n").Write("transforms/cut.ts", "export const cut = (row) => row;\n");
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, ImportVerb.Run(Invocation(project, console), earlier.Folder));
        LiveMapping mapping = Assert.Single(project.Open().ReadHistory().Live);
        Assert.Equal(("users_public", 2, "users-2"), (mapping.Name, mapping.Generation, mapping.Definition.Target.Namespace));
        MappingDefinition first = mapping.Previous!.Definition;
        Assert.Equal(("state = 'active'", IdType.UInt, TransformKind.TypeScript), (first.Source.Where, first.Id.Type, first.Transform.Kind));
        Assert.Equal(
            ["lib/imported/transforms/cut.ts", "lib/imported/transforms/users.ts"],
            mapping.Previous.Migration.Content.Files.Select(file => file.Path).Where(path => path.StartsWith("lib/", StringComparison.Ordinal)));
        Assert.Equal(earlier.Read("transforms/users.ts"), project.Read("lib/imported/transforms/users.ts"));
        Assert.Equal(TransformStyle.Rows, project.Open().Settings.Transform.Style);
        Assert.Contains("! migrations/0002_users.toml: `batching` has no meaning here and was left out", console.Said);
        Assert.Equal(SyncExit.Done, CheckVerb.RunOffline(Invocation(project, new TestConsole())));
    }

    [Fact]
    public void Config_directories_keep_their_times_and_tombstones_become_ends()
    {
        using var project = new ProjectFolderFixture();
        using var earlier = new ProjectFolderFixture();
        earlier.Write("configs/1772230207731_film/config.toml", "name = \"film\"\nnamespace = \"film\"\n[source]\nschema = \"public\"\ntable = \"films\"\n[id]\ncolumn = \"id\"\ntype = \"string\"\n")
            .Write("configs/1772230207731_film/transform.ts", "import { parseRow } from \"./schema.ts\";\nexport const transform = (events) => events.map(parseRow);\n")
            .Write("configs/1772230207731_film/schema.ts", "export const parseRow = (row) => row;\n")
            .Write("configs/1772230300000_old/config.toml", "name = \"old\"\nnamespace = \"old\"\n[source]\nschema = \"public\"\ntable = \"old\"\n[id]\ncolumn = \"id\"\ntype = \"int\"\n")
            .Write("configs/1772230300000_old/tombstone.toml", "");
        Assert.Equal(SyncExit.Done, ImportVerb.Run(Invocation(project, new TestConsole()), earlier.Folder));
        Assert.Equal(["1772230207731_film", "1772230300000_old", "1772230300001_end_old"], project.Open().Directories(out _));
        Assert.Equal("film", Assert.Single(project.Open().ReadHistory().Live).Name);
        Assert.Equal(TransformStyle.Columns, project.Open().Settings.Transform.Style);
    }

    [Fact]
    public void What_cannot_be_imported_is_named()
    {
        using var project = new ProjectFolderFixture();
        using var earlier = new ProjectFolderFixture();
        Assert.Equal((SyncExit.NotFound, "project_not_found"), Failure(project, earlier.Folder));
        earlier.Write("migrations/0001_a.toml", "namespace = \"a\"\n[source]\ntable = \"a\"\n[transform]\npath = \"../../etc/passwd\"\n");
        Assert.Equal((SyncExit.Usage, "config_invalid"), Failure(project, earlier.Folder));
        Assert.Empty(project.Open().Directories(out _));
        project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        Assert.Equal((SyncExit.Conflict, "project_not_empty"), Failure(project, earlier.Folder));
    }

    private static (SyncExit, string) Failure(ProjectFolderFixture project, string folder)
    {
        SyncException error = Assert.Throws<SyncException>(() => ImportVerb.Run(Invocation(project, new TestConsole()), folder));
        return (error.Exit, error.Code);
    }

    private static SyncInvocation Invocation(ProjectFolderFixture folder, ISyncConsole console) =>
        new(console) { WorkingDirectory = folder.Folder, Variables = folder.Variables };
}
