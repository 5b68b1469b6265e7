namespace Puff.Configuration;

/// <summary>Something a user sets: by flag, by environment variable, or in puff.toml, in this order of precedence.</summary>
/// <param name="Key">Key in puff.toml; the flag and the variable follow from it.</param>
/// <param name="Description">One line for the help.</param>
/// <param name="Default">Used when nobody says anything; null for none.</param>
internal sealed record Setting(string Key, string Description, string? Default)
{
    /// <summary>May be given several times (environment: separated by commas).</summary>
    public bool IsList { get; init; }

    /// <summary>Never printed.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The only values accepted; empty for any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    public string Flag => "--" + Key.Replace('_', '-');

    public string Variable => "PUFF_" + Key.ToUpperInvariant();
}

/// <summary>All settings.</summary>
internal static class Settings
{
    public static readonly Setting Listen = new("listen", "Address and port to serve on; port 0 takes a free one.", "127.0.0.1:8080");

    public static readonly Setting Store = new("store", "Where everything is kept: a directory, s3://bucket/prefix, or memory://.", "./puff-data");

    public static readonly Setting CacheDirectory = new("cache_dir", "Folder for data fetched from a remote store.", null);

    public static readonly Setting Role = new("role", "What this node does.", "all") { Choices = ["all", "query", "index"] };

    public static readonly Setting ApiKey = new("api_key", "Key clients must send (serve), or the key to send.", null) { IsList = true, IsSecret = true };

    public static readonly Setting CorruptEntries = new("corrupt_entries", "What a damaged log entry does.", "fail") { Choices = ["fail", "skip"] };

    public static readonly Setting LogLevel = new("log_level", "How much the server says on standard error.", "warning")
    {
        Choices = ["debug", "information", "warning", "error", "none"],
    };

    public static readonly Setting Url = new("url", "Server the client verbs talk to.", "http://127.0.0.1:8080");

    public static readonly Setting Output = new("output", "Form of results on standard output.", "table") { Choices = ["table", "json", "ndjson", "csv"] };

    public static IReadOnlyList<Setting> All { get; } = [Listen, Store, CacheDirectory, Role, ApiKey, CorruptEntries, LogLevel, Url, Output];
}
