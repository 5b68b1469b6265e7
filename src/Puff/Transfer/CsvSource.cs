using System.Globalization;
using System.Text;
using System.Text.Json;
using Puff.Output;

namespace Puff.Transfer;

/// <summary>
/// CSV with a heading line. A column has one type: as the schema file says, else as the first thousand rows show (integers, decimals, booleans, JSON arrays and
/// objects, else text). An empty cell is no value.
/// </summary>
internal sealed class CsvSource : IRowSource
{
    private const int SampleRows = 1000;
    private readonly SourceStream stream;
    private readonly StreamReader reader;
    private readonly Queue<(List<string> Cells, long Line)> sample = new();
    private readonly string[] names;
    private readonly ColumnType[] types;
    private long line;

    public CsvSource(SourceStream stream, string? idField, IReadOnlyDictionary<string, string> declared)
    {
        this.stream = stream;
        reader = new StreamReader(stream.Content, new UTF8Encoding(false, throwOnInvalidBytes: true), true, 1 << 16);
        List<string> heading = Csv.Read(reader, ref line)
            ?? throw new CommandException(ExitCode.Failed, "the CSV is empty; its first line must name the columns");
        string field = idField ?? "id";
        if (!heading.Contains(field))
        {
            throw new CommandException(ExitCode.Failed, $"the CSV has no column '{field}'; name the column that holds the id with --id");
        }

        names = [.. heading.Select(name => name == field ? "id" : name == "id" ? "" : name)];
        while (sample.Count < SampleRows && ReadRecord() is { } record)
        {
            sample.Enqueue(record);
        }

        types = [.. names.Select((name, column) => TypeOf(column, declared.GetValueOrDefault(name)))];
    }

    private enum ColumnType
    {
        Text,
        Integer,
        Decimal,
        Boolean,
        Json,
    }

    public double? Fraction => stream.Fraction;

    public IReadOnlyDictionary<string, string> Types =>
        names.Zip(types).Where(pair => pair.Second == ColumnType.Decimal && pair.First.Length > 0).ToDictionary(pair => pair.First, _ => "float");

    public ReadOnlyMemory<byte>? Read()
    {
        if (sample.TryDequeue(out var first))
        {
            return Write(first.Cells, first.Line);
        }

        if (ReadRecord() is { } next)
        {
            return Write(next.Cells, next.Line);
        }

        return null;
    }

    public void Dispose()
    {
        reader.Dispose();
        stream.Dispose();
    }

    private (List<string> Cells, long Line)? ReadRecord()
    {
        List<string>? cells = Csv.Read(reader, ref line);
        if (cells != null && cells.Count != names.Length)
        {
            throw new CommandException(ExitCode.Failed, $"line {line}: {cells.Count} cells, but the heading has {names.Length}");
        }

        return cells == null ? null : (cells, line);
    }

    private ColumnType TypeOf(int column, string? declared)
    {
        if (declared != null)
        {
            return declared switch
            {
                "int" or "uint" => ColumnType.Integer,
                "float" => ColumnType.Decimal,
                "bool" => ColumnType.Boolean,
                _ => declared.StartsWith('[') || declared.StartsWith('{') ? ColumnType.Json : ColumnType.Text,
            };
        }

        string[] seen = [.. sample.Select(record => record.Cells[column]).Where(cell => cell.Length > 0)];
        ColumnType[] candidates = [ColumnType.Integer, ColumnType.Decimal, ColumnType.Boolean, ColumnType.Json];
        return seen.Length == 0 ? ColumnType.Text : candidates.FirstOrDefault(type => seen.All(cell => Fits(cell, type)), ColumnType.Text);
    }

    // "007" and "+1" are text: as numbers they would lose what was written.
    private static bool Fits(string cell, ColumnType type) => type switch
    {
        ColumnType.Integer => IsPlainNumber(cell) && (long.TryParse(cell, CultureInfo.InvariantCulture, out _) || IsUnsigned(cell)),
        ColumnType.Decimal => IsPlainNumber(cell) && IsFinite(cell),
        ColumnType.Boolean => cell is "true" or "false",
        ColumnType.Json => cell[0] is '[' or '{' && IsJson(cell),
        _ => true,
    };

    private static bool IsPlainNumber(string cell)
    {
        string digits = cell.StartsWith('-') ? cell[1..] : cell;
        return digits.Length > 0 && char.IsAsciiDigit(digits[0]) && char.IsAsciiDigit(digits[^1])
            && (digits.Length == 1 || digits[0] != '0' || digits[1] is '.' or 'e' or 'E');
    }

    private static bool IsUnsigned(string cell) => ulong.TryParse(cell, CultureInfo.InvariantCulture, out _);

    private static bool IsFinite(string cell) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number);

    private static bool IsJson(string cell)
    {
        try
        {
            using var document = JsonDocument.Parse(cell);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private byte[] Write(List<string> cells, long row)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            for (int column = 0; column < names.Length; column++)
            {
                if (names[column].Length > 0 && cells[column].Length > 0)
                {
                    WriteCell(writer, column, cells[column], row);
                }
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void WriteCell(Utf8JsonWriter writer, int column, string cell, long row)
    {
        ColumnType type = types[column];
        if (!Fits(cell, type))
        {
            string kind = type.ToString().ToLowerInvariant();
            throw new CommandException(
                ExitCode.Failed, $"line {row}: '{cell}' in column {names[column]} is no {kind} like the rows before; declare the column's type with --schema");
        }

        writer.WritePropertyName(names[column]);
        if (type == ColumnType.Text)
        {
            writer.WriteStringValue(cell);
        }
        else
        {
            writer.WriteRawValue(cell);
        }
    }
}
