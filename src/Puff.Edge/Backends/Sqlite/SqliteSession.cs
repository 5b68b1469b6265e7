using Puff.Edge.Transport;

namespace Puff.Edge.Backends.Sqlite;

/// <summary>Raw SQL over a connection of its own.</summary>
internal sealed class SqliteSession(SqliteConnection connection, bool refusesVacuum) : ISqlSession
{
    public ISqlStatement Prepare(string text)
    {
        if (refusesVacuum && FirstWord(text).Equals("vacuum", StringComparison.OrdinalIgnoreCase))
        {
            throw EdgeException.Precondition("VACUUM would renumber the blobs of this store, and their ids are promised");
        }

        SqliteStatement statement = SqliteStatement.Prepare(connection, text, flags: 0) ?? throw EdgeException.Invalid("the text holds no statement");
        return new Statement(connection, statement);
    }

    /// <summary>Closing a connection rolls back what it did not commit.</summary>
    public void Dispose() => connection.Dispose();

    /// <summary>The first word that is not in a comment.</summary>
    internal static ReadOnlySpan<char> FirstWord(ReadOnlySpan<char> text)
    {
        while (true)
        {
            text = text.TrimStart();
            if (text.StartsWith("--"))
            {
                int end = text.IndexOf('\n');
                text = end < 0 ? [] : text[(end + 1)..];
            }
            else if (text.StartsWith("/*"))
            {
                int end = text.IndexOf("*/");
                text = end < 0 ? [] : text[(end + 2)..];
            }
            else if (text.StartsWith(";"))
            {
                text = text[1..];
            }
            else
            {
                int length = text.IndexOfAnyExcept(Letters);
                return length < 0 ? text : text[..length];
            }
        }
    }

    private static readonly System.Buffers.SearchValues<char> Letters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    private sealed class Statement(SqliteConnection connection, SqliteStatement statement) : ISqlStatement
    {
        private readonly long before = SqliteNative.TotalChanges(connection.Handle);

        public int ColumnCount { get; } = statement.ColumnCount;

        /// <summary>The connection's counter goes on counting the rows of triggers; a statement's own are its last change, if it made any.</summary>
        public long RowsChanged => SqliteNative.TotalChanges(connection.Handle) == before ? 0 : SqliteNative.Changes(connection.Handle);

        public bool Step(CancellationToken cancellation)
        {
            using var interrupt = cancellation.UnsafeRegister(static state => SqliteNative.InterruptAll((IntPtr)state!), connection.Handle);
            try
            {
                return statement.Step();
            }
            catch (EdgeException error) when (error.Status == GrpcStatus.Aborted && cancellation.IsCancellationRequested)
            {
                throw new OperationCanceledException(error.Message, error, cancellation);
            }
        }

        public SqlKind KindOf(int column) => statement.TypeOf(column) switch
        {
            SqliteNative.TypeInteger => SqlKind.Int64,
            SqliteNative.TypeFloat => SqlKind.Double,
            SqliteNative.TypeText => SqlKind.Text,
            SqliteNative.TypeBlob => SqlKind.Bytes,
            _ => SqlKind.Null,
        };

        public long GetInt64(int column) => statement.GetInt64(column);

        public double GetDouble(int column) => statement.GetDouble(column);

        public ReadOnlySpan<byte> GetBytes(int column) => statement.GetBytes(column);

        public void Dispose() => statement.Dispose();
    }
}
