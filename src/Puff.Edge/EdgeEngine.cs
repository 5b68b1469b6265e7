using Puff.Edge.Backends;

namespace Puff.Edge;

/// <summary>What keeps the data of a store.</summary>
public enum EdgeEngine
{
    Sqlite,

    /// <summary>One directory a store; belongs to one process at a time; no SQL.</summary>
    RocksDb,

    /// <summary>Ends with the process.</summary>
    Memory,
}

/// <summary>Names of engines, and which of them this machine has the library for.</summary>
public static class EdgeEngines
{
    public static IReadOnlyList<EdgeEngine> All { get; } = Enum.GetValues<EdgeEngine>();

    public static string NameOf(EdgeEngine engine) => engine.ToString().ToLowerInvariant();

    public static bool TryParse(string name, out EdgeEngine engine) =>
        Enum.TryParse(name, ignoreCase: true, out engine) && Enum.IsDefined(engine) && !char.IsAsciiDigit(name[0]);

    /// <summary>What is missing, or null when the engine can be used.</summary>
    public static string? WhatIsMissing(EdgeEngine engine) => engine switch
    {
        EdgeEngine.Sqlite when !NativeLibraries.IsAvailable(NativeLibraries.Sqlite) => "the SQLite library (Debian: apt-get install libsqlite3-0)",
        EdgeEngine.RocksDb when !NativeLibraries.IsAvailable(NativeLibraries.RocksDb) => "the RocksDB library (Debian: apt-get install librocksdb7.8)",
        _ => null,
    };
}
