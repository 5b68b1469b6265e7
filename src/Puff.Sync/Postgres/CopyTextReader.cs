using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>
/// Takes rows out of the text format of COPY (PostgreSQL documentation, COPY, "Text Format"): lines of columns between tabs, `\N` for null, backslash escapes.
/// The values are what the types' output functions wrote: the same bytes as in the stream.
/// </summary>
internal sealed class CopyTextReader(Stream source, int columnCount)
{
    private byte[] buffer = new byte[256 * 1024];
    private byte[] unescaped = new byte[4 * 1024];
    private int start;
    private int end;
    private bool isAtEnd;

    /// <summary>Adds the next row's columns to the batch's last change; false when there is no further row.</summary>
    /// <param name="begin">Called before the first column: adds the change.</param>
    public async ValueTask<bool> ReadRowAsync(ChangeBatch batch, Action<ChangeBatch> begin, CancellationToken cancellation)
    {
        int length;
        int searched = 0;
        while ((length = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n')) < 0)
        {
            searched = end - start;
            if (isAtEnd)
            {
                return searched == 0 ? false : throw new ProtocolException("the last row of a copy has no end");
            }

            await FillAsync(cancellation);
        }

        length += searched;
        begin(batch);
        AddColumns(buffer.AsSpan(start, length), batch);
        start += length + 1;
        return true;
    }

    private async ValueTask FillAsync(CancellationToken cancellation)
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
        }

        if (end == buffer.Length)
        {
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, buffer.Length * 2L));
        }

        int read = await source.ReadAsync(buffer.AsMemory(end), cancellation);
        isAtEnd = read == 0;
        end += read;
    }

    private void AddColumns(ReadOnlySpan<byte> line, ChangeBatch batch)
    {
        bool hasEscapes = line.Contains((byte)'\\');
        for (int column = 0; column < columnCount; column++)
        {
            int tab = line.IndexOf((byte)'\t');
            if (tab < 0 != (column == columnCount - 1))
            {
                throw new ProtocolException($"a copied row has not the {columnCount} columns that were asked for");
            }

            var value = tab < 0 ? line : line[..tab];
            line = tab < 0 ? [] : line[(tab + 1)..];
            if (!hasEscapes)
            {
                batch.AddNew(ColumnState.Text, value);
            }
            else if (value is [(byte)'\\', (byte)'N'])
            {
                batch.AddNew(ColumnState.Null, []);
            }
            else
            {
                batch.AddNew(ColumnState.Text, Unescape(value));
            }
        }
    }

    private ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> value)
    {
        int next = value.IndexOf((byte)'\\');
        if (next < 0)
        {
            return value;
        }

        if (unescaped.Length < value.Length)
        {
            unescaped = new byte[Math.Max(value.Length, unescaped.Length * 2)];
        }

        int length = 0;
        while (next >= 0)
        {
            if (next + 1 == value.Length)
            {
                throw new ProtocolException("a copied value ends with a backslash");
            }

            value[..next].CopyTo(unescaped.AsSpan(length));
            length += next;
            unescaped[length++] = value[next + 1] switch
            {
                (byte)'b' => 8,
                (byte)'t' => 9,
                (byte)'n' => 10,
                (byte)'v' => 11,
                (byte)'f' => 12,
                (byte)'r' => 13,
                byte itself => itself,
            };
            value = value[(next + 2)..];
            next = value.IndexOf((byte)'\\');
        }

        value.CopyTo(unescaped.AsSpan(length));
        return unescaped.AsSpan(0, length + value.Length);
    }
}
