using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Puff.Sync.Migrations;
using Xunit;

namespace Puff.Sync.Tests.Migrations;

/// <summary>What may never change. Proves lines 1 and 2 of the acceptance checklist, and the content that lines 3 and 8 restore and run.</summary>
public class MigrationContentTests
{
    private const string Transform = "import { embed } from \"../../lib/embed.ts\";\nimport OpenAI from 'openai';\nexport default () => [];\n";

    /// <summary>Line 1.</summary>
    [Fact]
    public void Line_ends_do_not_count_and_comments_do()
    {
        using ProjectFolderFixture project = Create();
        string hash = project.Collect("0001_posts").Hash;
        project.Write("migrations/0001_posts/transform.ts", "\uFEFF" + Transform.Replace("\n", "\r\n", StringComparison.Ordinal));
        Assert.Equal(hash, project.Collect("0001_posts").Hash);
        project.Write("migrations/0001_posts/transform.ts", Transform.Replace("\n", "\r", StringComparison.Ordinal));
        Assert.Equal(hash, project.Collect("0001_posts").Hash);
        project.Write("migrations/0001_posts/transform.ts", Transform + "// note\n");
        Assert.NotEqual(hash, project.Collect("0001_posts").Hash);
    }

    [Fact]
    public void The_hash_is_over_heading_paths_lengths_and_bytes()
    {
        using ProjectFolderFixture project = Create();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("puff-migration\n1\n"u8);
        foreach (string path in new[] { "lib/embed.ts", "lib/text/cut.ts", "migrations/0001_posts/migration.toml", "migrations/0001_posts/transform.ts" })
        {
            byte[] bytes = Encoding.UTF8.GetBytes(project.Read(path));
            hash.AppendData(Encoding.UTF8.GetBytes($"{path}\0{bytes.Length.ToString(CultureInfo.InvariantCulture)}\0"));
            hash.AppendData(bytes);
        }

        Assert.Equal(Convert.ToHexStringLower(hash.GetHashAndReset()), project.Collect("0001_posts").Hash);
    }

    /// <summary>Line 2.</summary>
    [Fact]
    public void Editing_an_imported_module_changes_the_migration()
    {
        using ProjectFolderFixture project = Create();
        MigrationContent stored = project.Collect("0001_posts");
        var applied = new AppliedMigration(1, "0001_posts", stored.Hash, new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero), stored);
        project.Write("lib/text/cut.ts", "export const cut = (s: string) => s.slice(1);\n");
        MigrationStatus status =
            Assert.Single(MigrationComparison.Compare([project.Collect("0001_posts")], [new LockEntry(1, "0001_posts", stored.Hash)], [applied]));
        SyncException error = status.Error!;
        Assert.Equal((SyncExit.Conflict, "migration_changed"), (error.Exit, error.Code));
        Assert.Equal("0001_posts was applied on 2026-05-01 and has changed since (lib/text/cut.ts). Applied migrations do not change.", error.Message);
        Assert.Contains("-export const cut = (s: string) => s;\n+export const cut = (s: string) => s.slice(1);", status.Difference());
    }

    [Theory]
    [InlineData("import a from \"./a.ts\"", "./a.ts")]
    [InlineData("import \"./a.ts\"", "./a.ts")]
    [InlineData("import a, { b as c } from './a.js';", "./a.js")]
    [InlineData("export * from \"./a.ts\"; export { x } from '../b.ts'", "./a.ts ../b.ts")]
    [InlineData("const m = await import(\"./a.ts\")", "./a.ts")]
    [InlineData("const m = await import(`./a.ts`, { with: {} })", "./a.ts")]
    [InlineData("const m = require('./a.cjs')", "./a.cjs")]
    [InlineData("// import \"./a.ts\"\n/* from \"./b.ts\" */", "")]
    [InlineData("const s = 'import \"./a.ts\"'; const t = `from \"./b.ts\" ${x + `import \"./c.ts\"`} from \"./d.ts\"`", "")]
    [InlineData("const r = /import \"[/]\\/.\\/a.ts\"/g; a = b / c; import './z.ts'", "./z.ts")]
    [InlineData("`${`${{ a: 1 }}`}`; import './a.ts'", "./a.ts")]
    [InlineData("import.meta.url; x.import('./a.ts'); from('./b')", "")]
    [InlineData("import fs from 'node:fs'; import x from \"openai\"", "")]
    public void Imports_are_found_in_code_only(string code, string expected) =>
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), ModuleImports.Find(code, "t.ts").Select(one => one.Specifier));

    [Theory]
    [InlineData("\n\nawait import(name)")]
    [InlineData("\n\nawait import('./' + name)")]
    [InlineData("\n\nawait import(`./${name}.ts`)")]
    public void A_computed_import_is_refused(string code)
    {
        SyncException error = Assert.Throws<SyncException>(() => ModuleImports.Find(code, "transform.ts"));
        Assert.Equal((SyncExit.Usage, "dynamic_import", "transform.ts:3 imports a computed path; it cannot be made immutable."),
            (error.Exit, error.Code, error.Message));
    }

    [Fact]
    public void Imports_stay_inside_the_project_and_exist()
    {
        using ProjectFolderFixture project = Create();
        project.Write("migrations/0001_posts/transform.ts", "import \"../../../secrets.ts\"");
        Assert.Contains("from outside the project", project.Collect("0001_posts").Error!.Message);
        project.Write("migrations/0001_posts/transform.ts", "import \"../../lib/none.ts\"");
        Assert.Contains("which does not exist", project.Collect("0001_posts").Error!.Message);
        project.Write("migrations/0001_posts/transform.ts",
            "import type { Row } from \"../../generated/posts.ts\"; import \"../../lib/embed.js\"; import \"../../lib/text/cut\"");
        MigrationContent content = project.Collect("0001_posts");
        Assert.Null(content.Error);
        Assert.Equal(["lib/embed.ts", "lib/text/cut.ts"],
            content.Files.Select(file => file.Path).Where(path => !path.StartsWith("migrations", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_archive_gives_back_the_same_bytes_and_refuses_damage()
    {
        using ProjectFolderFixture project = Create();
        MigrationContent content = project.Collect("0001_posts");
        byte[] archive = ContentArchive.Pack(content);
        Assert.Equal(archive, ContentArchive.Pack(content));
        MigrationContent back = ContentArchive.Unpack("0001_posts", archive, content.Hash);
        Assert.Equal(content.Files.Select(file => (file.Path, Convert.ToHexString(file.Bytes))),
            back.Files.Select(file => (file.Path, Convert.ToHexString(file.Bytes))));
        Assert.Equal("stored_content_damaged", Assert.Throws<SyncException>(() => ContentArchive.Unpack("0001_posts", archive, new string('0', 64))).Code);
        int refused = 0;
        for (int length = 0; length < archive.Length; length += 7)
        {
            refused += IsRefusedOrWhole(archive[..length], content.Hash) ? 1 : 0;
        }

        Assert.InRange(refused, archive.Length / 14, archive.Length);
    }

    // Without the last bytes, a checksum, all files may still be there; then they have their hash.
    private static bool IsRefusedOrWhole(byte[] archive, string hash)
    {
        try
        {
            Assert.Equal(hash, ContentArchive.Unpack("0001_posts", archive, hash).Hash);
            return false;
        }
        catch (SyncException error)
        {
            Assert.Equal("stored_content_damaged", error.Code);
            return true;
        }
    }

    [Theory]
    [InlineData("a", "a", "a", nameof(MigrationStanding.Unchanged))]
    [InlineData("b", "a", "a", nameof(MigrationStanding.Changed))]
    [InlineData(null, "a", "a", nameof(MigrationStanding.Missing))]
    [InlineData("a", "a", null, nameof(MigrationStanding.Pending))]
    [InlineData("a", null, "a", nameof(MigrationStanding.NotLocked))]
    [InlineData("a", null, null, nameof(MigrationStanding.Pending))]
    [InlineData("b", "a", null, nameof(MigrationStanding.Changed))]
    [InlineData("a", "b", "c", nameof(MigrationStanding.Conflict))]
    [InlineData("a", "a", "c", nameof(MigrationStanding.Conflict))]
    [InlineData(null, null, "a", nameof(MigrationStanding.Missing))]
    [InlineData("b", null, "a", nameof(MigrationStanding.Changed))]
    public void Disk_lock_and_database_are_compared(string? disk, string? locked, string? database, string expected) =>
        Assert.Equal(expected, MigrationComparison.Judge(disk, locked, database, isDatabaseKnown: true).ToString());

    [Fact]
    public void The_lock_file_is_read_as_written()
    {
        LockEntry[] entries = [new(1, "0001_posts", new string('a', 64)), new(1_780_000_000_000, "1780000000000_x", new string('b', 64))];
        Assert.Equal(entries, LockFile.Parse(LockFile.Format(entries.Reverse()).Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Contains("sync.lock:2", Assert.Throws<SyncException>(() => LockFile.Parse("# x\n<<<<<<< HEAD")).Message);
    }

    private static ProjectFolderFixture Create() => new ProjectFolderFixture()
        .WriteMigration("0001_posts", ProjectFolderFixture.Posts)
        .Write("migrations/0001_posts/transform.ts", Transform)
        .Write("lib/embed.ts", "export { cut } from './text/cut.ts';\nexport const embed = 1;\n")
        .Write("lib/text/cut.ts", "export const cut = (s: string) => s;\n");
}
