using Puff.Sync.Changes;

namespace Puff.Sync.Migrations;

/// <summary>A filter over a table as the catalog knows it; bound anew for each shape that the stream or a page brings.</summary>
internal sealed class TableFilter(RowFilter filter, TableShape table)
{
    private volatile Binding? last;

    public IReadOnlyList<string> Columns => filter.Columns;

    /// <exception cref="SyncException">column_not_found, filter_invalid: also when the shape has lost a column.</exception>
    public BoundFilter Bind(RelationShape shape)
    {
        Binding? known = last;
        if (known is null || !ReferenceEquals(known.Shape, shape))
        {
            var columns = shape.Columns.Select((column, ordinal) => ColumnOf(table.Find(column.Name), column, ordinal)).ToList();
            last = known = new Binding(shape, filter.Bind($"{table.Schema}.{table.Table}", columns));
        }

        return known.Filter;
    }

    /// <summary>The check and the SQL text that need no shape: over the catalog's columns.</summary>
    public BoundFilter Bind()
    {
        var columns = table.Columns.Select((column, ordinal) =>
            ColumnOf(column, new ColumnShape(column.Name, column.Type.Oid, column.TypeModifier, table.PrimaryKey.Contains(column.Name)), ordinal));
        return filter.Bind($"{table.Schema}.{table.Table}", [.. columns]);
    }

    private static FilterColumn ColumnOf(TableColumn? known, ColumnShape column, int ordinal)
    {
        TypeShape type = known?.Type ?? new TypeShape(column.TypeOid, $"type {column.TypeOid}");
        string name = type.Name;
        bool isDomain = type.Category == TypeCategory.Domain;
        while (type is { Category: TypeCategory.Domain, Inner: { } inner })
        {
            type = inner;
        }

        bool isEnumeration = type.Category == TypeCategory.Enum;
        return new FilterColumn(
            column.Name, ordinal, FilterColumn.TypeOf(type.Oid, isEnumeration), isDomain ? name : type.Name, column.IsKey, known?.IsCollationC ?? false,
            known?.IsCollationDeterministic ?? true, isEnumeration && type.Labels.Count > 0 ? type.Labels : null);
    }

    private sealed record Binding(RelationShape Shape, BoundFilter Filter);
}
