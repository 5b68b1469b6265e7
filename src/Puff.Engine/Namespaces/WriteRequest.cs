using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

/// <summary>A write (turbopuffer-api section 3): everything in it happens, or nothing.</summary>
public sealed record WriteRequest
{
    /// <summary>Whole documents; null when the request had no upsert field at all (the response differs).</summary>
    public IReadOnlyList<DocumentRow>? Upserts { get; init; }

    public IReadOnlyList<DocumentRow>? Patches { get; init; }

    /// <summary>Ids as parsed: Int, UInt or String values.</summary>
    public IReadOnlyList<Value>? Deletes { get; init; }

    public Filter? UpsertCondition { get; init; }

    public Filter? PatchCondition { get; init; }

    public Filter? DeleteCondition { get; init; }

    public Filter? DeleteByFilter { get; init; }

    public bool DeleteByFilterAllowPartial { get; init; }

    public PatchByFilter? PatchByFilter { get; init; }

    public bool PatchByFilterAllowPartial { get; init; }

    public string? CopyFromNamespace { get; init; }

    public string? BranchFromNamespace { get; init; }

    public DistanceMetric? DistanceMetric { get; init; }

    public SchemaUpdate? Schema { get; init; }

    public bool ReturnAffectedIds { get; init; }

    public bool DisableBackpressure { get; init; }

    /// <summary>What becomes of it depends on which documents or tokens there are.</summary>
    internal bool DependsOnState => Token is not null || DependsOnDocuments;

    /// <summary>Conditions, patches, filters, other namespaces.</summary>
    private bool DependsOnDocuments =>
        Upserts is not { Count: > 0 } || Patches is not null || PatchByFilter is not null || DeleteByFilter is not null || UpsertCondition is not null
        || DeleteCondition is not null || CopyFromNamespace is not null || BranchFromNamespace is not null;

    /// <summary>Stored in the same step as everything else in the write; creates the namespace where there is none. Null for none.</summary>
    public NamespaceToken? Token { get; init; }

    /// <summary>
    /// What the namespace must hold under the token's name for the write to happen, null for nothing; else Conflict. Holds it <see cref="Token"/> already, the
    /// write has happened before and is not applied again: so a write of unknown outcome may be repeated. Every write needs a token that differs from the last.
    /// </summary>
    public NamespaceToken? ExpectedToken { get; init; }

    /// <summary>`sharding.num_shards`: kept and reported, without effect.</summary>
    public int? Shards { get; init; }
}

/// <param name="Id">Int, UInt or String as parsed.</param>
/// <param name="Attributes">Names and values as parsed, without `id`; a Null value clears.</param>
public sealed record DocumentRow(Value Id, IReadOnlyList<KeyValuePair<string, Value>> Attributes);

public sealed record PatchByFilter(Filter Filter, IReadOnlyList<KeyValuePair<string, Value>> Patch);

/// <summary>What a write did. Counts are null when the request had no operation of that kind.</summary>
public sealed record WriteResult
{
    public long RowsAffected => (RowsUpserted ?? 0) + (RowsPatched ?? 0) + (RowsDeleted ?? 0) + (RowsCopied ?? 0);

    public long? RowsUpserted { get; init; }

    public long? RowsPatched { get; init; }

    public long? RowsDeleted { get; init; }

    /// <summary>Documents a copy or branch brought; counted in <see cref="RowsAffected"/> only.</summary>
    public long? RowsCopied { get; init; }

    public bool RowsRemaining { get; init; }

    /// <summary>Only when asked for and not empty.</summary>
    public IReadOnlyList<DocumentId>? UpsertedIds { get; init; }

    public IReadOnlyList<DocumentId>? PatchedIds { get; init; }

    public IReadOnlyList<DocumentId>? DeletedIds { get; init; }

    public long LogicalBytesWritten { get; init; }

    /// <summary>Set when the write had to read (conditions, patches, filters).</summary>
    public long? LogicalBytesQueried { get; init; }
}
