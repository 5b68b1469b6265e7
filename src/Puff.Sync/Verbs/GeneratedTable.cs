using System.Globalization;
using System.Text.RegularExpressions;
using Puff.Sync.Changes;

namespace Puff.Sync.Verbs;

/// <summary>What a generated file tells of its table where no database can be asked: each column's type stands behind it as a comment.</summary>
internal static partial class GeneratedTable
{
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

    /// <summary>A type of the server by its name, with the OID that filters know it by; 0 for types of extensions.</summary>
    public static TypeShape Scalar(string name) => new(
        name switch
        {
            "bool" => 16,
            "bytea" => 17,
            "name" => 19,
            "int8" => 20,
            "int2" => 21,
            "int4" => 23,
            "text" => 25,
            "oid" => 26,
            "json" => 114,
            "float4" => 700,
            "float8" => 701,
            "bpchar" => 1042,
            "varchar" => 1043,
            "date" => 1082,
            "time" => 1083,
            "timestamp" => 1114,
            "timestamptz" => 1184,
            "interval" => 1186,
            "timetz" => 1266,
            "numeric" => 1700,
            "uuid" => 2950,
            "jsonb" => 3802,
            _ => 0,
        },
        name);

    /// <summary>The comment behind a column.</summary>
    public static string CommentOf(TableColumn column)
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
            _ => Scalar(parts[0]),
        };
    }

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Select(Quote));

    private static string Quote(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private static string Unquote(string text) => text.StartsWith('"') ? System.Text.Json.JsonSerializer.Deserialize<string>(text)! : text;

    [GeneratedRegex(@"^// Written by `puff sync generate` from (?<schema>[^.\n]+)\.(?<table>.+)\. Do not edit\.$", RegexOptions.Multiline)]
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
