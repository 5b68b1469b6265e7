using System.Buffers.Text;
using System.Globalization;
using Puff.Engine.Schema;
using Puff.Sync.Changes;

namespace Puff.Sync.Transforms;

/// <summary>What happened to a row.</summary>
public enum SyncOperation
{
    Insert,
    Update,
    Delete,

    /// <summary>An existing row, read by a snapshot or again.</summary>
    Snapshot,
}

/// <summary>
/// One change as a transform in C# is given it: columns by ordinal, read from the server's text without boxing. Valid during the call. Reading NULL throws
/// <see cref="InvalidCastException"/>, text that is no such value <see cref="FormatException"/>; both name the column.
/// </summary>
public readonly struct SyncRow
{
    private static readonly DateTimeOffset PostgresEpoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TransformInput input;

    internal SyncRow(TransformInput input) => this.input = input;

    public SyncOperation Operation => input.Operation switch
    {
        ChangeKind.Insert => SyncOperation.Insert,
        ChangeKind.Update => SyncOperation.Update,
        ChangeKind.Delete => SyncOperation.Delete,
        _ => SyncOperation.Snapshot,
    };

    /// <summary>The document's id as it will be written: UInt, Uuid or String.</summary>
    public Value Id => input.Id;

    public string Schema => input.Relation.Schema;

    public string Table => input.Relation.Table;

    public SyncPosition Position => input.Position;

    /// <summary>Null when it is not known.</summary>
    public DateTimeOffset? CommittedAt =>
        input.CommitMicroseconds == 0 ? null : PostgresEpoch.AddTicks(input.CommitMicroseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Whether there is a row after the change: not of deletes.</summary>
    public bool HasRow => input.Row.Exists;

    /// <summary>Whether the server sent something of the row before.</summary>
    public bool HasOld => input.Old.Exists;

    public int ColumnCount => input.Relation.Columns.Count;

    public string GetName(int ordinal) => input.Relation.Columns[ordinal].Name;

    /// <summary>The ordinal of a column, or -1.</summary>
    public int Find(string column) => input.Relation.Find(column);

    /// <summary>The ordinal of a column. Throws <see cref="ArgumentException"/> when the table has none of this name.</summary>
    public int GetOrdinal(string column) =>
        Find(column) is >= 0 and var ordinal ? ordinal : throw new ArgumentException($"table {Schema}.{Table} has no column {column}", nameof(column));

    /// <summary>Whether the server sent the column: false for large values that an update did not touch.</summary>
    public bool IsSent(int ordinal) => input.Row[ordinal] != ColumnState.Unchanged;

    public bool IsNull(int ordinal) => input.Row.IsNull(ordinal);

    /// <summary>Whether the column differs from the row before; true when that is not known.</summary>
    public bool IsChanged(int ordinal) => input.Changed?.Contains(ordinal) ?? true;

    /// <summary>The server's text of the value, UTF-8; empty for NULL.</summary>
    public ReadOnlySpan<byte> GetUtf8(int ordinal) => input.Row.Bytes(ordinal);

    /// <summary>The same of the row before.</summary>
    public ReadOnlySpan<byte> GetOldUtf8(int ordinal) => input.Old.Bytes(ordinal);

    public bool IsOldNull(int ordinal) => input.Old.IsNull(ordinal);

    public string GetText(int ordinal) => System.Text.Encoding.UTF8.GetString(Present(ordinal));

    /// <summary>The text as a value to write, without making a string of it.</summary>
    public Value GetTextValue(int ordinal) => Value.Utf8(Present(ordinal).ToArray());

    public bool GetBoolean(int ordinal) => Present(ordinal) switch
    {
        [(byte)'t'] => true,
        [(byte)'f'] => false,
        _ => throw Wrong(ordinal, "boolean"),
    };

    public long GetInt64(int ordinal)
    {
        var text = Present(ordinal);
        return Utf8Parser.TryParse(text, out long number, out int read) && read == text.Length ? number : throw Wrong(ordinal, "integer of 64 bits");
    }

    public int GetInt32(int ordinal)
    {
        var text = Present(ordinal);
        return Utf8Parser.TryParse(text, out int number, out int read) && read == text.Length ? number : throw Wrong(ordinal, "integer of 32 bits");
    }

    public double GetDouble(int ordinal) =>
        double.TryParse(Present(ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw Wrong(ordinal, "number");

    public decimal GetDecimal(int ordinal) =>
        decimal.TryParse(Present(ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) ? number : throw Wrong(ordinal, "decimal");

    public Guid GetUuid(int ordinal)
    {
        var text = Present(ordinal);
        return Utf8Parser.TryParse(text, out Guid uuid, out int read) && read == text.Length ? uuid : throw Wrong(ordinal, "uuid");
    }

    /// <summary>A timestamp, with or without zone; without one it is taken as UTC.</summary>
    public DateTimeOffset GetTimestamp(int ordinal) =>
        DateTimeOffset.TryParse(
            GetText(ordinal), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw Wrong(ordinal, "timestamp");

    /// <summary>A `bytea`.</summary>
    public byte[] GetBytes(int ordinal)
    {
        var text = Present(ordinal);
        return text.StartsWith("\\x"u8) && text.Length % 2 == 0 ? Convert.FromHexString(text[2..]) : throw Wrong(ordinal, "bytea");
    }

    /// <summary>A `vector` or `halfvec`: "[1,2.5]".</summary>
    public float[] GetVector(int ordinal)
    {
        var text = Present(ordinal);
        if (text is not [(byte)'[', .., (byte)']'])
        {
            throw Wrong(ordinal, "vector");
        }

        var numbers = text[1..^1];
        float[] vector = new float[numbers.IsEmpty ? 0 : numbers.Count((byte)',') + 1];
        int next = 0;
        foreach (var range in numbers.Split((byte)','))
        {
            if (vector.Length > 0 && !float.TryParse(numbers[range], NumberStyles.Float, CultureInfo.InvariantCulture, out vector[next++]))
            {
                throw Wrong(ordinal, "vector");
            }
        }

        return vector;
    }

    private ReadOnlySpan<byte> Present(int ordinal) => input.Row[ordinal] switch
    {
        ColumnState.Text => input.Row.Bytes(ordinal),
        ColumnState.Null => throw new InvalidCastException($"column {GetName(ordinal)} is NULL"),
        ColumnState.Unchanged => throw new InvalidCastException($"column {GetName(ordinal)} was not sent: name it in [transform] needs"),
        _ => throw new InvalidCastException($"column {GetName(ordinal)} is in binary form"),
    };

    private FormatException Wrong(int ordinal, string wanted) => new($"column {GetName(ordinal)} is no {wanted}");
}
