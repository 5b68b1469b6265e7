using Puff.Engine.Schema;
using Puff.Sync.Migrations;
using Xunit;

namespace Puff.Sync.Tests.Migrations;

/// <summary>migration.toml and the static rules. Proves lines 4 and 5 of the acceptance checklist, and its fuzzing of migrations.</summary>
public class MigrationFileTests
{
    private const string Full =
        """
        format = 1
        mapping = "posts"
        description = "blog"
        [source]
        table = "posts"
        columns = ["id", "title", "body", "state"]
        where = "state = 'published'"
        push_filter = "auto"
        [id]
        columns = ["id"]
        type = "uint"
        [target]
        namespace = "posts-${STAGE:-dev}"
        distance_metric = "cosine_distance"
        [target.schema]
        title = "string"
        body = { type = "string", full_text_search = { language = "english", stemming = true, k1 = 1.5 } }
        vector = { type = "[4]f32", ann = true }
        [attributes]
        rename = { state = "status" }
        drop = ["body"]
        numeric = "int_if_exact"
        [transform]
        kind = "none"
        [batch]
        max_bytes = "1MiB"
        max_delay = "20ms"
        [events]
        delete = "mark"
        [updates]
        unchanged = "reread"
        [version]
        row_hash = true
        condition = "on"
        [errors]
        policy = "stop"
        [drift]
        added = "include"
        """;

    [Fact]
    public void Every_section_is_read()
    {
        Migration migration = Read(Full);
        MappingDefinition definition = migration.Definition!;
        Assert.Equal((7, "x", MigrationAction.Create, "posts"), (migration.Number, migration.Name, migration.Action, migration.Mapping));
        Assert.Equal(["id", "title", "body", "state"], definition.Source.Columns);
        Assert.Null(definition.Source.PushFilter);
        Assert.Equal(("posts-dev", DistanceMetric.CosineDistance), (definition.Target.Namespace, definition.Target.Metric));
        Assert.Equal(["title", "body", "vector"], definition.Target.Schema!.Select(one => one.Name));
        Assert.Equal(("english", true, 1.5),
            (definition.Target.Schema![1].FullText!.Language, definition.Target.Schema[1].FullText!.Stemming, definition.Target.Schema[1].FullText!.K1));
        Assert.Equal("status", definition.Attributes.Rename["state"]);
        Assert.Equal(NumericPolicy.IntIfExact, definition.Attributes.Numeric);
        Assert.Equal((1L << 20, TimeSpan.FromMilliseconds(20)), (definition.Batch.MaxBytes, definition.Batch.MaxDelay));
        Assert.Equal(("_sync_position", "_sync_row", true), (definition.VersionAttribute, definition.RowHashAttribute, definition.VersionCondition));
        Assert.Equal((DeleteEvent.Mark, UnchangedPolicy.Reread, ErrorPolicy.Stop, AddedColumnPolicy.Include),
            (definition.OnDelete, definition.Unchanged, definition.Errors, definition.DriftAdded));
    }

    [Fact]
    public void Defaults_are_those_of_the_definition()
    {
        MappingDefinition definition = Read("[source]\ntable = \"posts\"").Definition!;
        Assert.Equal(("x", "x", "default"), (definition.Name, definition.Target.Namespace, definition.Destination));
        Assert.Equivalent(new MappingDefinition { Name = "x", Source = new SourceDefinition("posts"), Target = new TargetDefinition("x") }, definition,
            strict: true);
    }

    /// <summary>Line 4: an unknown key is an error with the nearest known one; the line is that of the file.</summary>
    [Theory]
    [InlineData("[source]\ntable = \"t\"\n[trasform]\nkind = \"none\"", "config_invalid", ":3: unknown key `trasform`, did you mean `transform`?")]
    [InlineData("[source]\ntabel = \"t\"", "config_invalid", ":2: unknown key `source.tabel`, did you mean `table`?")]
    [InlineData("[source]\ntable = \"t\"\n[target.schema]\na = { tipe = \"string\" }", "config_invalid", ":4: unknown key `target.schema.a.tipe`, did you mean `type`?")]
    [InlineData("[source]\ntable = 5", "config_invalid", ":2: `source.table` must be a text in quotes")]
    [InlineData("[source]\nschema = \"s\"", "config_invalid", ":1: `source.table` is required")]
    [InlineData("[source]\ntable = \"t\"\ncolumns = [\"a\"]\nexclude = [\"b\"]", "config_invalid", ":4: `source.exclude` and `source.columns` exclude each other; keep one")]
    [InlineData("[source]\ntable = \"t\"\nwhere = \"a = \"", "filter_invalid", "a text in single quotes, a number, true, false or null was expected at the end")]
    [InlineData("[source]\ntable = \"t\"\n[events]\ndelete = \"marc\"", "config_invalid", ":4: `events.delete` is \"marc\"; it must be one of delete, keep, mark, did you mean `mark`?")]
    [InlineData("[source]\ntable = \"t\"\n[target.schema]\nv = \"[3]f32\"", "vector_metric_missing", "the mapping writes the vector v; set [target] distance_metric")]
    [InlineData("[source]\ntable = \"t\"\n[target]\ndistance_metric = \"cosine_distance\"\n[target.schema]\na = \"[3]f32\"\nb = \"[3]f32\"\nc = \"[3]f16\"", "config_invalid", "a, b, c are 3 dense vectors; a namespace has at most 2")]
    [InlineData("[source]\ntable = \"t\"\n[target.schema]\n\"$a\" = \"string\"", "config_invalid", ":4: the attribute name \"$a\" is not legal")]
    [InlineData("[source]\ntable = \"t\"\n[target.schema]\na = \"strin\"", "config_invalid", ":4: \"strin\" is no attribute type")]
    [InlineData("[source]\ntable = \"t\"\n[target]\nshared = true", "config_invalid", ":4: a shared namespace needs disjoint ids")]
    [InlineData("[source]\ntable = \"t\"\ncolumns = [\"a\"]\n[version]\nattribute = \"a\"", "config_invalid", ":4: the attribute a is the sync's own and a column's")]
    [InlineData("[source]\ntable = \"t\"\n[transform]\nkind = \"typescript\"", "config_invalid", "the transform transform.ts does not exist")]
    [InlineData("[source]\ntable = \"t\"\n[batch]\nmax_rows = 0", "config_invalid", ":4: `batch.max_rows` must be a whole number from 1")]
    [InlineData("[source]\ntable = \"${TABLE}\"", "missing_environment", ":2: `source.table` needs the variable TABLE, which is not set")]
    [InlineData("[source]\ntable = \"t\"\n[replace]\nrows = \"all\"", "config_invalid", ":3: `replace` needs action = \"replace\"")]
    [InlineData("[source\ntable = 1", "config_invalid", ":1: ']' was expected")]
    public void What_is_wrong_is_named_with_file_and_line(string text, string code, string message)
    {
        SyncException error = Assert.Throws<SyncException>(() => Read(text));
        Assert.Equal((SyncExit.Usage, code), (error.Exit, error.Code));
        Assert.StartsWith("migrations/0007_x/migration.toml:", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        SyncException error = Assert.Throws<SyncException>(() => Read("a = 1\nb = 2\n[source]\ntable = \"t\""));
        Assert.Equal(2, error.Message.Split('\n').Length);
    }

    /// <summary>Line 5.</summary>
    [Fact]
    public void Two_directories_with_one_number_are_refused()
    {
        using var project = new ProjectFolderFixture();
        project.WriteMigration("0007_a", ProjectFolderFixture.Posts).WriteMigration("0007_b", ProjectFolderFixture.Posts)
            .Write(LockFile.FileName, LockFile.Format([new LockEntry(7, "0007_a", new string('0', 64))]));
        SyncException error = Assert.Throws<SyncException>(() => project.Open().ReadHistory());
        Assert.Equal((SyncExit.Usage, "duplicate_migration_number", "0007_a and 0007_b have the same number."), (error.Exit, error.Code, error.Message));
        Assert.Contains("new --from 0007_b", error.Remedy);
    }

    [Fact]
    public void Replacing_and_ending_name_a_live_mapping_and_namespaces_have_one_writer()
    {
        using var project = new ProjectFolderFixture();
        project.WriteMigration("0001_posts", ProjectFolderFixture.Posts)
            .WriteMigration("0002_articles", "[source]\ntable = \"articles\"\n[target]\nnamespace = \"posts\"");
        SyncException taken = Assert.Throws<SyncException>(() => project.Open().ReadHistory());
        Assert.Equal((SyncExit.Conflict, "namespace_taken"), (taken.Exit, taken.Code));
        project.WriteMigration("0002_articles", "mapping = \"pots\"\naction = \"end\"");
        Assert.Contains("did you mean `posts`", Assert.Throws<SyncException>(() => project.Open().ReadHistory()).Message);
        project.WriteMigration("0002_articles", "mapping = \"posts\"\naction = \"end\"");
        Assert.Empty(project.Open().ReadHistory().Live);
    }

    [Fact]
    public void A_replacement_with_a_new_namespace_keeps_its_predecessor()
    {
        using var project = new ProjectFolderFixture();
        project.WriteMigration("0001_posts", ProjectFolderFixture.Posts)
            .WriteMigration(
                "0002_posts2",
                "mapping = \"posts\"\naction = \"replace\"\n[source]\ntable = \"posts\"\n[target]\nnamespace = \"posts-2\"\n" +
                "[replace]\nnamespace = \"new\"\nrows = \"all\"");
        LiveMapping mapping = Assert.Single(project.Open().ReadHistory().Live);
        Assert.Equal((2, "posts-2", "posts"), (mapping.Generation, mapping.Definition.Target.Namespace, mapping.Previous!.Definition.Target.Namespace));
        Assert.Equal(ReplaceRows.All, mapping.Definition.Replace!.Rows);
    }

    [Fact]
    public void Whatever_a_migration_says_it_is_read_or_refused()
    {
        var random = new Random(24);
        string[] lines = Full.ReplaceLineEndings("\n").Split('\n');
        for (int round = 0; round < 3000; round++)
        {
            var changed = lines.ToList();
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(changed.Count);
                string line = changed[at];
                changed[at] = random.Next(4) switch
                {
                    0 => "",
                    1 => line[..random.Next(line.Length + 1)],
                    2 => lines[random.Next(lines.Length)],
                    _ => line.Length == 0 ? "="
                        : line.Remove(random.Next(line.Length), 1).Insert(random.Next(line.Length), ((char)random.Next(32, 127)).ToString()),
                };
            }

            try
            {
                Read(string.Join('\n', changed));
            }
            catch (SyncException error)
            {
                Assert.NotEqual(SyncExit.Done, error.Exit);
            }
        }
    }

    private static Migration Read(string text) => MigrationReader.Read(
        MigrationContent.Of("0007_x", [ContentFile.Normalise("migrations/0007_x/migration.toml", System.Text.Encoding.UTF8.GetBytes(text))]),
        SyncEnvironment.Of(new Dictionary<string, string>()));
}
