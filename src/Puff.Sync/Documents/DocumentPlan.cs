using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>
/// How rows of a table become documents of a namespace: ids, attributes with types and options, and the schema to declare. Made of a mapping and a catalog's
/// answer; bound to the shapes that the stream brings with <see cref="Bind"/>. Thread-safe.
/// </summary>
internal sealed class DocumentPlan
{
    public const string MappingAttribute = "_sync_mapping";
    public const string GroupAttribute = "_sync_group";
    public const string DeletedAttribute = "_deleted";
    private readonly AttributeList attributes;
    private int revision = 1;

    /// <exception cref="SyncException">The mapping does not fit the table.</exception>
    public DocumentPlan(MappingDefinition mapping, TableShape table, PlanDecisions? decisions = null)
    {
        Mapping = mapping;
        Table = table;
        Decisions = decisions ?? PlanDecisions.Make(mapping, table);
        Columns = MappedColumns.Read(mapping, table);
        CheckColumns();
        attributes = new AttributeList(this, Changed);
    }

    public MappingDefinition Mapping { get; }

    public TableShape Table { get; }

    public PlanDecisions Decisions { get; }

    public ConversionCounters Counters { get; } = new();

    /// <summary>The columns that are read, in the order of their names.</summary>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>What each column becomes; a column that is not written is missing.</summary>
    public IReadOnlyList<AttributePlan> Attributes => attributes.Plans;

    /// <summary>What a person should know when the mapping is applied.</summary>
    public IReadOnlyList<string> Warnings => attributes.Warnings;

    /// <summary>Grows when <see cref="Schema"/> changes: it is then to be sent with the next write.</summary>
    public int SchemaRevision => Volatile.Read(ref revision);

    /// <summary>Names of attributes that values made unfilterable since the plan was made, for the log.</summary>
    public IReadOnlyList<string> Unfilterable => attributes.Unfilterable;

    public DistanceMetric? Metric => Mapping.Target.Metric;

    /// <summary>All documents of the mapping: what a truncated table clears.</summary>
    public Filter ClearFilter => Mapping.Target.Shared
        ? new AttributeFilter(MappingAttribute, FilterOperator.Eq, Value.String(Mapping.Name))
        : new AttributeFilter("id", FilterOperator.NotEq, Value.Null);

    /// <summary>The declarations to send with the first write of a process, and whenever <see cref="SchemaRevision"/> has grown.</summary>
    /// <param name="exported">What the transform's module declares; null for none.</param>
    /// <exception cref="SyncException">An attribute is declared in the mapping and by the transform.</exception>
    public SchemaUpdate Schema(SchemaUpdate? exported = null) => attributes.Declare(exported);

    /// <summary>The plan for rows of one shape; kept by the caller as long as the stream uses the shape.</summary>
    public RowConverter Bind(RelationShape relation) => new(this, attributes, relation);

    private void Changed(string attribute) => Interlocked.Increment(ref revision);

    private void CheckColumns()
    {
        foreach (string name in (string[])[.. Mapping.Source.Columns ?? [], .. Mapping.Source.Exclude ?? [], .. Mapping.Attributes.Rename.Keys,
            .. Mapping.Attributes.Types.Keys, .. Mapping.Attributes.Drop, .. Mapping.Transform.Needs ?? [], .. Mapping.Transform.RecomputeOn ?? []])
        {
            if (Table.Find(name) is null)
            {
                throw new SyncException(
                    SyncExit.Usage, "column_not_found", $"mapping \"{Mapping.Name}\": {Table.Schema}.{Table.Table} has no column \"{name}\"",
                    "correct the name, or leave it out");
            }
        }
    }
}

/// <summary>What one column becomes.</summary>
/// <param name="Attribute">Its name, or the prefix of the names when it is flattened.</param>
/// <param name="Type">Null when it is flattened.</param>
internal sealed record AttributePlan(TableColumn Column, SourceType Source, string Attribute, AttributeType? Type, bool IsFilterable);
