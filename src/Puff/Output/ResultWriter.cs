using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Puff.Output;

internal enum OutputFormat
{
    Table,
    Json,
    Ndjson,
    Csv,
}

/// <summary>Prints results in the form the user chose. JSON values are copied as written, so numbers keep every digit.</summary>
internal sealed class ResultWriter(Terminal terminal, OutputFormat format)
{
    private const int WidestCell = 60;

    // The output goes to a terminal or a file, never into HTML, so nothing but what JSON itself needs is escaped.
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Pretty = new(Compact) { WriteIndented = true };

    public OutputFormat Format => format;

    /// <summary>A list of objects: one table row, one line or one array element each.</summary>
    public void WriteRows(IReadOnlyList<JsonElement> rows)
    {
        switch (format)
        {
            case OutputFormat.Json:
                terminal.Results.WriteLine($"[{string.Join(",\n ", rows.Select(row => row.GetRawText()))}]");
                break;
            case OutputFormat.Ndjson:
                foreach (JsonElement row in rows)
                {
                    terminal.Results.WriteLine(OneLine(row));
                }

                break;
            case OutputFormat.Csv:
                WriteCsv(rows);
                break;
            default:
                WriteTable(rows);
                break;
        }

        terminal.Results.Flush();
    }

    /// <summary>One object: as a table its keys stand below each other.</summary>
    public void WriteObject(JsonElement value)
    {
        if (format != OutputFormat.Table || value.ValueKind != JsonValueKind.Object)
        {
            if (format == OutputFormat.Json)
            {
                terminal.Results.WriteLine(Indented(value));
                terminal.Results.Flush();
            }
            else
            {
                WriteRows([value]);
            }

            return;
        }

        WriteRows([.. value.EnumerateObject().Select(property => ToElement(new JsonObject { ["name"] = property.Name, ["value"] = Cell(property.Value) }))]);
    }

    /// <summary>Whatever an answer carries: rows, aggregates, groups, or several results.</summary>
    public void WriteAnswer(JsonElement answer)
    {
        if (format == OutputFormat.Json)
        {
            WriteObject(answer);
        }
        else if (answer.TryGetProperty("results", out JsonElement results))
        {
            foreach (JsonElement result in results.EnumerateArray())
            {
                WriteAnswer(result);
            }
        }
        else if (answer.TryGetProperty("rows", out JsonElement rows) || answer.TryGetProperty("aggregation_groups", out rows))
        {
            WriteRows([.. rows.EnumerateArray()]);
        }
        else
        {
            WriteRows([answer.TryGetProperty("aggregations", out JsonElement aggregations) ? aggregations : answer]);
        }
    }

    /// <summary>What a table or CSV cell shows of a value.</summary>
    public static string Cell(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        _ => OneLine(value),
    };

    public static string OneLine(JsonElement value) =>
        value.GetRawText().Contains('\n', StringComparison.Ordinal) ? JsonSerializer.Serialize(value, Compact) : value.GetRawText();

    public static JsonElement ToElement(JsonNode node) => JsonSerializer.SerializeToElement(node);

    private static string Indented(JsonElement value) => JsonSerializer.Serialize(value, Pretty);

    private static List<string> Columns(IReadOnlyList<JsonElement> rows)
    {
        var columns = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonElement row in rows.Where(row => row.ValueKind == JsonValueKind.Object))
        {
            columns.AddRange(row.EnumerateObject().Select(property => property.Name).Where(known.Add));
        }

        return columns;
    }

    private static string CellOf(JsonElement row, string column) => row.TryGetProperty(column, out JsonElement value) ? Cell(value) : "";

    private void WriteCsv(IReadOnlyList<JsonElement> rows)
    {
        List<string> columns = Columns(rows);
        if (columns.Count == 0)
        {
            return;
        }

        terminal.Results.WriteLine(Csv.Line(columns));
        foreach (JsonElement row in rows)
        {
            terminal.Results.WriteLine(Csv.Line(columns.Select(column => CellOf(row, column))));
        }
    }

    private void WriteTable(IReadOnlyList<JsonElement> rows)
    {
        List<string> columns = Columns(rows);
        if (columns.Count == 0)
        {
            terminal.Say("no rows");
            return;
        }

        if (terminal.ResultsAreSeen)
        {
            WriteDrawnTable(columns, rows);
            return;
        }

        // Into a pipe: columns aligned by spaces, nothing drawn, nothing cut.
        var cells = rows.Select(row => columns.Select(column => CellOf(row, column).ReplaceLineEndings(" ")).ToArray()).Prepend([.. columns]).ToList();
        int[] widths = [.. columns.Select((_, column) => cells.Max(row => row[column].Length))];
        foreach (string[] row in cells)
        {
            terminal.Results.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private void WriteDrawnTable(List<string> columns, IReadOnlyList<JsonElement> rows)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)));
        }

        foreach (JsonElement row in rows)
        {
            table.AddRow([.. columns.Select(column => Markup.Escape(Shorten(CellOf(row, column))))]);
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Results) }).Write(table);
    }

    private static string Shorten(string cell) => cell.Length <= WidestCell ? cell : cell[..(WidestCell - 1)] + "…";
}
