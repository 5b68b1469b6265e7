using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>How transforms in TypeScript are run: section `transform` of sync.toml and what belongs to the process.</summary>
internal sealed record TransformHostOptions
{
    /// <summary>The project's folder: working directory of the process, and where packages are found.</summary>
    public required string ProjectFolder { get; init; }

    /// <summary>The merged environment. What looks like a database's credentials is kept back, see <see cref="PassDatabaseUrl"/>.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Where the host script is written; the user's cache folder when null.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>`transform.runtime`: auto, node, bun, deno or a path.</summary>
    public string Runtime { get; init; } = "auto";

    public TransformStyle Style { get; init; }

    public int Workers { get; init; } = 1;

    /// <summary>For a call; mappings may have their own.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After the timeout the code's signal has fired; this long it may still answer.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A process that holds more is replaced, bytes.</summary>
    public long MaxMemory { get; init; } = 512L * 1024 * 1024;

    /// <summary>A process that has answered so many calls is replaced.</summary>
    public long MaxCalls { get; init; } = 100_000;

    /// <summary>A mapping whose calls ended more processes than this within <see cref="CrashWindow"/> fails as a whole.</summary>
    public int MaxCrashes { get; init; } = 10;

    public TimeSpan CrashWindow { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>`transform.pass_database_url`.</summary>
    public bool PassDatabaseUrl { get; init; }

    public bool IsDryRun { get; init; }
}
