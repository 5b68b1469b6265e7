namespace Puff.Sync;

/// <summary>What an error asks of whoever meets it: the exit statuses of `puff sync`, which are promised.</summary>
public enum SyncExit
{
    Done = 0,
    Failed = 1,

    /// <summary>Usage, or a file that is wrong.</summary>
    Usage = 2,
    NotFound = 3,
    NotAllowed = 4,

    /// <summary>The same command may succeed later.</summary>
    Temporary = 5,

    /// <summary>Changed history, another runner, another database.</summary>
    Conflict = 6,

    /// <summary>Something differs from what it should be.</summary>
    Different = 7,
}

/// <summary>An error of the failure catalogue: a stable code, what happened with the name of the thing, and what to do.</summary>
/// <param name="exit">The exit status of a command that ends with it.</param>
/// <param name="code">Stable, snake case: part of the contract of `--output json`.</param>
/// <param name="message">One sentence or two; no row values.</param>
/// <param name="remedy">What to do; null when there is nothing to do but what the message says.</param>
public sealed class SyncException(SyncExit exit, string code, string message, string? remedy = null, Exception? inner = null) : Exception(message, inner)
{
    public SyncExit Exit { get; } = exit;

    public string Code { get; } = code;

    public string? Remedy { get; } = remedy;
}
