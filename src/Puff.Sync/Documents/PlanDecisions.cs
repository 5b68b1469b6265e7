using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>What is decided about a mapping when it is applied: stored with it, and the same for its whole generation.</summary>
/// <param name="Id">How ids are made.</param>
/// <param name="Filterable">Column of unbounded text → whether its attribute is filterable.</param>
internal sealed record PlanDecisions(IdForm Id, IReadOnlyDictionary<string, bool> Filterable)
{
    /// <summary>Sampled texts no longer than this make an attribute filterable.</summary>
    public const int MaxSampledBytes = 1024;

    /// <param name="longest">Column → bytes of the longest sampled value; a column that is missing (an empty table) is taken to be short.</param>
    public static PlanDecisions Make(MappingDefinition mapping, TableShape table, IReadOnlyDictionary<string, int>? longest = null) => new(
        IdForm.Resolve(mapping, table),
        ColumnsToSample(mapping, table).ToDictionary(c => c, c => longest is null || longest.GetValueOrDefault(c) <= MaxSampledBytes));

    /// <summary>Columns whose longest values say whether their attributes are filterable.</summary>
    public static IReadOnlyList<string> ColumnsToSample(MappingDefinition mapping, TableShape table) => table.Columns
        .Where(c => MappedColumns.IsRead(mapping, table, c.Name) && IsUnbounded(SourceType.Of(c.Type, c.TypeModifier)))
        .Select(c => c.Name).ToArray();

    private static bool IsUnbounded(SourceType source) => source.Kind switch
    {
        SourceKind.Array => IsUnbounded(source.Element),
        SourceKind.Text or SourceKind.PaddedText => source.MaxTextBytes is not <= 4 * MaxSampledBytes && !IsShort(source.Type.Name),
        SourceKind.Composite or SourceKind.Hstore or SourceKind.Multirange or SourceKind.Geometry => true,
        _ => false,
    };

    private static bool IsShort(string type) => type is "time" or "interval" or "money" or "inet" or "cidr" or "macaddr" or "macaddr8" or "xid" or "xid8"
        or "cid" or "tid" or "pg_lsn" or "point" or "line" or "lseg" or "box" or "circle" or "char";
}

/// <summary>Which columns of a table a mapping reads.</summary>
internal static class MappedColumns
{
    /// <summary>The key's columns are read whether they are named or not.</summary>
    public static bool IsRead(MappingDefinition mapping, TableShape table, string column) =>
        (mapping.Id.Columns ?? table.PrimaryKey).Contains(column)
        || (mapping.Source.Columns?.Contains(column) ?? !(table.Find(column)?.IsGenerated ?? false) && mapping.Source.Exclude?.Contains(column) != true);

    /// <summary>All of them, in the order of their names: the same whatever order the table has.</summary>
    public static IReadOnlyList<TableColumn> Read(MappingDefinition mapping, TableShape table) =>
        [.. table.Columns.Where(c => IsRead(mapping, table, c.Name)).OrderBy(c => c.Name, StringComparer.Ordinal)];
}
