using System.Text.RegularExpressions;
using Puff.Engine.Schema;
using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <summary>From migration.toml to a migration, with the rules that concern one file alone.</summary>
internal static partial class MigrationReader
{
    private static readonly (string, TransformKind)[] TransformKinds =
        [("none", TransformKind.None), ("typescript", TransformKind.TypeScript), ("csharp", TransformKind.CSharp)];

    /// <summary>Reads what a content's settings file says; variables are expanded here, after hashing.</summary>
    /// <exception cref="SyncException">config_invalid and its kin: everything that is wrong in the file, with its lines.</exception>
    public static Migration Read(MigrationContent content, SyncEnvironment environment)
    {
        var problems = new ConfigProblems(content.SettingsPath);
        TomlTable file = ProjectSettingsReader.ReadToml(content.Settings, content.SettingsPath);
        var root = new SectionReader(file, "", problems, environment, variablePrefix: null);
        Migration migration = Read(root, content);
        root.Finish();
        if (!problems.Any && migration.Definition is { } definition)
        {
            DefinitionRules.Check(definition, content, root, problems);
        }

        problems.Throw();
        return migration;
    }

    private static Migration Read(SectionReader root, MigrationContent content)
    {
        _ = Migration.TryParseDirectory(content.Directory, out long number);
        if (root.Count("format", 1) is > 1 and var format)
        {
            root.Complain("format", $"`format` {format} is newer than this program, which knows 1");
        }

        string usual = content.Directory[(content.Directory.IndexOf('_', StringComparison.Ordinal) + 1)..];
        string mapping = root.Text("mapping", Migration.IsName, "1 to 63 of a-z, 0-9 and _") ?? usual;
        MigrationAction action = root.Choice<MigrationAction>("action") ?? MigrationAction.Create;
        string? description = root.Text("description");
        if (action == MigrationAction.End)
        {
            bool drop = root.Flag("drop_namespace") ?? false;
            return new Migration(number, content.Directory, action, mapping, null, drop, content);
        }

        SectionReader events = root.Section("events");
        SectionReader version = root.Section("version");
        SectionReader drift = root.Section("drift");
        var definition = new MappingDefinition
        {
            Name = mapping,
            Description = description,
            Destination = root.Text("destination") ?? "default",
            Source = ReadSource(root.Section("source")),
            Id = ReadId(root.Section("id")),
            Target = TargetReader.Read(root.Section("target"), mapping),
            Attributes = ReadAttributes(root.Section("attributes")),
            Transform = ReadTransform(root.Section("transform"), content),
            Embed = ReadEmbed(root.Section("embed")),
            Snapshot = ReadSnapshot(root.Section("snapshot")),
            Batch = ReadBatch(root.Section("batch")),
            OnTruncate = events.Choice<TruncateEvent>("truncate") ?? TruncateEvent.Clear,
            OnDelete = events.Choice<DeleteEvent>("delete") ?? DeleteEvent.Delete,
            Unchanged = root.Section("updates").Choice<UnchangedPolicy>("unchanged") ?? UnchangedPolicy.Auto,
            VersionAttribute = (version.Text("attribute") ?? "_sync_position") is { Length: > 0 } attribute ? attribute : null,
            RowHashAttribute = ReadRowHash(version),
            VersionCondition = version.Choice<bool>("condition", [("on", true), ("off", false)], "auto"),
            Errors = root.Section("errors").Choice<ErrorPolicy>("policy") ?? ErrorPolicy.DeadLetter,
            DriftAdded = drift.Choice<AddedColumnPolicy>("added") ?? AddedColumnPolicy.Ignore,
            DriftRemoved = drift.Choice<RemovedColumnPolicy>("removed") ?? RemovedColumnPolicy.Stop,
            DriftRetyped = drift.Choice<RetypedColumnPolicy>("retyped") ?? RetypedColumnPolicy.Stop,
            Replace = ReadReplace(root, action),
        };
        return new Migration(number, content.Directory, action, mapping, definition, false, content);
    }

    private static SourceDefinition ReadSource(SectionReader section)
    {
        var source = new SourceDefinition(
            section.Required("table"), section.Text("schema") ?? "public", section.Texts("columns"), section.Texts("exclude"), section.Text("where"),
            section.Has("push_filter") && section.Value("push_filter") is TomlScalar { Kind: TomlKind.String, Text: "auto" } ? null
                : section.Flag("push_filter"));
        if (source is { Columns: not null, Exclude: not null })
        {
            section.Complain("exclude", "`source.exclude` and `source.columns` exclude each other; keep one");
        }

        if (source.Columns is { Count: 0 })
        {
            section.Complain("columns", "`source.columns` is empty; leave it out for all columns");
        }

        return source;
    }

    private static IdDefinition ReadId(SectionReader section)
    {
        var id = new IdDefinition(
            section.Texts("columns"),
            section.Choice<IdType>("type", [("auto", IdType.Auto), ("uint", IdType.UInt), ("uuid", IdType.Uuid), ("string", IdType.String)]) ?? IdType.Auto,
            section.Choice<IdFormat>("format") ?? IdFormat.Auto);
        if (id.Columns is { Count: 0 })
        {
            section.Complain("columns", "`id.columns` is empty; leave it out for the primary key");
        }

        return id;
    }

    private static AttributeOptions ReadAttributes(SectionReader section) => new()
    {
        Rename = section.TextMap("rename") ?? new Dictionary<string, string>(),
        Types = section.TextMap("types") ?? new Dictionary<string, string>(),
        Drop = section.Texts("drop") ?? [],
        Nulls = section.Choice<NullPolicy>("nulls") ?? NullPolicy.Omit,
        Json = section.Choice<JsonPolicy>("json") ?? JsonPolicy.String,
        Numeric = section.Choice<NumericPolicy>("numeric") ?? NumericPolicy.Float,
        Infinity = section.Choice<InfinityPolicy>("infinity") ?? InfinityPolicy.Null,
        ArrayNulls = section.Choice<ArrayNullPolicy>("array_nulls") ?? ArrayNullPolicy.Drop,
        LongText = section.Choice<LongTextPolicy>("long_text") ?? LongTextPolicy.Unfilterable,
        VectorNull = section.Choice<VectorNullPolicy>("vector_null") ?? VectorNullPolicy.NoDocument,
        TimestampZone = section.Text("timestamp_zone"),
    };

    private static TransformDefinition ReadTransform(SectionReader section, MigrationContent content)
    {
        TransformKind kind = section.Choice("kind", TransformKinds)
            ?? (content.Find(content.InDirectory("transform.ts")) != null ? TransformKind.TypeScript : TransformKind.None);
        var transform = new TransformDefinition(
            kind, section.Text("entry") ?? "transform.ts", section.Text("type"), section.Texts("needs"), section.Texts("recompute_on"),
            section.Count("batch_rows", 1, 100_000) ?? 256, section.Count("concurrency", 1, 1024) ?? 1, section.Duration("timeout"),
            section.Choice<DeleteHandling>("on_delete") ?? DeleteHandling.Auto,
            section.Choice<bool>("ids", [("change", false), ("custom", true)]) ?? false);
        if (kind == TransformKind.CSharp && transform.TypeName is null)
        {
            section.Complain("type", "`transform.type` is required for kind \"csharp\": the class's full name");
        }

        if (kind != TransformKind.None && content.Find(content.InDirectory(transform.Entry)) is null)
        {
            section.Complain("entry", $"the transform {transform.Entry} does not exist in {MigrationContent.Folder}/{content.Directory}");
        }

        return transform;
    }

    private static EmbedDefinition? ReadEmbed(SectionReader section)
    {
        if (!section.Exists)
        {
            return null;
        }

        IReadOnlyList<string> from = section.Texts("from") ?? [];
        if (from.Count == 0)
        {
            section.Complain("from", "`embed.from` is required: the columns whose text is embedded");
        }

        section.Know("cache_max");
        return new EmbedDefinition(
            from, section.Text("template") ?? string.Join("\n\n", from.Select(column => $"{{{column}}}")), section.Text("attribute") ?? "vector",
            section.Text("provider") ?? "openai", section.Text("base_url"), section.Required("model"),
            section.Count("dimensions", 1, AttributeType.MaxDimensions),
            section.Count("max_tokens", 1) ?? 8000, section.Count("batch", 1, 4096) ?? 128, section.Count("rpm", 1), section.Count("tpm", 1),
            Word(section, "on_error", "retry", "null", "dead_letter"), Word(section, "cache", "destination", "state", "directory", "off"),
            section.Count("max_tokens_per_day", 1));
    }

    /// <summary>One of some words; the first is the default.</summary>
    private static string Word(SectionReader section, string key, params string[] words) =>
        words[section.Choice<int>(key, [.. words.Select((word, index) => (word, index))]) ?? 0];

    private static SnapshotDefinition ReadSnapshot(SectionReader section) => new(
        section.Choice<SnapshotMode>("mode") ?? SnapshotMode.Concurrent, section.Count("page_rows", 1), section.Texts("order"),
        section.Text("start_after"), section.Text("stop_at"));

    private static BatchDefinition ReadBatch(SectionReader section) =>
        new(section.Count("max_rows", 1), section.Size("max_bytes"), section.Duration("max_delay"));

    // `row_hash = true` is the usual name, a text another one.
    private static string? ReadRowHash(SectionReader version) => version.Value("row_hash") switch
    {
        TomlScalar { Kind: TomlKind.Boolean } flag => flag.Integer == 1 ? "_sync_row" : null,
        null => null,
        _ => version.Text("row_hash") is { Length: > 0 } name ? name : null,
    };

    private static ReplaceDefinition? ReadReplace(SectionReader root, MigrationAction action)
    {
        SectionReader section = root.Section("replace");
        if (action != MigrationAction.Replace)
        {
            if (section.Exists)
            {
                root.Complain("replace", "`replace` needs action = \"replace\"");
            }

            section.Know("rows", "namespace", "drop_old", "keep_old");
            return null;
        }

        section.Know("keep_old");
        return new ReplaceDefinition(
            section.Choice<ReplaceRows>("rows") ?? ReplaceRows.NewChanges,
            section.Choice<bool>("namespace", [("same", false), ("new", true)]) ?? false,
            section.Flag("drop_old") ?? false);
    }

    [GeneratedRegex(@"^[A-Za-z0-9\-_.]{1,128}\z")]
    internal static partial Regex NamespaceName();
}
