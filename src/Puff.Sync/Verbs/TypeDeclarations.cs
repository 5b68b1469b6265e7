using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <summary>generated/MAPPING.ts: the rows of a mapping as TypeScript sees them (column "TS" of section 13).</summary>
internal static partial class TypeDeclarations
{
    /// <summary>Columns a mapping reads: those listed, or all but the excluded; the id's and the filter's come by themselves.</summary>
    public static IReadOnlyList<TableColumn> ColumnsOf(MappingDefinition definition, TableShape table)
    {
        SourceDefinition source = definition.Source;
        IEnumerable<string> silent = [.. definition.Id.Columns ?? table.PrimaryKey, .. source.Where is { } where ? RowFilter.Parse(where).Columns : []];
        foreach (string column in (source.Columns ?? []).Concat(source.Exclude ?? []).Concat(silent))
        {
            _ = table.Find(column) ?? throw new SyncException(
                SyncExit.Usage, "column_not_found",
                $"Column `{column}` is not in {table.Schema}.{table.Table}. Columns: {string.Join(", ", table.Columns.Select(one => one.Name))}");
        }

        return [.. table.Columns.Where(column => silent.Contains(column.Name)
            || (source.Columns is { } listed ? listed.Contains(column.Name) : !column.IsGenerated && source.Exclude?.Contains(column.Name) != true))];
    }

    public static string Write(MappingDefinition definition, TableShape table)
    {
        IReadOnlyList<TableColumn> columns = ColumnsOf(definition, table);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"// Written by `puff sync generate` from {table.Schema}.{table.Table}. Do not edit.\n");
        text.Append(CultureInfo.InvariantCulture, $"export interface {MigrationText.RowNameOf(definition.Name)} {{\n");
        foreach (TableColumn column in columns)
        {
            string type = $"{TypeOf(column.Type)}{(column.IsNullable ? " | null" : "")}";
            text.Append(CultureInfo.InvariantCulture, $"  {NameOf(column.Name)}: {type}; // {GeneratedTable.CommentOf(column)}\n");
        }

        text.Append("}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"export const columns = [{List(columns.Select(column => column.Name))}] as const;\n");
        text.Append(CultureInfo.InvariantCulture, $"export const primaryKey = [{List(table.PrimaryKey)}] as const;\n");
        return text.ToString();
    }

    public static string TypeOf(TypeShape type) => type.Category switch
    {
        TypeCategory.Domain when type.Inner is { } inner => TypeOf(inner),
        TypeCategory.Enum when type.Labels.Count > 0 => string.Join(" | ", type.Labels.Select(Literal)),
        TypeCategory.Array when type.Inner is { } element => $"({TypeOf(element)} | null)[]",
        TypeCategory.Composite => $"{{ {string.Join("; ", type.Fields.Select(field => $"{NameOf(field.Name)}: {TypeOf(field.Type)} | null"))} }}",
        TypeCategory.Scalar => ScalarOf(type.Name),
        _ => "string",
    };

    private static string ScalarOf(string name) => name switch
    {
        "bool" => "boolean",
        "int2" or "int4" or "oid" or "float4" or "float8" => "number",
        "int8" => "bigint",
        "bytea" => "Uint8Array",
        "json" or "jsonb" => "unknown",
        "int2vector" or "oidvector" => "number[]",
        "vector" or "halfvec" => "Float32Array",
        "sparsevec" => "Record<string, number>",
        "hstore" => "Record<string, string | null>",
        _ => "string",
    };

    private static string NameOf(string column) => PlainName().IsMatch(column) ? column : Literal(column);

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(Literal));

    private static string Literal(string text) => JsonSerializer.Serialize(text);

    [GeneratedRegex(@"^[A-Za-z_$][A-Za-z0-9_$]*\z")]
    private static partial Regex PlainName();
}
