using Puff.Edge.Transport;

namespace Puff.Edge.Backends.Sqlite;

/// <summary>One connection to a database file. Used by one thread at a time.</summary>
internal sealed class SqliteConnection : IDisposable
{
    /// <summary>How long a statement waits for another process that writes.</summary>
    public const int BusyMilliseconds = 5_000;

    private readonly string path;
    private IntPtr handle;

    public SqliteConnection(string path)
    {
        this.path = path;
        int code = SqliteNative.Open(path, out handle, SqliteNative.OpenReadWrite | SqliteNative.OpenCreate | SqliteNative.OpenNoMutex, IntPtr.Zero);
        if (code != SqliteNative.Ok)
        {
            EdgeException error = ErrorOf(code);
            Dispose();
            throw error;
        }

        Check(SqliteNative.BusyTimeout(handle, BusyMilliseconds));
        try
        {
            // Readers do not wait for the writer; a commit is on the disk before it is answered.
            Run("PRAGMA journal_mode=WAL");
            Run("PRAGMA synchronous=FULL");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IntPtr Handle => handle;

    public SqliteStatement Prepare(string sql)
    {
        var statement = SqliteStatement.Prepare(this, sql, SqliteNative.PreparePersistent);
        return statement ?? throw EdgeException.Invalid("the text holds no statement");
    }

    /// <summary>Runs one statement of ours to its end.</summary>
    public void Run(string sql)
    {
        using SqliteStatement statement = Prepare(sql);
        while (statement.Step())
        {
        }
    }

    public void Check(int code)
    {
        if (code != SqliteNative.Ok)
        {
            throw ErrorOf(code);
        }
    }

    /// <summary>The status of a result code: one table for all calls.</summary>
    public EdgeException ErrorOf(int code)
    {
        string text = SqliteNative.MessageOf(handle);
        // Extended codes keep the primary code in their low byte.
        return (code & 0xff) switch
        {
            SqliteNative.Busy or SqliteNative.Locked => new EdgeException(GrpcStatus.Unavailable, $"{path} is busy: {text}"),
            SqliteNative.Full or SqliteNative.NoMemory or SqliteNative.TooBig => new EdgeException(GrpcStatus.ResourceExhausted, $"{path}: {text}"),
            SqliteNative.Corrupt => new EdgeException(GrpcStatus.DataLoss, $"{path} is damaged: {text}"),
            SqliteNative.NotADatabase => new EdgeException(GrpcStatus.FailedPrecondition, $"{path} is no SQLite database"),
            SqliteNative.CannotOpen => new EdgeException(GrpcStatus.Unavailable, $"{path} cannot be opened: {text}; its folder must exist and be writable"),
            SqliteNative.ReadOnly => new EdgeException(GrpcStatus.FailedPrecondition, $"{path} can only be read: {text}"),
            SqliteNative.Permission => new EdgeException(GrpcStatus.PermissionDenied, $"{path}: {text}"),
            SqliteNative.Interrupt or SqliteNative.Abort => new EdgeException(GrpcStatus.Aborted, text),
            SqliteNative.Error or SqliteNative.Constraint or SqliteNative.Mismatch => EdgeException.Invalid(text),
            _ => new EdgeException(GrpcStatus.Internal, $"{path}: {text} (code {code})"),
        };
    }

    public void Dispose()
    {
        if (handle != IntPtr.Zero)
        {
            SqliteNative.Close(handle);
            handle = IntPtr.Zero;
        }
    }
}
