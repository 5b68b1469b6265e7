using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Puff.Edge.Backends;

/// <summary>The system's libraries of the engines, by the names they have on each system. One resolver an assembly is all that .NET allows.</summary>
internal static class NativeLibraries
{
    public const string Sqlite = "puff-sqlite3";
    public const string RocksDb = "puff-rocksdb";

    private static readonly ConcurrentDictionary<string, IntPtr> Loaded = new();

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => Load(name));

    public static bool IsAvailable(string library) => Load(library) != IntPtr.Zero;

    /// <summary>Makes sure that the resolver stands before a function of a library is called.</summary>
    public static void Register()
    {
    }

    private static IntPtr Load(string library) => Loaded.GetOrAdd(library, static library =>
    {
        foreach (string name in NamesOf(library))
        {
            if (NativeLibrary.TryLoad(name, out IntPtr handle))
            {
                return handle;
            }
        }

        return IntPtr.Zero;
    });

    private static string[] NamesOf(string library) => (library, OperatingSystem.IsMacOS(), OperatingSystem.IsWindows()) switch
    {
        (Sqlite, true, _) => ["libsqlite3.dylib", "/usr/lib/libsqlite3.dylib"],
        (Sqlite, _, true) => ["winsqlite3.dll", "sqlite3.dll"],
        (Sqlite, _, _) => ["libsqlite3.so.0", "libsqlite3.so"],
        (RocksDb, true, _) => ["librocksdb.dylib"],
        (RocksDb, _, true) => ["rocksdb.dll", "rocksdb-shared.dll"],
        (RocksDb, _, _) => ["librocksdb.so", "librocksdb.so.9", "librocksdb.so.8", "librocksdb.so.7.8"],
        _ => [],
    };
}
