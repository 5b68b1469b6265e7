using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Puff.Sync.Changes;
using Puff.Sync.Documents;

namespace Puff.Sync.Transforms;

/// <summary>
/// The generated file of a mapping: its rows as an interface, their columns and the primary key. Each column carries its type in the database as a comment,
/// so that the file serves where no database can be asked.
/// </summary>
internal static partial class RowTypes
{
    private const string Heading = "// Written by `puff sync generate`. Table ";

    /// <param name="name">The interface's name.</param>
    /// <param name="columns">Those that the mapping reads, in the table's order.</param>
    public static string Write(string name, TableShape table, IReadOnlyList<TableColumn> columns)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Heading}{table.Schema}.{table.Table}.\n\nexport interface {name} {{\n");
        foreach (var column in columns)
        {
            string type = TypeScriptOf(SourceType.Of(column.Type, column.TypeModifier));
            text.Append(CultureInfo.InvariantCulture, $"  {Property(column.Name)}: {type}{(column.IsNullable ? " | null" : "")}; // {DatabaseType(column)}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"}}\n\nexport const columns = [{List(columns.Select(column => column.Name))}] as const;\n");
        text.Append(CultureInfo.InvariantCulture, $"export const primaryKey = [{List(table.PrimaryKey)}] as const;\n");
        return text.ToString();
    }

    /// <summary>The table as a generated file tells it. Throws <see cref="FormatException"/> for a text that is none.</summary>
    public static TableShape Read(string text)
    {
        var table = TableLine().Match(text);
        if (!table.Success)
        {
            throw new FormatException("the first line does not name a table");
        }

        var columns = ColumnLine().Matches(text).Select(line =>
        {
            string type = line.Groups["type"].Value;
            int modifier = line.Groups["modifier"] is { Success: true } given ? int.Parse(given.Value, CultureInfo.InvariantCulture) : -1;
            return new TableColumn(Unquote(line.Groups["name"].Value), TypeOf(type, line.Groups["labels"]), modifier, line.Groups["null"].Success);
        }).ToList();
        var key = KeyLine().Match(text);
        return new TableShape(
            table.Groups["schema"].Value, table.Groups["table"].Value, columns,
            [.. Quoted().Matches(key.Groups["names"].Value).Select(name => Unquote(name.Value))]);
    }

    /// <summary>What a transform sees of a type.</summary>
    public static string TypeScriptOf(in SourceType type) => type.Kind switch
    {
        SourceKind.Bool => "boolean",
        SourceKind.Int or SourceKind.Float => "number",
        SourceKind.BigInt => "bigint",
        SourceKind.Bytes => "Uint8Array",
        SourceKind.Json => "unknown",
        SourceKind.Vector or SourceKind.HalfVector => "Float32Array",
        SourceKind.SparseVector => "Record<string, number>",
        SourceKind.IntVector => "number[]",
        SourceKind.Composite => "Record<string, unknown>",
        SourceKind.Hstore => "Record<string, string | null>",
        SourceKind.Enum => string.Join(" | ", type.Type.Labels.Select(Quote)) is { Length: > 0 } union ? union : "string",
        SourceKind.Array => $"({TypeScriptOf(type.Element)} | null)[]",
        _ => "string",
    };

    private static string DatabaseType(TableColumn column)
    {
        var type = column.Type;
        string modifier = column.TypeModifier >= 0 ? string.Create(CultureInfo.InvariantCulture, $" {column.TypeModifier}") : "";
        while (type is { Category: TypeCategory.Domain, Inner: { } inner })
        {
            type = inner;
        }

        // What a name alone does not tell comes in braces.
        string more = type.Category switch
        {
            TypeCategory.Enum => $" enum {{{List(type.Labels)}}}",
            TypeCategory.Array when type.Inner is { } element => $" array {{{Quote(element.Name)}}}",
            TypeCategory.Composite => " composite {}",
            _ => "",
        };
        return type.Name + modifier + more;
    }

    private static TypeShape TypeOf(string text, Group labels)
    {
        string[] parts = text.Split(' ');
        string[] names = [.. Quoted().Matches(labels.Value).Select(name => Unquote(name.Value))];
        return parts[^1] switch
        {
            "enum" => new TypeShape(0, parts[0], TypeCategory.Enum) { Labels = names },
            "array" => new TypeShape(0, parts[0], TypeCategory.Array) { Inner = new TypeShape(0, names.FirstOrDefault("text")) },
            "composite" => new TypeShape(0, parts[0], TypeCategory.Composite),
            _ => new TypeShape(0, parts[0]),
        };
    }

    private static string Property(string name) => Identifier().IsMatch(name) ? name : Quote(name);

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(Quote));

    private static string Quote(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private static string Unquote(string text) => text.StartsWith('"') ? System.Text.Json.JsonSerializer.Deserialize<string>(text)! : text;

    [GeneratedRegex("^[A-Za-z_$][A-Za-z0-9_$]*$")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"^// Written by `puff sync generate`\. Table (?<schema>[^.\n]+)\.(?<table>.+)\.$", RegexOptions.Multiline)]
    private static partial Regex TableLine();

    [GeneratedRegex(
        """^  (?<name>[A-Za-z_$][A-Za-z0-9_$]*|"(?:[^"\\]|\\.)*"): .*?(?<null> \| null)?; // """
        + """(?<type>\S+(?: (?<modifier>\d+))?(?: (?:enum|array|composite))?)(?: \{(?<labels>.*)\})?$""",
        RegexOptions.Multiline)]
    private static partial Regex ColumnLine();

    [GeneratedRegex(@"^export const primaryKey = \[(?<names>.*)\] as const;$", RegexOptions.Multiline)]
    private static partial Regex KeyLine();

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"
        """)]
    private static partial Regex Quoted();
}
