using Puff.Sync.Changes;

namespace Puff.Sync.State;

/// <summary>
/// What one pipeline remembers between runs: its tables in the database (section 9 of the contract), or a fake. All methods are of one pipeline; times that are
/// not given are the store's own. Throws <see cref="SyncException"/> for what trying again does not mend and <see cref="StateUnavailableException"/> for
/// the rest.
/// </summary>
internal interface ISyncState : IAsyncDisposable
{
    /// <summary>
    /// Takes the pipeline's lock and notes the runner; false when another runner holds it. It is held until disposal or <see cref="LockLost"/>.
    /// </summary>
    Task<bool> TryLockAsync(RunnerRecord runner, CancellationToken cancellation);

    /// <summary>Fires when the lock is gone: nothing may be written after.</summary>
    CancellationToken LockLost { get; }

    /// <summary>The pipeline's row; null before the first apply or run.</summary>
    Task<PipelineRecord?> ReadPipelineAsync(CancellationToken cancellation);

    /// <summary>
    /// Writes the source's identity, the names of slot and publication; creates the row when there is none. Leaves runner and confirmed position.
    /// </summary>
    Task SavePipelineAsync(PipelineRecord pipeline, CancellationToken cancellation);

    /// <summary>Notes a heartbeat's return.</summary>
    Task SaveHeartbeatAsync(DateTimeOffset at, CancellationToken cancellation);

    /// <summary>Applied migrations in the order of their numbers, with content.</summary>
    Task<IReadOnlyList<MigrationRecord>> ListMigrationsAsync(CancellationToken cancellation);

    /// <summary>All mappings, the newest generation of each last; ended ones too.</summary>
    Task<IReadOnlyList<MappingRecord>> ListMappingsAsync(CancellationToken cancellation);

    /// <summary>Adds a mapping's generation or replaces everything of it but position and counts.</summary>
    Task SaveMappingAsync(MappingRecord mapping, CancellationToken cancellation);

    /// <summary>
    /// In one statement: the positions of the mappings that moved (counts are added to those stored), and what the slot was told. A position never goes back.
    /// </summary>
    Task SaveProgressAsync(IReadOnlyList<MappingProgress> moved, Lsn confirmed, CancellationToken cancellation);

    Task SetPhaseAsync(string mapping, int generation, MappingPhase phase, string? reasonCode, string? reasonText, CancellationToken cancellation);

    /// <summary>Sets a position back or forth (reset, stale mappings that start over).</summary>
    Task ResetPositionAsync(string mapping, int generation, SyncPosition position, CancellationToken cancellation);

    /// <summary>All snapshots that are not done, failed or stopped, or all that are known, oldest first.</summary>
    Task<IReadOnlyList<SnapshotRecord>> ListSnapshotsAsync(bool openOnly, CancellationToken cancellation);

    /// <summary>Adds a snapshot and returns its number.</summary>
    Task<long> AddSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation);

    /// <summary>Replaces everything that may change of a snapshot: state, cursor, upper bound, rows, error.</summary>
    Task SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation);

    /// <summary>Letters by number, newest first.</summary>
    /// <param name="state">Null for all.</param>
    Task<IReadOnlyList<DeadLetter>> ListLettersAsync(string? mapping, LetterState? state, int limit, CancellationToken cancellation);

    /// <summary>
    /// Records failures, all or none: an open or permanent letter of the same mapping and document is replaced (its attempts add up, its first failure stays).
    /// </summary>
    Task SaveLettersAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation);

    /// <summary>Closes the open and permanent letters of these documents.</summary>
    Task CloseLettersAsync(string mapping, int generation, IReadOnlyList<string> documents, LetterState state, CancellationToken cancellation);

    /// <summary>Closes letters by number; returns how many were open.</summary>
    Task<int> CloseLettersAsync(IReadOnlyList<long> letters, LetterState state, CancellationToken cancellation);

    /// <summary>Records a command for the runner and returns its number.</summary>
    Task<long> AddRequestAsync(string verb, string argumentsJson, CancellationToken cancellation);

    /// <summary>Requests nobody took yet, oldest first; they count as taken afterwards.</summary>
    Task<IReadOnlyList<RequestRecord>> TakeRequestsAsync(CancellationToken cancellation);

    Task FinishRequestAsync(long request, string resultJson, CancellationToken cancellation);

    /// <summary>The request as it stands; null when there is none of that number.</summary>
    Task<RequestRecord?> ReadRequestAsync(long request, CancellationToken cancellation);

    /// <summary>Every version of every table that was seen, by table and version.</summary>
    Task<IReadOnlyList<RelationVersion>> ListRelationVersionsAsync(CancellationToken cancellation);

    Task SaveRelationVersionAsync(RelationVersion version, CancellationToken cancellation);

    /// <summary>Deletes permanent and closed letters, finished requests and snapshots older than this.</summary>
    Task TrimAsync(DateTimeOffset before, CancellationToken cancellation);
}

/// <summary>The state's connection was lost or refused for now.</summary>
internal sealed class StateUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
