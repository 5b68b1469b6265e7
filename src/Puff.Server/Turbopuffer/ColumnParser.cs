using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>
/// Documents in column form, turned into rows. A vector column may be an array of vectors, an array of base64 strings, or packed: one flat array of numbers
/// or one base64 string with all rows' vectors one after the other (turbopuffer-api 2.5).
/// </summary>
internal static class ColumnParser
{
    /// <param name="Values">One for each row; null when packed.</param>
    private sealed record Column(string Name, List<Value>? Values, float[]? Packed);

    /// <summary>At the object of columns.</summary>
    public static void ReadColumns(ref JsonCursor cursor, string field, AttributeNames names, List<DocumentRow> rows)
    {
        JsonShape.ExpectObject(ref cursor, field);
        List<Value>? ids = null;
        var columns = new Dictionary<string, Column>(StringComparer.Ordinal);
        AttributeName? name = null;
        while (cursor.ReadName())
        {
            name = names.Resolve(ref cursor, name);
            cursor.Read();
            if (name.IsId)
            {
                ids = ReadIds(ref cursor, field);
            }
            else
            {
                columns[name.Text] = ReadColumn(ref cursor, $"{field}: column \"{name.Text}\"", name);
            }
        }

        if (ids is null)
        {
            throw PuffException.Invalid($"{field}: the column \"id\" is missing");
        }

        AddRows(field, ids, [.. columns.Values], rows);
    }

    public static List<Value> ReadIds(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectArray(ref cursor, field);
        var ids = new List<Value>();
        while (cursor.ReadElement())
        {
            ids.Add(ValueParser.ReadId(ref cursor, field));
        }

        return ids;
    }

    private static Column ReadColumn(ref JsonCursor cursor, string field, AttributeName name)
    {
        bool isVector = name.Hint is ValueHint.Dense or ValueHint.NamedVector;
        if (isVector && cursor.Token == JsonTokenType.String)
        {
            return new Column(name.Text, null, VectorParser.ReadBase64(ref cursor, field));
        }

        JsonShape.ExpectArray(ref cursor, field);
        var ahead = cursor;
        if (isVector && ahead.ReadElement() && ahead.Token == JsonTokenType.Number)
        {
            return new Column(name.Text, null, VectorParser.ReadNumbers(ref cursor, field));
        }

        var values = new List<Value>();
        while (cursor.ReadElement())
        {
            values.Add(ValueParser.Read(ref cursor, field, name.Hint));
        }

        return new Column(name.Text, values, null);
    }

    private static void AddRows(string field, List<Value> ids, Column[] columns, List<DocumentRow> rows)
    {
        foreach (var column in columns)
        {
            CheckLength(field, column, ids.Count);
        }

        for (int row = 0; row < ids.Count; row++)
        {
            var attributes = new KeyValuePair<string, Value>[columns.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                attributes[i] = KeyValuePair.Create(columns[i].Name, ValueAt(columns[i], row, ids.Count));
            }

            rows.Add(new DocumentRow(ids[row], attributes));
        }
    }

    private static Value ValueAt(Column column, int row, int rowCount)
    {
        if (column.Packed is not { } packed)
        {
            return column.Values![row];
        }

        int dimensions = packed.Length / rowCount;
        return Value.Vector(packed.AsSpan(row * dimensions, dimensions).ToArray());
    }

    private static void CheckLength(string field, Column column, int rowCount)
    {
        if (column.Packed is { } packed)
        {
            if (rowCount == 0 ? packed.Length != 0 : packed.Length % rowCount != 0)
            {
                throw PuffException.Invalid($"{field}: column \"{column.Name}\" packs {packed.Length} numbers, which {rowCount} ids cannot share evenly");
            }
        }
        else if (column.Values!.Count != rowCount)
        {
            throw PuffException.Invalid($"{field}: column \"{column.Name}\" has {column.Values.Count} values, but there are {rowCount} ids");
        }
    }
}
