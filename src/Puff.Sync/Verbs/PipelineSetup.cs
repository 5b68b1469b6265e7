using Npgsql;
using Puff.Engine;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.Postgres;
using Puff.Sync.State;
using Puff.Sync.Transforms;

namespace Puff.Sync.Verbs;

/// <summary>Opens an engine on a directory or a bucket's URL; the second is called when it is no longer needed.</summary>
public delegate Task<(PuffEngine Engine, Func<ValueTask> Close)> EngineOpener(string location, CancellationToken cancellation);

/// <summary>Puts the mappings of a pipeline together from what was applied: plans, filters, destinations, user code.</summary>
internal sealed class PipelineSetup(SyncProject project, EngineOpener openEngine, PipelineEvents events, TimeProvider clock) : IAsyncDisposable
{
    private readonly Dictionary<string, IDestination> destinations = [];
    private readonly HttpClient http = new();
    private MappingTransforms? transforms;

    public static PipelineOptions OptionsOf(ProjectSettings settings) => new()
    {
        Name = settings.PipelineName,
        BatchRows = settings.Batch.MaxRows,
        BatchBytes = settings.Batch.MaxBytes,
        BatchDelay = settings.Batch.MaxDelay,
        WriteConcurrency = settings.Write.Concurrency,
        WriteTimeout = settings.Write.Timeout,
        RetryAttempts = settings.Retry.Attempts,
        RetryBase = settings.Retry.Base,
        RetryMax = settings.Retry.Max,
        StopAtOutage = settings.Retry.Outage == OutagePolicy.Stop,
        ReconnectBase = settings.Reconnect.Base,
        ReconnectMax = settings.Reconnect.Max,
        ReplayInterval = settings.DeadLetters.ReplayInterval,
        LetterAttempts = settings.DeadLetters.MaxAttempts,
        LettersOpen = settings.DeadLetters.MaxOpen,
        KeepPermanent = settings.DeadLetters.KeepPermanent,
        StorePayload = settings.DeadLetters.StorePayload,
        PageRows = settings.Snapshot.PageRows,
        PageBytes = settings.Snapshot.PageBytes,
        PagesInFlight = settings.Snapshot.PagesInFlight,
        ParallelSnapshots = settings.Snapshot.Parallel,
        PageTimeout = settings.Snapshot.PageTimeout,
        HeartbeatInterval = settings.Heartbeat.Interval,
        WarnRetained = settings.Slot.WarnRetained,
        MaxRetained = settings.Slot.MaxRetained,
        MemoryBudget = settings.MemoryBudget,
        ShutdownTimeout = settings.ShutdownTimeout,
        MaintenanceInterval = settings.MaintenanceInterval,
    };

    /// <summary>The mappings that were applied and live, with all they need. A mapping whose table or code is missing comes errored.</summary>
    /// <param name="only">One mapping; null for all.</param>
    public async Task<IReadOnlyList<PipelineMapping>> OpenAsync(
        SqlSyncState state, NpgsqlConnection session, string? only, CancellationToken cancellation)
    {
        var applied = AppliedMigrations.Of(await state.ListMigrationsAsync(cancellation));
        MigrationHistory history = MigrationHistory.OfApplied(applied, project.Environment);
        var records = (await state.ListMappingsAsync(cancellation)).ToDictionary(r => (r.Name, r.Generation));
        var opened = new List<PipelineMapping>();
        foreach (LiveMapping live in history.Live.Where(m => only is null || m.Name == only))
        {
            if (!records.TryGetValue((live.Name, live.Generation), out MappingRecord? record) || record.Phase == MappingPhase.Ended)
            {
                continue;
            }

            opened.Add(await OpenMappingAsync(live, record, session, cancellation));
        }

        return opened;
    }

    /// <summary>The destination of this name, opened once.</summary>
    public async Task<IDestination> DestinationAsync(string name, CancellationToken cancellation)
    {
        if (!destinations.TryGetValue(name, out IDestination? destination))
        {
            destinations.Add(name, destination = await OpenDestinationAsync(project.Settings.Destinations[name], cancellation));
        }

        return destination;
    }

    public async ValueTask DisposeAsync()
    {
        if (transforms is not null)
        {
            await transforms.DisposeAsync();
        }

        http.Dispose();

        foreach (IDestination destination in destinations.Values)
        {
            await destination.DisposeAsync();
        }
    }

    private async Task<PipelineMapping> OpenMappingAsync(
        LiveMapping live, MappingRecord record, NpgsqlConnection session, CancellationToken cancellation)
    {
        MappingDefinition definition = live.Definition;
        TableFacts table = await Catalog.FindTableAsync(session, definition.Source.Schema, definition.Source.Table, cancellation) ?? throw new SyncException(
            SyncExit.NotFound, "table_not_found", $"Table {definition.Source.Schema}.{definition.Source.Table} of mapping \"{live.Name}\" does not exist.",
            $"`puff sync end {live.Name}`, or bring the table back");
        var plan = new DocumentPlan(definition, table.Shape, record.PlanJson is { } json ? PlanDecisionsJson.Read(json) : null);
        TableFilter? filter = definition.Source.Where is { } where ? new TableFilter(RowFilter.Parse(where), table.Shape) : null;
        IDestination destination = await DestinationAsync(definition.Destination, cancellation);
        ITransform? transform = await LoadAsync(live, record, plan, destination, cancellation);
        var rows = new DocumentRowPlan(plan, filter is null ? null : _ => new MappingFilter(filter), filter?.Bind().Sql, transform?.Schema);
        return new PipelineMapping(definition, record, record.Namespace, rows, destination, transform);
    }

    /// <summary>Code that does not load stops its mapping only.</summary>
    private async Task<ITransform?> LoadAsync(
        LiveMapping live, MappingRecord record, DocumentPlan plan, IDestination destination, CancellationToken cancellation)
    {
        TransformSettings settings = project.Settings.Transform;
        transforms ??= new MappingTransforms(
            new TransformHostOptions
            {
                ProjectFolder = project.Folder ?? Directory.GetCurrentDirectory(),
                Environment = project.Environment.All,
                Runtime = settings.Runtime,
                Style = settings.Style,
                Workers = settings.Workers,
                Timeout = settings.Timeout,
                MaxMemory = settings.MaxMemory,
                PassDatabaseUrl = settings.PassDatabaseUrl,
            },
            http, entry => events.Info("transform_log", entry.Mapping, $"{entry.Level}: {entry.Text}"), clock);
        try
        {
            return await transforms.LoadAsync(
                live.Definition, live.Migration.Content, record.Namespace, plan,
                (ids, attributes, token) => destination.FetchAsync(record.Namespace, ids, attributes, token), cancellation);
        }
        catch (TransformException failure)
        {
            events.Error("transform_load", live.Name, failure.Message);
            return new FailedTransform(failure);
        }
    }

    private async Task<IDestination> OpenDestinationAsync(DestinationSettings settings, CancellationToken cancellation)
    {
        switch (settings.Kind)
        {
            case DestinationKind.Engine:
                (PuffEngine engine, Func<ValueTask> close) = await openEngine(Located(settings), cancellation);
                return new EngineDestination(engine, close);
            case DestinationKind.File:
                return new FileDestination(Located(settings));
            case DestinationKind.Null:
                return new NullDestination();
            default:
                string url = settings.Url?.Find(project.Environment)
                    ?? $"https://{settings.Region?.Get(project.Environment) ?? "api"}.turbopuffer.com";
                return new HttpDestination(new HttpDestinationOptions(new Uri(url), settings.ApiKey?.Get(project.Environment) ?? "")
                {
                    Compress = settings.Compress,
                    DisableBackpressure = settings.DisableBackpressure,
                    Timeout = project.Settings.Write.Timeout,
                    Time = clock,
                });
        }
    }

    private string Located(DestinationSettings settings)
    {
        string path = settings.Path?.Get(project.Environment) ?? throw new SyncException(
            SyncExit.Usage, "config_invalid", $"[destinations.{settings.Name}] needs path", "set path to a directory or a bucket's URL");
        return path.Contains("://", StringComparison.Ordinal) ? path : Path.GetFullPath(path, project.Folder ?? Directory.GetCurrentDirectory());
    }

    /// <summary>Stands for code that did not load: the first row stops the mapping with the reason.</summary>
    private sealed class FailedTransform(TransformException failure) : ITransform
    {
        public Puff.Engine.Schema.SchemaUpdate? Schema => null;

        public Task<IReadOnlyList<IReadOnlyList<TransformAction>>> RunAsync(
            IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation) =>
            Task.FromException<IReadOnlyList<IReadOnlyList<TransformAction>>>(failure);

        public ValueTask DisposeAsync() => default;
    }
}
