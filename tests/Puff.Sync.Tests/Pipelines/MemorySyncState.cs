using Puff.Sync.Changes;
using Puff.Sync.State;

namespace Puff.Sync.Tests.Pipelines;

/// <summary>The rows of a state schema that outlive the sessions on it.</summary>
internal sealed class MemoryStateTables
{
    public object? LockHolder { get; set; }

    public PipelineRecord? Pipeline { get; set; }

    public List<MigrationRecord> Migrations { get; } = [];

    public List<MappingRecord> Mappings { get; } = [];

    public List<SnapshotRecord> Snapshots { get; } = [];

    public List<DeadLetter> Letters { get; } = [];

    public List<RequestRecord> Requests { get; } = [];

    public List<RelationVersion> Versions { get; } = [];
}

/// <summary>A session on state tables in memory: what tests and the simulator use in place of a database.</summary>
/// <param name="gate">Awaited before each call takes effect and again after: where a simulation delays, fails or kills.</param>
internal sealed class MemorySyncState(MemoryStateTables tables, TimeProvider time, Func<string, Task>? gate = null) : ISyncState
{
    private readonly CancellationTokenSource lost = new();

    public CancellationToken LockLost => lost.Token;

    public Task<bool> TryLockAsync(RunnerRecord runner, CancellationToken cancellation) => Do("lock", () =>
    {
        if (tables.LockHolder is not null && tables.LockHolder != this)
        {
            return false;
        }

        tables.LockHolder = this;
        tables.Pipeline = tables.Pipeline is null ? null : tables.Pipeline with { Runner = runner };
        return true;
    });

    public void LoseLock()
    {
        tables.LockHolder = null;
        lost.Cancel();
    }

    public Task<PipelineRecord?> ReadPipelineAsync(CancellationToken cancellation) => Do("read pipeline", () => tables.Pipeline);

    public Task SavePipelineAsync(PipelineRecord pipeline, CancellationToken cancellation) => Do("save pipeline", () => tables.Pipeline = pipeline with
    {
        Runner = tables.Pipeline?.Runner,
        Confirmed = tables.Pipeline?.Confirmed ?? default,
        CreatedAt = tables.Pipeline?.CreatedAt ?? time.GetUtcNow(),
    });

    public Task SaveHeartbeatAsync(DateTimeOffset at, CancellationToken cancellation) =>
        Do("heartbeat", () => tables.Pipeline = tables.Pipeline! with { HeartbeatAt = at });

    public Task<IReadOnlyList<MigrationRecord>> ListMigrationsAsync(CancellationToken cancellation) =>
        Do<IReadOnlyList<MigrationRecord>>("list migrations", () => [.. tables.Migrations.OrderBy(m => m.Number)]);

    public Task<IReadOnlyList<MappingRecord>> ListMappingsAsync(CancellationToken cancellation) =>
        Do<IReadOnlyList<MappingRecord>>("list mappings", () => [.. tables.Mappings.OrderBy(m => m.Name, StringComparer.Ordinal).ThenBy(m => m.Generation)]);

    public Task SaveMappingAsync(MappingRecord mapping, CancellationToken cancellation) => Do("save mapping", () =>
    {
        int at = tables.Mappings.FindIndex(m => m.Name == mapping.Name && m.Generation == mapping.Generation);
        if (at < 0)
        {
            tables.Mappings.Add(mapping);
        }
        else
        {
            MappingRecord old = tables.Mappings[at];
            tables.Mappings[at] = mapping with { Position = old.Position, PositionTime = old.PositionTime, Counts = old.Counts };
        }

        return true;
    });

    public Task SaveProgressAsync(IReadOnlyList<MappingProgress> moved, Lsn confirmed, CancellationToken cancellation) => Do("save progress", () =>
    {
        foreach (MappingProgress progress in moved)
        {
            Change(progress.Mapping, progress.Generation, m => m with
            {
                Position = progress.Position > m.Position ? progress.Position : m.Position,
                PositionTime = progress.PositionTime ?? m.PositionTime,
                Counts = m.Counts + progress.Added,
            });
        }

        if (tables.Pipeline is { } pipeline && confirmed > pipeline.Confirmed)
        {
            tables.Pipeline = pipeline with { Confirmed = confirmed };
        }

        return true;
    });

    public Task SetPhaseAsync(string mapping, int generation, MappingPhase phase, string? reasonCode, string? reasonText, CancellationToken cancellation) =>
        Do("set phase", () => Change(mapping, generation, m => m with
        {
            Phase = phase,
            PhaseSince = time.GetUtcNow(),
            ReasonCode = reasonCode,
            ReasonText = reasonText,
        }));

    public Task ResetPositionAsync(string mapping, int generation, SyncPosition position, CancellationToken cancellation) =>
        Do("reset position", () => Change(mapping, generation, m => m with { Position = position }));

    public Task<IReadOnlyList<SnapshotRecord>> ListSnapshotsAsync(bool openOnly, CancellationToken cancellation) =>
        Do<IReadOnlyList<SnapshotRecord>>("list snapshots", () => [.. tables.Snapshots.Where(s => !openOnly || s.IsOpen).OrderBy(s => s.Id)]);

    public Task<long> AddSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation) => Do<long>("add snapshot", () =>
    {
        tables.Snapshots.Add(snapshot with { Id = tables.Snapshots.Count + 1, StartedAt = snapshot.StartedAt ?? time.GetUtcNow() });
        return tables.Snapshots.Count;
    });

    public Task SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation) =>
        Do("save snapshot", () => tables.Snapshots[(int)snapshot.Id - 1] = snapshot with { UpdatedAt = time.GetUtcNow() });

    public Task<IReadOnlyList<DeadLetter>> ListLettersAsync(string? mapping, LetterState? state, int limit, CancellationToken cancellation) =>
        Do<IReadOnlyList<DeadLetter>>("list letters", () =>
            [.. tables.Letters.Where(l => (mapping is null || l.Mapping == mapping) && (state is null || l.State == state)).OrderByDescending(l => l.Id)
                .Take(limit)]);

    public Task SaveLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation) => Do("save letters", () =>
    {
        foreach (DeadLetter letter in letters)
        {
            int at = tables.Letters.FindIndex(l => l.Mapping == letter.Mapping && l.DocumentId == letter.DocumentId && IsUnsettled(l));
            if (at < 0)
            {
                tables.Letters.Add(letter with { Id = tables.Letters.Count + 1 });
            }
            else
            {
                DeadLetter old = tables.Letters[at];
                tables.Letters[at] = letter with { Id = old.Id, FirstAt = old.FirstAt, Attempts = old.Attempts + letter.Attempts };
            }
        }

        return true;
    });

    public Task CloseLettersAsync(string mapping, int generation, IReadOnlyList<string> documents, LetterState state, CancellationToken cancellation) =>
        Do("close letters", () => Close(l => l.Mapping == mapping && l.Generation == generation && documents.Contains(l.DocumentId), state));

    public Task<int> CloseLettersAsync(IReadOnlyList<long> letters, LetterState state, CancellationToken cancellation) =>
        Do("close letters", () => Close(l => letters.Contains(l.Id), state));

    public Task<long> AddRequestAsync(string verb, string argumentsJson, CancellationToken cancellation) => Do<long>("add request", () =>
    {
        tables.Requests.Add(new RequestRecord(tables.Requests.Count + 1, verb, argumentsJson, time.GetUtcNow()));
        return tables.Requests.Count;
    });

    public Task<IReadOnlyList<RequestRecord>> TakeRequestsAsync(CancellationToken cancellation) => Do<IReadOnlyList<RequestRecord>>("take requests", () =>
    {
        RequestRecord[] taken = [.. tables.Requests.Where(r => r.TakenAt is null)];
        foreach (RequestRecord request in taken)
        {
            tables.Requests[(int)request.Id - 1] = request with { TakenAt = time.GetUtcNow() };
        }

        return taken;
    });

    public Task FinishRequestAsync(long request, string resultJson, CancellationToken cancellation) => Do("finish request", () =>
        tables.Requests[(int)request - 1] = tables.Requests[(int)request - 1] with { DoneAt = time.GetUtcNow(), ResultJson = resultJson });

    public Task<RequestRecord?> ReadRequestAsync(long request, CancellationToken cancellation) =>
        Do("read request", () => tables.Requests.Find(r => r.Id == request));

    public Task<IReadOnlyList<RelationVersion>> ListRelationVersionsAsync(CancellationToken cancellation) =>
        Do<IReadOnlyList<RelationVersion>>("list versions", () => [.. tables.Versions]);

    public Task SaveRelationVersionAsync(RelationVersion version, CancellationToken cancellation) => Do("save version", () =>
    {
        tables.Versions.RemoveAll(v => v.Shape.Oid == version.Shape.Oid && v.Shape.Version == version.Shape.Version);
        tables.Versions.Add(version);
        return true;
    });

    public Task TrimAsync(DateTimeOffset before, CancellationToken cancellation) =>
        Do("trim", () => tables.Letters.RemoveAll(l => l.State != LetterState.Open && l.LastAt < before));

    public ValueTask DisposeAsync()
    {
        if (tables.LockHolder == this)
        {
            tables.LockHolder = null;
        }

        return default;
    }

    private static bool IsUnsettled(DeadLetter letter) => letter.State is LetterState.Open or LetterState.Permanent;

    private int Close(Func<DeadLetter, bool> which, LetterState state)
    {
        int closed = 0;
        for (int i = 0; i < tables.Letters.Count; i++)
        {
            if (IsUnsettled(tables.Letters[i]) && which(tables.Letters[i]))
            {
                tables.Letters[i] = tables.Letters[i] with { State = state, LastAt = time.GetUtcNow() };
                closed++;
            }
        }

        return closed;
    }

    private bool Change(string mapping, int generation, Func<MappingRecord, MappingRecord> change)
    {
        int at = tables.Mappings.FindIndex(m => m.Name == mapping && m.Generation == generation);
        if (at >= 0)
        {
            tables.Mappings[at] = change(tables.Mappings[at]);
        }

        return at >= 0;
    }

    private async Task<T> Do<T>(string what, Func<T> action)
    {
        if (gate is not null)
        {
            await gate(what);
        }

        T result = action();
        if (gate is not null)
        {
            await gate(what);
        }

        return result;
    }
}
