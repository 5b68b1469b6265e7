using System.Globalization;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.Postgres;
using Puff.Sync.State;
using Puff.Sync.Tests.Documents;
using Puff.Sync.Tests.Postgres;

namespace Puff.Sync.Tests.Pipelines;

/// <summary>A pipeline from a database of its own on a real server into an engine in memory; it can be run, stopped and run again.</summary>
internal sealed class PostgresPipeline : IAsyncDisposable
{
    private readonly List<MappingDefinition> definitions = [];
    private readonly PostgresSessions sessions;

    private PostgresPipeline(TestDatabase database, PuffEngine engine)
    {
        Database = database;
        Engine = engine;
        sessions = new PostgresSessions(database.Address, database.Name);
        Destination = new EngineDestination(engine);
    }

    public TestDatabase Database { get; }

    public PuffEngine Engine { get; }

    /// <summary>Where mappings write; tests put something in between.</summary>
    public IDestination Destination { get; set; }

    public PipelineOptions Options { get; set; } = new()
    {
        BatchDelay = TimeSpan.FromMilliseconds(20), RequestInterval = TimeSpan.FromMilliseconds(50), RetryBase = TimeSpan.FromMilliseconds(20),
        RetryMax = TimeSpan.FromMilliseconds(200), ReconnectBase = TimeSpan.FromMilliseconds(50), ShutdownTimeout = TimeSpan.FromSeconds(10),
            MemoryBudget = 64 << 20,
        HeartbeatInterval = TimeSpan.FromMilliseconds(500),
    };

    public Pipeline? Running { get; private set; }

    public List<string> Events { get; } = [];

    /// <param name="sql">Makes the tables.</param>
    public static async Task<PostgresPipeline> CreateAsync(string sql, string locale = "")
    {
        TestDatabase database = await TestDatabase.CreateAsync(sql, locale);
        PuffEngine engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = new MemoryObjectStore(TimeProvider.System) });
        return new PostgresPipeline(database, engine);
    }

    public PostgresPipeline Map(string table, Func<MappingDefinition, MappingDefinition>? change = null)
    {
        var definition = new MappingDefinition { Name = table, Source = new SourceDefinition(table), Target = new TargetDefinition(table) };
        definitions.Add(change is null ? definition : change(definition));
        return this;
    }

    /// <summary>Publication, slot and state rows, as apply and the first run make them.</summary>
    public async Task<PostgresPipeline> ApplyAsync()
    {
        string tables = string.Join(", ", definitions.Select(d => $"\"{d.Source.Table}\"").Distinct());
        await Database.RunAsync($"CREATE PUBLICATION {Database.Name} FOR TABLE {tables} WITH (publish_via_partition_root = true)");
        Lsn start = await ReplicationSlots.CreateAsync(sessions, Database.Name, false, TimeProvider.System, null, CancellationToken.None);
        await using SqlSyncState state = await OpenStateAsync();
        await using var server = new SourceServer(sessions);
        SourceIdentity identity = await server.IdentifyAsync(CancellationToken.None);
        await state.SavePipelineAsync(
            new PipelineRecord(Database.Name, identity.SystemIdentifier, identity.DatabaseOid, identity.Timeline, Database.Name, Database.Name),
                CancellationToken.None);
        await state.SaveProgressAsync([], start, CancellationToken.None);
        await using var session = await sessions.OpenAsync(SessionUse.Admin, CancellationToken.None);
        for (int i = 0; i < definitions.Count; i++)
        {
            TableFacts facts = (await Catalog.FindTableAsync(session, "public", definitions[i].Source.Table, CancellationToken.None))!;
            await state.SaveMappingAsync(
                new MappingRecord(definitions[i].Name, 1, i + 1, "default", definitions[i].Target.Namespace, facts.Oid), CancellationToken.None);
        }

        return this;
    }

    public async Task<SqlSyncState> OpenStateAsync() => (await SqlSyncState.OpenAsync(sessions, "puff_sync", Database.Name, create: true,
        CancellationToken.None))!;

    public Task CatchUpAsync() => RunAsync(new RunGoal(UntilCaughtUp: true), CancellationToken.None);

    /// <summary>Runs as a process does: with the lock, from what the state and the slot say.</summary>
    public async Task RunAsync(RunGoal goal, CancellationToken stop)
    {
        await using SqlSyncState state = await OpenStateAsync();
        if (!await state.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "test", 1, DateTimeOffset.UtcNow), CancellationToken.None))
        {
            throw new SyncException(SyncExit.Conflict, "runner_locked", "locked");
        }

        await using var server = new SourceServer(sessions);
        await using var rows = new RowSource(sessions);
        SlotState slot = (await server.ReadSlotAsync(Database.Name, CancellationToken.None))!;
        await using var feed = new SlotFeed(sessions, new SlotFeedOptions(Database.Name, Database.Name, "puff_sync:"), []);
        await using var session = await sessions.OpenAsync(SessionUse.Admin, CancellationToken.None);
        IReadOnlyList<MappingRecord> records = await state.ListMappingsAsync(CancellationToken.None);
        var mappings = new List<PipelineMapping>();
        foreach (MappingDefinition definition in definitions)
        {
            TableFacts facts = (await Catalog.FindTableAsync(session, "public", definition.Source.Table, CancellationToken.None))!;
            MappingRecord record = records.Single(r => r.Name == definition.Name);
            var plan = new DocumentPlan(definition, facts.Shape);
            TableFilter? filter = definition.Source.Where is { } where ? new TableFilter(RowFilter.Parse(where), facts.Shape) : null;
            mappings.Add(new PipelineMapping(
                definition, record, record.Namespace,
                new DocumentRowPlan(plan, filter is null ? null : _ => new MappingFilter(filter), filter?.Bind().Sql), Destination, null));
        }

        var events = new PipelineEvents(TimeProvider.System);
        events.Happened += e =>
        {
            lock (Events)
            {
                Events.Add($"{e.Name} {e.Mapping} {e.Text}");
            }
        };
        Running = new Pipeline(
            Options with { Name = Database.Name }, new PipelineParts(state, feed, rows, server, TimeProvider.System, new Random(1), events), Database.Name,
            Guid.NewGuid().ToString("N")[..8], slot.Confirmed);
        await Running.RunAsync(mappings, goal, stop);
    }

    /// <summary>The namespace as lines "id: name=value …" without provenance, in the order of ids.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(string name, params string[] attributes)
    {
        IReadOnlyList<DocumentRow> rows;
        try
        {
            rows = await Destination.ScanAsync(name, null, 10_000, attributes, null, CancellationToken.None);
        }
        catch (DestinationException)
        {
            return [];
        }

        return [.. rows.Select(r => string.Create(
            CultureInfo.InvariantCulture, $"{RowFixture.Show(r.Id)}: {string.Join(' ', attributes.Select(a => Show(r, a)))}"))];
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Database.DisposeAsync();
    }

    private static string Show(DocumentRow row, string attribute)
    {
        foreach (KeyValuePair<string, Value> one in row.Attributes)
        {
            if (one.Key == attribute && !one.Value.IsNull)
            {
                string shown = RowFixture.Show(one.Value);
                return shown.Length > 40 ? $"{shown[..20]}…{shown.Length}" : shown;
            }
        }

        return "-";
    }
}
