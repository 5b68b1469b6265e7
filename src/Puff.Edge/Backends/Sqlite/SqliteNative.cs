using System.Runtime.InteropServices;

namespace Puff.Edge.Backends.Sqlite;

/// <summary>The functions of SQLite's C interface that are used (sqlite.org/c3ref), over the system's library.</summary>
internal static unsafe partial class SqliteNative
{
    private const string Library = NativeLibraries.Sqlite;

    public const int Ok = 0;
    public const int Error = 1;
    public const int Permission = 3;
    public const int Abort = 4;
    public const int Busy = 5;
    public const int Locked = 6;
    public const int NoMemory = 7;
    public const int ReadOnly = 8;
    public const int Interrupt = 9;
    public const int Corrupt = 11;
    public const int Full = 13;
    public const int CannotOpen = 14;
    public const int TooBig = 18;
    public const int Constraint = 19;
    public const int Mismatch = 20;
    public const int NotADatabase = 26;
    public const int Row = 100;
    public const int Done = 101;

    public const int OpenReadWrite = 2;
    public const int OpenCreate = 4;

    /// <summary>A connection is used by one thread at a time: no lock of its own.</summary>
    public const int OpenNoMutex = 0x8000;

    public const uint PreparePersistent = 1;

    public const int TypeInteger = 1;
    public const int TypeFloat = 2;
    public const int TypeText = 3;
    public const int TypeBlob = 4;
    public const int TypeNull = 5;

    /// <summary>The bound bytes stay where they are until the statement is reset.</summary>
    public static readonly IntPtr Static = IntPtr.Zero;

    static SqliteNative() => NativeLibraries.Register();

    [LibraryImport(Library, EntryPoint = "sqlite3_open_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, out IntPtr connection, int flags, IntPtr vfs);

    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    public static partial int Close(IntPtr connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_busy_timeout")]
    public static partial int BusyTimeout(IntPtr connection, int milliseconds);

    [LibraryImport(Library, EntryPoint = "sqlite3_errmsg")]
    private static partial IntPtr ErrorMessage(IntPtr connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v3")]
    public static partial int Prepare(IntPtr connection, byte* sql, int length, uint flags, out IntPtr statement, out byte* rest);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(IntPtr statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(IntPtr statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    public static partial int Finalize(IntPtr statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_stmt_readonly")]
    public static partial int IsReadOnly(IntPtr statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(IntPtr statement, int parameter, byte* value, int length, IntPtr lifetime);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    public static partial int BindBlob(IntPtr statement, int parameter, byte* value, int length, IntPtr lifetime);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_zeroblob")]
    public static partial int BindZeros(IntPtr statement, int parameter, int length);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    public static partial int BindInt64(IntPtr statement, int parameter, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    public static partial int BindNull(IntPtr statement, int parameter);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_count")]
    public static partial int ColumnCount(IntPtr statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    public static partial int ColumnType(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    public static partial long ColumnInt64(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_double")]
    public static partial double ColumnDouble(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_text")]
    public static partial byte* ColumnText(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    public static partial byte* ColumnBlob(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    public static partial int ColumnBytes(IntPtr statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_changes64")]
    public static partial long Changes(IntPtr connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_total_changes64")]
    public static partial long TotalChanges(IntPtr connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_interrupt")]
    public static partial void InterruptAll(IntPtr connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_libversion")]
    private static partial IntPtr VersionText();

    public static string Version => Marshal.PtrToStringUTF8(VersionText()) ?? "";

    public static string MessageOf(IntPtr connection) =>
        connection == IntPtr.Zero ? "out of memory" : Marshal.PtrToStringUTF8(ErrorMessage(connection)) ?? "unknown error";
}
