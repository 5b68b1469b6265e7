using System.Text;
using Puff.Edge.Transport;

namespace Puff.Edge.Backends.Sqlite;

/// <summary>A prepared statement. Bytes that are bound must stay where they are until it is reset.</summary>
internal sealed unsafe class SqliteStatement : IDisposable
{
    private readonly SqliteConnection connection;
    private IntPtr handle;

    private SqliteStatement(SqliteConnection connection, IntPtr handle)
    {
        this.connection = connection;
        this.handle = handle;
    }

    public int ColumnCount => SqliteNative.ColumnCount(handle);

    public bool IsReadOnly => SqliteNative.IsReadOnly(handle) != 0;

    /// <summary>The first statement of a text, or null when it holds none; more than one is refused.</summary>
    public static SqliteStatement? Prepare(SqliteConnection connection, string sql, uint flags)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql);
        fixed (byte* start = text)
        {
            // A text of no bytes has no address.
            if (start == null)
            {
                return null;
            }

            connection.Check(SqliteNative.Prepare(connection.Handle, start, text.Length, flags, out IntPtr handle, out byte* rest));
            if (handle == IntPtr.Zero)
            {
                return null;
            }

            var statement = new SqliteStatement(connection, handle);
            int left = text.Length - (int)(rest - start);
            // Space and comments after a statement compile to nothing; anything else is a second statement or an error.
            int code = SqliteNative.Prepare(connection.Handle, rest, left, 0, out IntPtr second, out _);
            bool isAlone = left == 0 || (code == SqliteNative.Ok && second == IntPtr.Zero);
            SqliteNative.Finalize(second);
            if (!isAlone)
            {
                statement.Dispose();
                throw EdgeException.Invalid("a message carries one statement; this one has more text after it");
            }

            return statement;
        }
    }

    public void BindText(int parameter, byte* value, int length) =>
        connection.Check(SqliteNative.BindText(handle, parameter, value, length, SqliteNative.Static));

    public void BindBlob(int parameter, byte* value, int length) =>
        connection.Check(length == 0
            ? SqliteNative.BindZeros(handle, parameter, 0)
            : SqliteNative.BindBlob(handle, parameter, value, length, SqliteNative.Static));

    public void Bind(int parameter, long value) => connection.Check(SqliteNative.BindInt64(handle, parameter, value));

    public void BindNull(int parameter) => connection.Check(SqliteNative.BindNull(handle, parameter));

    /// <summary>True when a row is there.</summary>
    public bool Step()
    {
        int code = SqliteNative.Step(handle);
        return code switch
        {
            SqliteNative.Row => true,
            SqliteNative.Done => false,
            _ => throw connection.ErrorOf(code),
        };
    }

    /// <summary>Makes it ready for the next run. What a failed step said, it says again here: it was told already.</summary>
    public void Reset() => SqliteNative.Reset(handle);

    public int TypeOf(int column) => SqliteNative.ColumnType(handle, column);

    public long GetInt64(int column) => SqliteNative.ColumnInt64(handle, column);

    public double GetDouble(int column) => SqliteNative.ColumnDouble(handle, column);

    public bool IsNull(int column) => TypeOf(column) == SqliteNative.TypeNull;

    /// <summary>The column's bytes, of text in UTF-8; valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> GetBytes(int column)
    {
        byte* start = TypeOf(column) == SqliteNative.TypeBlob ? SqliteNative.ColumnBlob(handle, column) : SqliteNative.ColumnText(handle, column);
        return new ReadOnlySpan<byte>(start, SqliteNative.ColumnBytes(handle, column));
    }

    public void Dispose()
    {
        SqliteNative.Finalize(handle);
        handle = IntPtr.Zero;
    }
}
