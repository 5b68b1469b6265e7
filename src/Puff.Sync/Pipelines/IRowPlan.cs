using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Transforms;

namespace Puff.Sync.Pipelines;

/// <summary>What a lane asks of its mapping: which rows belong, what documents they become. Synchronous and without side effects.</summary>
internal interface IRowPlan
{
    /// <summary>Columns that are read of the table, those of the key among them.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>Columns of the document's id, in their order.</summary>
    IReadOnlyList<string> KeyColumns { get; }

    /// <summary>Condition in SQL of the rows that belong; null for all.</summary>
    string? PageFilter { get; }

    /// <summary>Declarations to be sent with the first write and whenever <see cref="SchemaVersion"/> changes.</summary>
    SchemaUpdate? Schema { get; }

    int SchemaVersion { get; }

    DistanceMetric? Metric { get; }

    /// <summary>What a change asks for.</summary>
    /// <exception cref="RowException">The row cannot become a document.</exception>
    /// <exception cref="SyncException">The table's shape no longer serves the mapping (drift): the mapping is errored.</exception>
    ChangeOutcome Decide(in RowChange change);

    /// <summary>What is to be done for a key whose row is gone; null for nothing.</summary>
    /// <exception cref="RowException">No document can have this key.</exception>
    DocumentAction? Remove(IReadOnlyList<string> key, SyncPosition position);

    /// <summary>What the transform is given for an outcome that asks for it.</summary>
    TransformInput Describe(in RowChange change, in ChangeOutcome outcome);

    /// <summary>What the transform's answer means for the namespace.</summary>
    /// <exception cref="RowException">A value or an id that cannot be written.</exception>
    PlannedResult Interpret(in RowChange change, in ChangeOutcome outcome, IReadOnlyList<TransformAction> actions);
}

/// <param name="Actions">Documents to write or delete.</param>
/// <param name="Groups">Groups whose other documents are to be removed.</param>
/// <param name="Skips">Actions that leave what is there.</param>
/// <param name="NeedsRow">The row has to be read whole after all: a patch would have to carry a dense vector.</param>
internal readonly record struct PlannedResult(IReadOnlyList<DocumentAction> Actions, IReadOnlyList<DocumentGroup> Groups, int Skips = 0, bool NeedsRow = false);

/// <summary>All documents of one source row.</summary>
internal sealed record DocumentGroup(string Name, IReadOnlyList<DocumentAction> Documents);
