using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>A migration's `where` as the table of cases asks it.</summary>
internal sealed class MappingFilter(TableFilter filter) : IRowFilter
{
    public IReadOnlyList<string> Columns => filter.Columns;

    public bool Matches(RelationShape relation, in RowTuple row) => filter.Bind(relation).Evaluate(row) == FilterOutcome.True;
}
