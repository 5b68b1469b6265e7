using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>Which transactions a page's query saw (pg_current_snapshot), with 64-bit numbers.</summary>
/// <param name="Running">Those between <paramref name="Xmin"/> and <paramref name="Xmax"/> that had not ended; null on a standby, where that is not
/// known.</param>
internal sealed record TransactionSnapshot(ulong Xmin, ulong Xmax, IReadOnlySet<ulong>? Running)
{
    /// <summary>The 64-bit number nearest to this snapshot's of a number the stream cut to 32 bits.</summary>
    public ulong Widen(uint transactionId)
    {
        long distance = unchecked((int)(transactionId - (uint)Xmax));
        return unchecked((ulong)((long)Xmax + distance));
    }

    /// <summary>True when the query saw what the transaction did, false when it did not, null when that cannot be known (standby).</summary>
    public bool? Saw(ulong transaction) =>
        transaction < Xmin ? true : transaction >= Xmax ? false : Running is null ? null : !Running.Contains(transaction);
}

/// <summary>What a page or a re-read returned.</summary>
/// <param name="Rows">Changes of kind <see cref="ChangeKind.Snapshot"/>; their shape is the table's at the moment of the query.</param>
/// <param name="Snapshot">Which transactions the rows show.</param>
/// <param name="High">A position that the stream must have passed before the rows may be applied.</param>
/// <param name="IsLast">Nothing comes after this page.</param>
/// <param name="Cursor">Key values of the last row as text, for the next page; null when there is no row.</param>
internal sealed record RowPage(ChangeBatch Rows, TransactionSnapshot Snapshot, Lsn High, bool IsLast, IReadOnlyList<string>? Cursor);

/// <summary>What is read of a table outside the stream.</summary>
/// <param name="Columns">Names; the key's are among them.</param>
/// <param name="KeyColumns">In the order pages follow.</param>
/// <param name="Where">Condition in SQL, or null.</param>
internal sealed record RowQuery(string Schema, string Table, IReadOnlyList<string> Columns, IReadOnlyList<string> KeyColumns, string? Where);

/// <summary>Existing rows of the source: pages of a snapshot and rows by key.</summary>
internal interface IRowSource : IAsyncDisposable
{
    /// <param name="after">Cursor of the page before; null to begin.</param>
    /// <param name="upTo">No row beyond this key (inclusive); null for no bound.</param>
    /// <param name="maxRows">The page ends at the first of both limits.</param>
    Task<RowPage> ReadPageAsync(
        RowQuery query, IReadOnlyList<string>? after, IReadOnlyList<string>? upTo, int maxRows, long maxBytes, CancellationToken cancellation);

    /// <summary>The rows that exist of these keys (values as text, in the order of the key columns).</summary>
    Task<RowPage> ReadKeysAsync(RowQuery query, IReadOnlyList<IReadOnlyList<string>> keys, CancellationToken cancellation);

    /// <summary>The largest key now, or null for an empty table; and an estimate of the rows.</summary>
    Task<(IReadOnlyList<string>? Key, long Rows)> FindEndAsync(RowQuery query, CancellationToken cancellation);
}
