using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.State;

/// <param name="SystemIdentifier">Of the source's cluster (pg_control_system).</param>
/// <param name="Timeline">Of the source when it was last seen.</param>
/// <param name="Confirmed">What the slot was last told.</param>
/// <param name="Runner">Null when none runs, as far as is known.</param>
internal sealed record PipelineRecord(
    string Name, ulong SystemIdentifier, uint DatabaseOid, int Timeline, string SlotName, string PublicationName, Lsn Confirmed = default,
    RunnerRecord? Runner = null, DateTimeOffset? HeartbeatAt = null, DateTimeOffset? CreatedAt = null, int StateVersion = 1);

internal sealed record RunnerRecord(Guid Id, string Host, int ProcessId, DateTimeOffset Since);

/// <param name="Hash">SHA-256 of the content, 32 bytes.</param>
/// <param name="Content">The files, compressed.</param>
/// <param name="DependenciesJson">Names and versions of packages; null when none were recorded.</param>
internal sealed record MigrationRecord(
    long Number, string Name, string Mapping, MigrationAction Action, byte[] Hash, byte[] Content, string? DependenciesJson, string ToolVersion,
    DateTimeOffset AppliedAt, string AppliedBy);

internal enum MappingPhase
{
    /// <summary>Applied, not started.</summary>
    Pending,
    Snapshot,
    Streaming,

    /// <summary>Its destination does not answer; tried for ever.</summary>
    Degraded,
    Paused,

    /// <summary>Stopped by something a person must mend; holds the slot.</summary>
    Errored,

    /// <summary>Has missed changes: holds nothing, needs a snapshot.</summary>
    Stale,
    Ended,
}

/// <param name="Generation">1, 2, … for the same name created anew or replaced with all rows.</param>
/// <param name="Migration">Number of the migration that made this generation.</param>
/// <param name="Namespace">As stored, prefix included.</param>
/// <param name="PlanJson">What was resolved at apply and stays: form of ids, attribute types; opaque here.</param>
/// <param name="PositionTime">When the last applied change was committed.</param>
internal sealed record MappingRecord(
    string Name, int Generation, long Migration, string Destination, string Namespace, uint RelationOid, MappingPhase Phase = MappingPhase.Pending,
    DateTimeOffset? PhaseSince = null, string? ReasonCode = null, string? ReasonText = null, SyncPosition Position = default,
    DateTimeOffset? PositionTime = null, MappingCounts Counts = default, DateTimeOffset? EndedAt = null, string? PlanJson = null);

internal readonly record struct MappingCounts(long Upserted, long Patched, long Deleted, long Skipped)
{
    public static MappingCounts operator +(MappingCounts left, MappingCounts right) =>
        new(left.Upserted + right.Upserted, left.Patched + right.Patched, left.Deleted + right.Deleted, left.Skipped + right.Skipped);
}

/// <param name="Added">Since the progress saved before.</param>
internal sealed record MappingProgress(string Mapping, int Generation, SyncPosition Position, DateTimeOffset? PositionTime, MappingCounts Added);

internal enum SnapshotKind { Initial, Replay, Repair, Keys }

internal enum SnapshotState { Requested, Running, Paused, Done, Failed, Stopped }

/// <param name="Id">0 before it is added.</param>
/// <param name="StartLsn">The slot's creation, or where streaming stood when it was asked for; kept on resume.</param>
/// <param name="Cursor">Key of the last row that is durable at the destination; null before the first page.</param>
/// <param name="Upper">Largest key when it began; null while unknown or for an empty table.</param>
/// <param name="Where">Condition in SQL beside the mapping's filter.</param>
/// <param name="Keys">Of kind Keys and Repair: what is read, instead of pages.</param>
internal sealed record SnapshotRecord(
    long Id, string Mapping, int Generation, SnapshotKind Kind, SnapshotMode Mode, SnapshotState State, Lsn StartLsn,
    IReadOnlyList<string>? Cursor = null, IReadOnlyList<string>? Upper = null, string? Where = null, IReadOnlyList<IReadOnlyList<string>>? Keys = null,
    int? PageRows = null, long RowsEstimate = 0, long RowsRead = 0, long RowsWritten = 0, long RowsStale = 0, DateTimeOffset? StartedAt = null,
    DateTimeOffset? UpdatedAt = null, DateTimeOffset? FinishedAt = null, string? Error = null)
{
    public bool IsOpen => State is SnapshotState.Requested or SnapshotState.Running or SnapshotState.Paused;
}

internal enum LetterState { Open, Permanent, Applied, Superseded, Dropped }

internal enum LetterStage { Decode, Filter, Reread, Transform, Embed, Convert, Write }

/// <param name="Id">0 before it is saved.</param>
/// <param name="DocumentId">In text; when the id itself is what failed, the key's values joined by commas.</param>
/// <param name="Key">Values of the id columns in text.</param>
/// <param name="Operation">insert, update, delete, snapshot, reread.</param>
/// <param name="Detail">Stack or body, at most 8 KiB.</param>
/// <param name="NextAt">Null when it is not tried by itself.</param>
/// <param name="PayloadJson">The row, only when the project says so.</param>
internal sealed record DeadLetter(
    long Id, string Mapping, int Generation, string DocumentId, IReadOnlyList<string> Key, string Operation, SyncPosition Position, LetterStage Stage,
    string Code, string Message, string? Detail, int Attempts, DateTimeOffset FirstAt, DateTimeOffset LastAt, DateTimeOffset? NextAt, LetterState State,
    string? PayloadJson = null);

/// <param name="ResultJson">Null until it is done.</param>
internal sealed record RequestRecord(
    long Id, string Verb, string ArgumentsJson, DateTimeOffset CreatedAt, DateTimeOffset? TakenAt = null, DateTimeOffset? DoneAt = null,
    string? ResultJson = null);

/// <param name="Shape">With its version and, where the catalog was asked, nothing but what the stream says.</param>
/// <param name="ValidFrom">LSN of the commit that first brought it.</param>
internal sealed record RelationVersion(RelationShape Shape, Lsn ValidFrom);
