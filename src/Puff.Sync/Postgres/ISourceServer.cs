using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>What a running pipeline asks of its source beside the stream and the rows. Throws as <see cref="IChangeFeed"/> does.</summary>
internal interface ISourceServer : IAsyncDisposable
{
    Task<SourceIdentity> IdentifyAsync(CancellationToken cancellation);

    /// <summary>The slot as it is; null when there is none of that name.</summary>
    Task<SlotState?> ReadSlotAsync(string slot, CancellationToken cancellation);

    /// <summary>Where the server will write its next log record.</summary>
    Task<Lsn> ReadInsertLsnAsync(CancellationToken cancellation);

    /// <summary>Writes a logical message in a transaction of its own; it arrives in the stream in commit order.</summary>
    Task EmitMessageAsync(string prefix, string content, CancellationToken cancellation);
}

/// <param name="SystemIdentifier">Of the cluster (pg_control_system).</param>
/// <param name="Timeline">Rises by one with every promotion of a standby.</param>
/// <param name="InsertLsn">Where the log ends now.</param>
internal sealed record SourceIdentity(ulong SystemIdentifier, uint DatabaseOid, int Timeline, Lsn InsertLsn);

internal enum WalStatus
{
    /// <summary>The log it needs is kept, within max_wal_size.</summary>
    Reserved,

    /// <summary>Kept, beyond max_wal_size.</summary>
    Extended,

    /// <summary>No longer promised: may be removed at the next checkpoint.</summary>
    Unreserved,
    Lost,
}

/// <param name="Confirmed">confirmed_flush_lsn: what the stream begins after.</param>
/// <param name="RetainedBytes">Log kept because of this slot.</param>
/// <param name="SafeBytes">What may still be written before it is in danger; null for no limit.</param>
internal sealed record SlotState(Lsn Confirmed, WalStatus Status, long RetainedBytes, long? SafeBytes, bool IsActive, int? ActiveProcess);
