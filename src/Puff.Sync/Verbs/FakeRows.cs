using System.Globalization;
using System.Text;
using System.Text.Json;
using Puff.Sync.Changes;
using Puff.Sync.Documents;

namespace Puff.Sync.Verbs;

/// <summary>Rows for trying out a transform: made by the names and types of columns, or read from JSON lines.</summary>
internal static class FakeRows
{
    private static readonly string[] Words =
        ["harbour", "lantern", "quiet", "river", "copper", "window", "meadow", "signal", "paper", "winter", "engine", "garden", "orbit", "velvet", "summit"];

    private static readonly string[] Names = ["Ada Okafor", "Lin Wei", "Marta Kowalska", "Jonas Berg", "Priya Nair"];

    /// <summary>The same rows for the same seed.</summary>
    public static ChangeBatch Make(TableShape table, int count, int seed)
    {
        var random = new Random(seed);
        return Batch(table, Enumerable.Range(1, count).Select(
            number => (IReadOnlyList<string?>)[.. table.Columns.Select(column => Value(column, table, number, random))]));
    }

    /// <summary>Rows of JSON objects, one a line; columns that an object lacks are NULL. Throws <see cref="FormatException"/> naming the line.</summary>
    public static ChangeBatch Read(TableShape table, string lines)
    {
        var rows = new List<IReadOnlyList<string?>>();
        foreach (var (line, number) in lines.Split('\n').Select((line, index) => (line.Trim(), index + 1)).Where(each => each.Item1.Length > 0))
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                var row = document.RootElement;
                if (row.EnumerateObject().Select(field => field.Name).FirstOrDefault(name => table.Find(name) is null) is { } unknown)
                {
                    throw new FormatException($"line {number}: the table has no column {unknown}");
                }

                rows.Add([.. table.Columns.Select(column =>
                    row.TryGetProperty(column.Name, out var field) ? TextOf(field, SourceType.Of(column.Type, column.TypeModifier)) : null)]);
            }
            catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
            {
                throw new FormatException($"line {number} is no JSON object", wrong);
            }
        }

        return Batch(table, rows);
    }

    /// <summary>Columns as the first line of JSON shows them, where nothing else tells: all but numbers and booleans are text.</summary>
    public static TableShape Infer(string schema, string table, IReadOnlyList<string> key, string lines)
    {
        string first = lines.Split('\n').FirstOrDefault(line => line.Trim().Length > 0) ?? "{}";
        using var document = JsonDocument.Parse(first);
        TableColumn[] columns = [.. document.RootElement.EnumerateObject().Select(
            field => new TableColumn(field.Name, GeneratedTable.Scalar(TypeOf(field.Value))))];
        return new TableShape(schema, table, columns, key.Count > 0 ? key : [columns.FirstOrDefault()?.Name ?? "id"]);
    }

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Number => value.TryGetInt64(out _) ? "int8" : "float8",
        JsonValueKind.Object or JsonValueKind.Array => "jsonb",
        _ => "text",
    };

    private static ChangeBatch Batch(TableShape table, IEnumerable<IReadOnlyList<string?>> rows)
    {
        var relation = new RelationShape(
            0, table.Schema, table.Table, table.Identity,
            [.. table.Columns.Select(column => new ColumnShape(column.Name, column.Type.Oid, column.TypeModifier, table.PrimaryKey.Contains(column.Name)))]);
        var batch = new ChangeBatch();
        foreach (var row in rows)
        {
            batch.Add(ChangeKind.Snapshot, relation, 0, default, 0);
            foreach (string? value in row)
            {
                batch.AddNew(value is null ? ColumnState.Null : ColumnState.Text, Encoding.UTF8.GetBytes(value ?? ""));
            }
        }

        return batch;
    }

    /// <summary>The server's text of a value.</summary>
    private static string? TextOf(JsonElement field, in SourceType type)
    {
        var element = type.Kind == SourceKind.Array ? type.Element : type;
        return field.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String when type.Kind != SourceKind.Json => field.GetString(),
            JsonValueKind.True when type.Kind != SourceKind.Json => "t",
            JsonValueKind.False when type.Kind != SourceKind.Json => "f",
            JsonValueKind.Array when type.Kind == SourceKind.Array =>
                $"{{{string.Join(',', field.EnumerateArray().Select(each => ElementText(each, element)))}}}",
            _ => field.GetRawText(),
        };
    }

    private static string ElementText(JsonElement element, in SourceType type) =>
        TextOf(element, type) is { } text
            ? $"\"{text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : "NULL";

    private static string? Value(TableColumn column, TableShape table, int number, Random random)
    {
        var type = SourceType.Of(column.Type, column.TypeModifier);
        bool isKey = table.PrimaryKey.Contains(column.Name);

        // One value in five is NULL where it may be, so that code meets it.
        return column.IsNullable && !isKey && random.Next(5) == 0 ? null : Value(type, column.Name, isKey, number, random);
    }

    private static string Value(in SourceType type, string name, bool isKey, int number, Random random)
    {
        var day = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(random.Next(365)).AddSeconds(random.Next(86_400));
        var invariant = CultureInfo.InvariantCulture;
        return type.Kind switch
        {
            SourceKind.Bool => random.Next(2) == 0 ? "t" : "f",
            SourceKind.Int or SourceKind.BigInt => (isKey ? number : random.Next(1000)).ToString(invariant),
            SourceKind.Float or SourceKind.Numeric => (random.Next(100_000) / 100.0).ToString("F2", invariant),
            SourceKind.Uuid => new Guid(random.Next(), (short)number, 0x4000, 0x80, 1, 2, 3, 4, 5, 6, 7).ToString(),
            SourceKind.Bytes => "\\x" + Convert.ToHexStringLower(BitConverter.GetBytes(random.Next())),
            SourceKind.Json => $"{{\"{Words[random.Next(Words.Length)]}\": {random.Next(10)}}}",
            SourceKind.Date => day.ToString("yyyy-MM-dd", invariant),
            SourceKind.Timestamp => day.ToString("yyyy-MM-dd HH:mm:ss", invariant),
            SourceKind.TimestampTz => day.ToString("yyyy-MM-dd HH:mm:ss+00", invariant),
            SourceKind.TimeTz => day.ToString("HH:mm:ss+00", invariant),
            SourceKind.Enum => type.Type.Labels.Count > 0 ? type.Type.Labels[random.Next(type.Type.Labels.Count)] : "",
            SourceKind.Array => $"{{{Value(type.Element, name, false, number, random)}}}",
            SourceKind.Vector or SourceKind.HalfVector =>
                $"[{string.Join(',', Enumerable.Range(0, type.Dimensions ?? 3).Select(_ => random.NextSingle().ToString("F4", invariant)))}]",
            SourceKind.IntVector => "1 2",
            SourceKind.Hstore => "\"a\"=>\"1\"",
            SourceKind.Point => "(1,2)",
            SourceKind.SparseVector => $"{{1:0.5}}/{type.Dimensions ?? 3}",
            _ => TextOf(type.Type.Name, name, isKey, number, random),
        };
    }

    private static string TextOf(string type, string name, bool isKey, int number, Random random)
    {
        string words = string.Join(' ', Enumerable.Range(0, 4 + random.Next(5)).Select(_ => Words[random.Next(Words.Length)]));
        return (type, name.ToLowerInvariant()) switch
        {
            ("interval", _) => "P1DT2H",
            ("time", _) => "12:30:00",
            ("inet" or "cidr", _) => "10.0.0.1",
            (_, var column) when column.Contains("email", StringComparison.Ordinal) => $"person{number}@example.com",
            (_, var column) when column.Contains("url", StringComparison.Ordinal) => $"https://example.com/{number}",
            (_, var column) when column is "name" or "author" || column.EndsWith("_name", StringComparison.Ordinal) => Names[random.Next(Names.Length)],
            (_, var column) when column is "slug" || isKey => $"{Words[random.Next(Words.Length)]}-{number}",
            (_, "body" or "content" or "description" or "text") => $"{char.ToUpperInvariant(words[0])}{words[1..]}. {words}.",
            _ => words,
        };
    }
}
