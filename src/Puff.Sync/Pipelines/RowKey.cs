using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>
/// The values of a mapping's id columns in the server's text form. Two keys of one table are of the same row exactly when their bytes are: the server, too,
/// sends an old key whenever the bytes change. Never compared for order: only the database knows that.
/// </summary>
internal readonly struct RowKey(string[] values) : IEquatable<RowKey>
{
    public IReadOnlyList<string> Values => values;

    /// <summary>Reads the key columns of a row; null when one of them is missing, as in the old side of an insert.</summary>
    public static RowKey? Of(in RowTuple row, ReadOnlySpan<int> ordinals)
    {
        if (!row.Exists)
        {
            return null;
        }

        string[] values = new string[ordinals.Length];
        for (int i = 0; i < ordinals.Length; i++)
        {
            if (ordinals[i] < 0 || ordinals[i] >= row.ColumnCount || row[ordinals[i]] != ColumnState.Text)
            {
                return null;
            }

            values[i] = System.Text.Encoding.UTF8.GetString(row.Bytes(ordinals[i]));
        }

        return new RowKey(values);
    }

    public bool Equals(RowKey other) => values.AsSpan().SequenceEqual(((string[])other.Values).AsSpan());

    public override bool Equals(object? obj) => obj is RowKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (string value in values)
        {
            hash.Add(value.GetHashCode(StringComparison.Ordinal));
        }

        return hash.ToHashCode();
    }

    /// <summary>For messages and letters: the values, joined by commas.</summary>
    public override string ToString() => string.Join(',', values);
}
