using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Changes;

namespace Puff.Sync.Transforms;

/// <summary>A change as a transform is given it.</summary>
/// <param name="Operation">Insert, Update, Delete or Snapshot.</param>
/// <param name="Id">The document's id as it will be written.</param>
/// <param name="Row">The complete row after the change; does not exist for deletes.</param>
/// <param name="Old">What the server sent of the row before.</param>
/// <param name="Changed">Ordinals of the columns that differ; null when that is not known.</param>
internal sealed record TransformInput(
    ChangeKind Operation, Value Id, RelationShape Relation, RowTuple Row, RowTuple Old, OldTupleKind OldKind, IReadOnlyList<int>? Changed,
    SyncPosition Position, long CommitMicroseconds);

internal enum TransformVerb { Upsert, Patch, ReplaceGroup, Delete, Skip, Fail }

/// <summary>What a transform wants done.</summary>
/// <param name="Id">Null for the change's own.</param>
/// <param name="Attributes">Of upserts and patches; without `id`.</param>
/// <param name="Group">Of ReplaceGroup: the name of the source row's documents.</param>
/// <param name="Documents">Of ReplaceGroup: all documents of the group.</param>
/// <param name="Message">Of Fail and Skip.</param>
/// <param name="IsRetryable">Of Fail: whether trying again by itself makes sense.</param>
/// <param name="Code">Of Fail: not_finite, array_null, id_null or value_type when values could not be written; null when the code itself said so.</param>
internal sealed record TransformAction(
    TransformVerb Verb, Value? Id = null, IReadOnlyList<KeyValuePair<string, Value>>? Attributes = null, string? Group = null,
    IReadOnlyList<DocumentRow>? Documents = null, string? Message = null, bool IsRetryable = false,
    string? Code = null);

/// <summary>User code of one mapping, loaded.</summary>
internal interface ITransform : IAsyncDisposable
{
    /// <summary>Declarations the code exports; null when it exports none.</summary>
    SchemaUpdate? Schema { get; }

    /// <summary>
    /// One list of actions for each change, in order. Throws <see cref="TransformException"/> when the call as a whole failed: the caller halves the batch to
    /// find the guilty changes.
    /// </summary>
    /// <param name="attempt">1, 2, …</param>
    Task<IReadOnlyList<IReadOnlyList<TransformAction>>> RunAsync(IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation);
}

/// <summary>A failed call of user code.</summary>
/// <param name="code">transform_error, transform_timeout, transform_result_count, transform_load, transform_crashes, embed_refused, runtime_missing.</param>
/// <param name="detail">Stack and last lines of standard error, at most 8 KiB.</param>
internal sealed class TransformException(string code, string message, string? detail = null, bool isRetryable = false, Exception? inner = null)
    : Exception(message, inner)
{
    public string Code { get; } = code;

    public string? Detail { get; } = detail;

    public bool IsRetryable { get; } = isRetryable;

    /// <summary>No batch of this mapping can pass: halving would only find that every row is guilty.</summary>
    public bool IsOfMapping => Code is "transform_load" or "transform_result_count" or "transform_crashes" or "runtime_missing" or "embed_refused";
}
