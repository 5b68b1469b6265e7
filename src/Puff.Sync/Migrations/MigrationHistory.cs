namespace Puff.Sync.Migrations;

/// <summary>A mapping that is fed.</summary>
/// <param name="Generation">1, 2, … for the creations and replacements of this name.</param>
/// <param name="Migration">That says how.</param>
/// <param name="Previous">The mapping this one replaces with a new namespace: it is fed until this one has caught up. Null else.</param>
internal sealed record LiveMapping(MappingDefinition Definition, int Generation, Migration Migration, LiveMapping? Previous)
{
    public string Name => Definition.Name;
}

/// <summary>A rule that a migration breaks.</summary>
internal sealed record MigrationProblem(string Directory, SyncException Error);

/// <summary>Migrations in their order, and the mappings they leave alive.</summary>
internal sealed class MigrationHistory
{
    private readonly Dictionary<string, LiveMapping> live = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> generations = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Destination, string Namespace), string> models = [];
    private readonly List<MigrationProblem> problems = [];

    private MigrationHistory(IReadOnlyList<Migration> migrations) => Migrations = migrations;

    public IReadOnlyList<Migration> Migrations { get; }

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<LiveMapping> Live => [.. live.Values.OrderBy(mapping => mapping.Name, StringComparer.Ordinal)];

    /// <summary>Rules that concern several migrations (section 5.2).</summary>
    public IReadOnlyList<MigrationProblem> Problems => problems;

    public LiveMapping? Find(string mapping) => live.GetValueOrDefault(mapping);

    /// <summary>Mappings that once lived under this name, and whether one ever did.</summary>
    public int GenerationsOf(string mapping) => generations.GetValueOrDefault(mapping);

    public static MigrationHistory Build(IEnumerable<Migration> migrations)
    {
        var history = new MigrationHistory([.. migrations.OrderBy(migration => migration.Number)]);
        foreach (Migration migration in history.Migrations)
        {
            if (history.FindProblem(migration) is { } error)
            {
                history.problems.Add(new MigrationProblem(migration.Directory, error));
            }
            else
            {
                history.Apply(migration);
            }
        }

        return history;
    }

    /// <summary>Runs the stored content of what was applied (section 6.7).</summary>
    public static MigrationHistory OfApplied(IEnumerable<AppliedMigration> applied, SyncEnvironment environment)
    {
        var history = Build(applied.OrderBy(one => one.Number).Select(one => MigrationReader.Read(
            one.Content ?? throw new ArgumentException($"{one.Directory} comes without its files", nameof(applied)), environment)));
        return history.problems.Count == 0 ? history : throw history.problems[0].Error;
    }

    private SyncException? FindProblem(Migration migration)
    {
        LiveMapping? current = live.GetValueOrDefault(migration.Mapping);
        if (migration.Action == MigrationAction.Create && current != null)
        {
            return Wrong(migration, $"the mapping {migration.Mapping} exists since {current.Migration.Directory}", "use action = \"replace\", or another name");
        }

        if (migration.Action != MigrationAction.Create && current is null)
        {
            string verb = migration.Action == MigrationAction.Replace ? "replaces" : "ends";
            return Wrong(migration,
                $"it {verb} the mapping {migration.Mapping}, which does not exist before it{Suggestion.Phrase(migration.Mapping, live.Keys)}", null);
        }

        if (migration.Definition is not { } definition)
        {
            return null;
        }

        bool isSameName = current?.Definition.Target.Namespace == definition.Target.Namespace && current?.Definition.Destination == definition.Destination;
        if (current != null && definition.Replace is { } replace && replace.NewNamespace == isSameName)
        {
            return Wrong(migration, isSameName
                ? $"replace.namespace = \"new\" needs another [target] namespace than {definition.Target.Namespace}"
                : $"[target] namespace changes from {current.Definition.Target.Namespace} to {definition.Target.Namespace}; set replace.namespace = \"new\"",
                null);
        }

        if (FindModelProblem(migration, definition) is { } mixed)
        {
            return mixed;
        }

        LiveMapping? rival = live.Values.FirstOrDefault(other => other.Name != migration.Mapping
            && other.Definition.Destination == definition.Destination && other.Definition.Target.Namespace == definition.Target.Namespace
            && !(other.Definition.Target.Shared && definition.Target.Shared));
        return rival is null ? FindSharedProblem(migration, definition) : new SyncException(
            SyncExit.Conflict, "namespace_taken", $"Namespace `{definition.Target.Namespace}` is already written by mapping `{rival.Name}`.",
            "choose another [target] namespace, or set shared = true in both");
    }

    /// <summary>Vectors of two models cannot be compared: a namespace that holds vectors of one keeps it for good, also after its mapping has ended.</summary>
    private SyncException? FindModelProblem(Migration migration, MappingDefinition definition)
    {
        string? other = models.GetValueOrDefault((definition.Destination, definition.Target.Namespace));
        return definition.Embed is not { } embed || other is null || other == ModelOf(embed) ? null : new SyncException(
            SyncExit.Usage, "embed_model_changed",
            $"{migration.SettingsPath}: the namespace {definition.Target.Namespace} holds vectors of {other}, and [embed] asks for {ModelOf(embed)}; "
            + "a namespace never mixes models.",
            "use replace.namespace = \"new\" with another [target] namespace");
    }

    private static string ModelOf(EmbedDefinition embed) =>
        $"{embed.Provider} {embed.Model}" + (embed.Dimensions is { } dimensions ? $" in {dimensions} dimensions" : "");

    private SyncException? FindSharedProblem(Migration migration, MappingDefinition definition)
    {
        LiveMapping? twin = live.Values.FirstOrDefault(other => other.Name != migration.Mapping && definition.Target.Shared
            && other.Definition.Destination == definition.Destination && other.Definition.Target.Namespace == definition.Target.Namespace
            && (other.Definition.Target.IdPrefix ?? "").StartsWith(definition.Target.IdPrefix ?? "", StringComparison.Ordinal));
        return twin is null ? null : Wrong(
            migration, $"the ids of {migration.Mapping} and {twin.Name} in the namespace {definition.Target.Namespace} are not disjoint: " +
            $"the id_prefix \"{twin.Definition.Target.IdPrefix}\" begins with \"{definition.Target.IdPrefix}\"", null);
    }

    private void Apply(Migration migration)
    {
        if (migration.Definition is not { } definition)
        {
            live.Remove(migration.Mapping);
            return;
        }

        if (definition.Embed is { } embed)
        {
            models[(definition.Destination, definition.Target.Namespace)] = ModelOf(embed);
        }

        LiveMapping? current = live.GetValueOrDefault(migration.Mapping);
        int generation = generations[migration.Mapping] = generations.GetValueOrDefault(migration.Mapping) + 1;
        live[migration.Mapping] = new LiveMapping(definition, generation, migration, definition.Replace?.NewNamespace == true ? current : null);
    }

    private static SyncException Wrong(Migration migration, string what, string? remedy) =>
        new(SyncExit.Usage, "config_invalid", $"{migration.SettingsPath}: {what}", remedy);
}
