namespace Puff.Engine.Storage;

/// <summary>How a directory store behaves.</summary>
public sealed record DirectoryStoreOptions
{
    /// <summary>
    /// Whether a write reaches the disk (fsync of the file and of every folder that changed) before it is reported as written.
    /// Without, it survives the end of the process but not the loss of power: for tests and throw-away data.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>Where modification times come from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long a write waits for another process that holds the lock of its key before it fails with a transient error.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Temporary files of crashed processes are removed at opening when they have not changed for this long.</summary>
    public TimeSpan LeftoverAge { get; init; } = TimeSpan.FromHours(1);

    /// <summary>From where on the content of a large object is written past the page cache. A multiple of the size of a page.</summary>
    internal long DirectFrom { get; init; } = 256L << 20;

    /// <summary>For tests: asked before each step that can fail; a number other than zero is taken for the system's error number.</summary>
    internal Func<FileStep, int>? Fault { get; init; }
}

/// <summary>The steps of a write, in order.</summary>
internal enum FileStep
{
    Create,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
}
