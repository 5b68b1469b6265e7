using Puff.Engine.Schema;
using Puff.Sync.Changes;

namespace Puff.Sync.Documents;

internal enum OutcomeKind
{
    /// <summary>Not of interest: outside the filter, or an event that is ignored.</summary>
    Nothing,

    /// <summary>Nothing that the mapping reads has changed.</summary>
    Unchanged,

    /// <summary><see cref="ChangeOutcome.Action"/> is ready to be merged.</summary>
    Write,

    /// <summary>The transform is to be called with <see cref="ChangeOutcome.Row"/>, which has what it needs; without a row for deletes.</summary>
    Transform,

    /// <summary>The whole row must be read by its key before anything can be said.</summary>
    Reread,

    /// <summary>`updates.unchanged` forbids what would be needed: the mapping is errored.</summary>
    Stop,
}

/// <summary>What a change asks for (table of cases).</summary>
internal readonly record struct ChangeOutcome(OutcomeKind Kind)
{
    /// <summary>The document's id after the change.</summary>
    public Value Id { get; init; }

    /// <summary>A document to delete first, whatever the kind: the key has changed.</summary>
    public DocumentAction? Gone { get; init; }

    public DocumentAction? Action { get; init; }

    /// <summary>
    /// Of Transform: complete, or complete but for columns that the code does not need. Of Reread: the key is in it. Valid as long as the batch.
    /// </summary>
    public RowTuple Row { get; init; }

    /// <summary>
    /// Of Transform: documents of the result are to be written as patches, because columns are missing; with a dense vector read the row instead.
    /// </summary>
    public bool AsPatch { get; init; }

    /// <summary>Of Reread and Stop: why, in a word, for the metric.</summary>
    public string? Cause { get; init; }
}
