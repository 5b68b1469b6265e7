using System.Globalization;
using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>
/// Changes of one call as JSON. Names and kinds of columns stand once for each version of the table; a change is an array
/// [shape, op, id, row, missing, old, changed, position, committedAt] whose row is an array of values.
/// </summary>
internal sealed class CallWriter(MappingDefinition mapping, TransformStyle style, ITransformRowWriter values)
{
    private static readonly DateTime PostgresEpoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly List<Shape> known = [];

    /// <param name="module">The name under which the code was loaded.</param>
    public void Write(Utf8JsonWriter json, string module, long number, IReadOnlyList<TransformInput> changes, int attempt, TimeSpan timeout)
    {
        var shapes = ShapesOf(changes);
        json.WriteStartObject();
        json.WriteString("t"u8, "call"u8);
        json.WriteNumber("n"u8, number);
        json.WriteString("module"u8, module);
        json.WriteNumber("attempt"u8, attempt);
        json.WriteNumber("deadline"u8, (long)timeout.TotalMilliseconds);
        json.WriteStartArray("shapes"u8);
        foreach (var shape in shapes)
        {
            WriteShape(json, shape);
        }

        json.WriteEndArray();
        json.WriteStartArray("changes"u8);
        foreach (var change in changes)
        {
            WriteChange(json, change, shapes);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>An id in the form both directions use: text, a number, or the digits in an array when a double would not hold them.</summary>
    public static void WriteId(Utf8JsonWriter json, Value id)
    {
        const long maxSafeInteger = (1L << 53) - 1;
        switch (id.Kind)
        {
            case ValueKind.UInt when id.AsUInt <= (ulong)maxSafeInteger:
                json.WriteNumberValue(id.AsUInt);
                break;
            case ValueKind.UInt:
                json.WriteStartArray();
                json.WriteStringValue(id.AsUInt.ToString(CultureInfo.InvariantCulture));
                json.WriteEndArray();
                break;
            case ValueKind.Uuid:
                json.WriteStringValue(new Guid(id.AsBytes, bigEndian: true));
                break;
            default:
                json.WriteStringValue(id.AsBytes);
                break;
        }
    }

    private List<Shape> ShapesOf(IReadOnlyList<TransformInput> changes)
    {
        var used = new List<Shape>();
        foreach (var change in changes)
        {
            if (used.Exists(shape => ReferenceEquals(shape.Relation, change.Relation)))
            {
                continue;
            }

            used.Add(ShapeOf(change.Relation));
        }

        return used;
    }

    private Shape ShapeOf(RelationShape relation)
    {
        lock (known)
        {
            if (known.Find(shape => ReferenceEquals(shape.Relation, relation)) is { } seen)
            {
                return seen;
            }

            var made = new Shape(relation, [.. Enumerable.Range(0, relation.Columns.Count).Where(ordinal => IsRead(relation.Columns[ordinal]))]);
            if (known.Count == 8)
            {
                known.RemoveAt(0);
            }

            known.Add(made);
            return made;
        }
    }

    /// <summary>Key columns are read whatever the migration lists.</summary>
    private bool IsRead(ColumnShape column) =>
        mapping.Source.Columns is { } columns
            ? columns.Contains(column.Name) || column.IsKey || mapping.Id.Columns?.Contains(column.Name) == true
            : mapping.Source.Exclude?.Contains(column.Name) != true;

    private TransformColumnKind KindOf(Shape shape, int ordinal) =>
        style == TransformStyle.Columns ? TransformColumnKind.Plain : values.KindOf(shape.Relation, ordinal);

    private void WriteShape(Utf8JsonWriter json, Shape shape)
    {
        json.WriteStartObject();
        json.WriteString("schema"u8, shape.Relation.Schema);
        json.WriteString("table"u8, shape.Relation.Table);
        json.WriteStartArray("names"u8);
        foreach (int ordinal in shape.Columns)
        {
            json.WriteStringValue(shape.Relation.Columns[ordinal].Name);
        }

        json.WriteEndArray();
        json.WriteStartArray("kinds"u8);
        foreach (int ordinal in shape.Columns)
        {
            json.WriteNumberValue((int)KindOf(shape, ordinal));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteChange(Utf8JsonWriter json, TransformInput change, List<Shape> shapes)
    {
        int index = shapes.FindIndex(shape => ReferenceEquals(shape.Relation, change.Relation));
        var shape = shapes[index];
        json.WriteStartArray();
        json.WriteNumberValue(index);
        json.WriteStringValue(change.Operation switch
        {
            ChangeKind.Insert => "insert"u8,
            ChangeKind.Update => "update"u8,
            ChangeKind.Delete => "delete"u8,
            ChangeKind.Snapshot => "snapshot"u8,
            _ => throw new InvalidOperationException($"a {change.Operation} is nothing that a transform is given"),
        });
        WriteId(json, change.Id);
        WriteRow(json, shape, change.Row);
        WriteMissing(json, shape, change.Row);
        WriteOld(json, shape, change);
        WriteChanged(json, shape, change.Changed);
        WritePosition(json, change.Position);
        WriteTime(json, change.CommitMicroseconds);
        json.WriteEndArray();
    }

    private void WriteRow(Utf8JsonWriter json, Shape shape, RowTuple row)
    {
        if (!row.Exists)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (int ordinal in shape.Columns)
        {
            WriteValue(json, shape, ordinal, row);
        }

        json.WriteEndArray();
    }

    private void WriteValue(Utf8JsonWriter json, Shape shape, int ordinal, RowTuple row)
    {
        var state = row[ordinal];
        if (state is ColumnState.Null or ColumnState.Unchanged)
        {
            json.WriteNullValue();
        }
        else if (style == TransformStyle.Columns)
        {
            json.WriteStringValue(row.Bytes(ordinal));
        }
        else
        {
            values.WriteValue(shape.Relation, ordinal, state, row.Bytes(ordinal), json);
        }
    }

    /// <summary>Columns the server did not send: the transform's row does not have them.</summary>
    private static void WriteMissing(Utf8JsonWriter json, Shape shape, RowTuple row)
    {
        bool any = false;
        for (int place = 0; row.Exists && place < shape.Columns.Length; place++)
        {
            if (row[shape.Columns[place]] != ColumnState.Unchanged)
            {
                continue;
            }

            if (!any)
            {
                json.WriteStartArray();
                any = true;
            }

            json.WriteNumberValue(place);
        }

        if (any)
        {
            json.WriteEndArray();
        }
        else
        {
            json.WriteNullValue();
        }
    }

    /// <summary>Pairs of a column's place and its value, of those the server sent.</summary>
    private void WriteOld(Utf8JsonWriter json, Shape shape, TransformInput change)
    {
        if (!change.Old.Exists || change.OldKind == OldTupleKind.None)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        for (int place = 0; place < shape.Columns.Length; place++)
        {
            int ordinal = shape.Columns[place];
            bool isSent = change.OldKind == OldTupleKind.Full ? change.Old[ordinal] != ColumnState.Unchanged : shape.Relation.Columns[ordinal].IsKey;
            if (isSent)
            {
                json.WriteNumberValue(place);
                WriteValue(json, shape, ordinal, change.Old);
            }
        }

        json.WriteEndArray();
    }

    private static void WriteChanged(Utf8JsonWriter json, Shape shape, IReadOnlyList<int>? changed)
    {
        if (changed is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (int ordinal in changed)
        {
            int place = Array.IndexOf(shape.Columns, ordinal);
            if (place >= 0)
            {
                json.WriteNumberValue(place);
            }
        }

        json.WriteEndArray();
    }

    private static void WritePosition(Utf8JsonWriter json, SyncPosition position)
    {
        if (position == default)
        {
            json.WriteStringValue(""u8);
            return;
        }

        Span<char> text = stackalloc char[SyncPosition.TextLength];
        position.Commit.Value.TryFormat(text, out _, "X16", CultureInfo.InvariantCulture);
        text[16] = '/';
        position.Ordinal.TryFormat(text[17..], out _, "X8", CultureInfo.InvariantCulture);
        json.WriteStringValue(text);
    }

    private static void WriteTime(Utf8JsonWriter json, long microseconds)
    {
        if (microseconds == 0)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteStringValue(PostgresEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond));
        }
    }

    private sealed record Shape(RelationShape Relation, int[] Columns);
}
