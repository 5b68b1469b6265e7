using Npgsql;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>What an apply will write: statements for the source, rows of the state.</summary>
internal sealed class ApplyPlan
{
    private readonly Dictionary<long, CheckedMapping> checkedMappings = [];
    private readonly List<MigrationRecord> migrations = [];
    private readonly List<MappingRecord> mappings = [];
    private readonly List<string> sourceSql = [];
    private readonly ProjectSessions sessions;
    private PipelineRecord? pipeline;

    private ApplyPlan(ProjectSessions sessions) => this.sessions = sessions;

    /// <summary>Publication and replica identity.</summary>
    public IReadOnlyList<string> SourceSql => sourceSql;

    public IReadOnlyList<string> NotesOf(Migration migration) => checkedMappings.TryGetValue(migration.Number, out var found) ? found.Notes : [];

    /// <summary>Checks every pending migration; throws the first thing that is wrong.</summary>
    public static async Task<ApplyPlan> MakeAsync(
        SyncInvocation invocation, ProjectSessions sessions, MigrationHistory history, IReadOnlyList<AppliedMigration> applied,
        IReadOnlyList<Migration> pending, ApplyOptions options, CancellationToken cancellation)
    {
        var plan = new ApplyPlan(sessions);
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        var settings = sessions.Project.Settings;
        var preflight = new Preflight(sessions.Source, session, options.SetIdentity, settings.Source.AllowRowSecurity);
        foreach (Migration migration in pending.Where(one => one.Definition is not null))
        {
            var result = await preflight.CheckAsync(migration.Definition!, sample: !options.NoSample, cancellation);
            plan.checkedMappings[migration.Number] = result;
            if (result.IdentitySql is { } identity)
            {
                plan.sourceSql.Add(identity);
            }
        }

        var kept = MigrationHistory.Build(history.Migrations.Where(one => applied.Any(done => done.Number == one.Number) || pending.Contains(one)));
        await plan.PublishAsync(session, kept, settings, cancellation);
        await plan.AddRecordsAsync(invocation, session, history, applied, pending, cancellation);
        return plan;
    }

    /// <summary>In one transaction where state and data are in one database; else the source first: both may be repeated.</summary>
    public async Task WriteAsync(SqlSyncState state, CancellationToken cancellation)
    {
        if (!sessions.IsStateBesideSource && sourceSql.Count > 0)
        {
            await RunOnSourceAsync(cancellation);
        }

        await state.SavePipelineAsync(pipeline!, cancellation);
        await state.WriteAllAsync(
            sessions.IsStateBesideSource ? sourceSql : [], [.. migrations.Select(state.SavingMigration), .. mappings.Select(state.SavingMapping)],
            cancellation);
    }

    private async Task RunOnSourceAsync(CancellationToken cancellation)
    {
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        try
        {
            await using var command = new NpgsqlCommand(string.Join("; ", ["SET LOCAL lock_timeout = '5s'", .. sourceSql]), session);
            await command.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw Publication.NotAllowed(refused, sourceSql);
        }
        catch (Exception exception) when (PostgresErrors.Translate(exception, sessions.Source.Address, "publishing") is { } translated)
        {
            throw translated;
        }
    }

    private async Task PublishAsync(NpgsqlConnection session, MigrationHistory history, ProjectSettings settings, CancellationToken cancellation)
    {
        var wanted = new List<PublishedTable>();
        var owners = new List<(string Table, bool IsOwner)>();
        foreach (var group in history.Live.SelectMany(WithPrevious).GroupBy(one => (one.Source.Schema, one.Source.Table)))
        {
            if (await Catalog.FindTableAsync(session, group.Key.Schema, group.Key.Table, cancellation) is not { } table)
            {
                continue; // dropped since it was applied: nothing can be published
            }

            var only = group.Count() == 1 ? group.First() : null;
            wanted.Add(new PublishedTable(group.Key.Schema, group.Key.Table, Where: PushedFilter(only, table, session.PostgreSqlVersion.Major)));
            owners.Add((table.Name, table.IsOwner));
        }

        var current = await Publication.ReadAsync(session, settings.Slot.Publication, cancellation);
        var statements = Publication.ChangeSql(settings.Slot.Publication, current, wanted);
        if (statements.Count > 0 && !settings.Slot.Create)
        {
            throw new SyncException(
                SyncExit.NotAllowed, "publication_mismatch",
                $"Publication {settings.Slot.Publication} does not publish what the mappings read, and slot.create is false.",
                $"Run as its owner: {string.Join("; ", statements)}");
        }

        sourceSql.AddRange(statements);
    }

    private static IEnumerable<MappingDefinition> WithPrevious(LiveMapping mapping)
    {
        for (LiveMapping? one = mapping; one is not null; one = one.Previous)
        {
            yield return one.Definition;
        }
    }

    /// <summary>The filter goes into the publication where the server has all it needs of old rows, and nobody else reads the table.</summary>
    private static string? PushedFilter(MappingDefinition? mapping, TableFacts table, int version)
    {
        if (mapping?.Source.Where is not { } text || mapping.Source.PushFilter == false || version < 15)
        {
            return null;
        }

        var bound = new TableFilter(RowFilter.Parse(text), table.Shape).Bind();
        bool isCovered = table.Shape.Identity == Changes.ReplicaIdentity.Full
            || (table.Leaves.Count == 0 && RowFilter.Parse(text).Columns.All(table.IdentityColumns.Contains));
        return bound.CanPush && isCovered ? bound.Sql : null;
    }

    private async Task AddRecordsAsync(
        SyncInvocation invocation, NpgsqlConnection session, MigrationHistory history, IReadOnlyList<AppliedMigration> applied,
        IReadOnlyList<Migration> pending, CancellationToken cancellation)
    {
        await using var server = new SourceServer(sessions.Source);
        var identity = await server.IdentifyAsync(cancellation);
        var settings = sessions.Project.Settings;
        pipeline = new PipelineRecord(
            settings.PipelineName, identity.SystemIdentifier, identity.DatabaseOid, identity.Timeline, settings.Slot.Name, settings.Slot.Publication);
        string version = typeof(ApplyPlan).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        string by = $"{sessions.Source.Address.User}@{System.Environment.MachineName}";
        await using var state = await sessions.OpenStateAsync(create: false, cancellation);
        var current = state is null ? [] : (await state.ListMappingsAsync(cancellation)).ToDictionary(one => (one.Name, one.Generation));
        foreach (Migration migration in pending)
        {
            migrations.Add(new MigrationRecord(
                migration.Number, migration.Name, migration.Mapping, migration.Action, Convert.FromHexString(migration.Content.Hash),
                ContentArchive.Pack(migration.Content), null, version, invocation.Clock.GetUtcNow(), by));
            var before = MigrationHistory.Build(history.Migrations.Where(one => one.Number <= migration.Number && (pending.Contains(one)
                || applied.Any(done => done.Number == one.Number))));
            AddMapping(invocation, migration, before, current);
        }
    }

    private void AddMapping(
        SyncInvocation invocation, Migration migration, MigrationHistory history, Dictionary<(string Name, int Generation), MappingRecord> current)
    {
        var old = current.Values.Where(one => one.Name == migration.Mapping && one.Phase != MappingPhase.Ended).MaxBy(one => one.Generation);
        bool isNewNamespace = migration.Definition?.Replace is { NewNamespace: true };
        if (old is not null && !isNewNamespace)
        {
            Set(old with { Phase = MappingPhase.Ended, EndedAt = invocation.Clock.GetUtcNow() });
        }

        if (history.Find(migration.Mapping) is not { } live || migration.Definition is not { } definition)
        {
            return;
        }

        var result = checkedMappings[migration.Number];
        bool carriesOn = old is not null && definition.Replace is { Rows: ReplaceRows.NewChanges, NewNamespace: false };
        var settings = sessions.Project.Settings.Destinations[definition.Destination];
        Set(new MappingRecord(
            migration.Mapping, live.Generation, migration.Number, definition.Destination,
            settings.StoredName(definition.Target.Namespace, sessions.Project.Environment), result.Table.Oid,
            carriesOn ? old!.Phase : MappingPhase.Pending, Position: carriesOn ? old!.Position : default,
            PlanJson: PlanDecisionsJson.Write(result.Plan.Decisions)));

        void Set(MappingRecord record)
        {
            current[(record.Name, record.Generation)] = record;
            mappings.RemoveAll(one => one.Name == record.Name && one.Generation == record.Generation);
            mappings.Add(record);
        }
    }
}
