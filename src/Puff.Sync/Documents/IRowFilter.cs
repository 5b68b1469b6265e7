using Puff.Sync.Changes;

namespace Puff.Sync.Documents;

/// <summary>A mapping's row filter, bound to a table's shape.</summary>
internal interface IRowFilter
{
    /// <summary>Columns it reads.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>Whether the row belongs: false also when the condition is SQL's null. Every column it reads is there.</summary>
    bool Matches(RelationShape relation, in RowTuple row);
}
