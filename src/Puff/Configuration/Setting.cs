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

    /// <summary>Throws <see cref="FormatException"/> for a text that is none of its values.</summary>
    public Action<string> Validate { get; init; } = _ => { };

    public string Flag => "--" + Key.Replace('_', '-');

    public string Variable => "PUFF_" + Key.ToUpperInvariant();
}

/// <summary>All settings.</summary>
internal static class Settings
{
    public static readonly Setting Listen = new("listen", "Address and port to serve on; port 0 takes a free one.", "127.0.0.1:8080");

    public static readonly Setting Store = new("store", "Where everything is kept: a directory, s3://bucket/prefix, or memory://.", "./puff-data");

    public static readonly Setting CacheDirectory = new("cache_dir", "Folder for data fetched from a remote store.", null);

    public static readonly Setting CacheBytes = new("cache_bytes", "How much stays in --cache-dir: 500MB, 80GB. [default: 0.8 of the free space]", null)
    {
        Validate = text => Quantity.Bytes(text),
    };

    public static readonly Setting StoreRequests = new("store_requests", "Reads of a remote store's objects that run at once, of all queries.", "256")
    {
        Validate = text => Quantity.Count(text, 1),
    };

    public static readonly Setting StepRequests = new("step_requests", "The same of one step of one query.", "128")
    {
        Validate = text => Quantity.Count(text, 1),
    };

    public static readonly Setting MergeGap = new("merge_gap", "Ranges no farther apart are read with one request.", "128KiB")
    {
        Validate = text => Quantity.Bytes(text, 0),
    };

    public static readonly Setting RequestBytes = new("request_bytes", "Longer ranges are read with several requests at once.", "1MiB")
    {
        Validate = text => Quantity.Bytes(text, 64 << 10),
    };

    public static readonly Setting HedgedShare = new("hedged_share", "Unusually slow requests are sent twice: at most this share of all, 0 for none.", "0.05")
    {
        Validate = text => Quantity.Share(text),
    };

    public static readonly Setting CacheMemory = new("cache_memory", "Fetched blocks kept in memory when the disk takes no more.", "256MiB")
    {
        Validate = text => Quantity.Bytes(text, 0),
    };

    public static readonly Setting Role = new("role", "What this node does.", "all") { Choices = ["all", "query", "index"] };

    public static readonly Setting ApiKey = new("api_key", "Key clients must send (serve), or the key to send.", null) { IsList = true, IsSecret = true };

    public static readonly Setting CorruptEntries = new("corrupt_entries", "What a damaged log entry does.", "fail") { Choices = ["fail", "skip"] };

    public static readonly Setting IndexDelay = new("index_delay", "How long enough unindexed writes wait to be indexed: 200ms, 2s, 5m.", "2s")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting IndexEntries = new("index_entries", "Unindexed log entries that are enough.", "128")
    {
        Validate = text => Quantity.Count(text, 1),
    };

    public static readonly Setting MergeFanIn = new("merge_fan_in", "Segments of similar size that are merged into one.", "8")
    {
        Validate = text => Quantity.Count(text, 2),
    };

    public static readonly Setting IndexPoll = new("index_poll", "How often to ask for what others wrote. [default: 1s for index, 30s for all]", null)
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting LeaseTime = new("lease_time", "After so long without a sign of life others take over what a node had to index.", "30s")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting Grace = new("grace", "How long objects stay that were replaced; the same on every node of a store.", "1h")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting History = new("history", "How far back namespaces can be restored: 0s for not at all; the same on every node.", "1h")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting DrainTimeout = new("drain_timeout", "How long a server that was told to stop may take to finish what it began.", "10s")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting DrainDelay = new("drain_delay", "How long a stopping server goes on behind a load balancer while it says not ready.", "2s")
    {
        Validate = text => Quantity.Duration(text),
    };

    public static readonly Setting LogLevel = new("log_level", "How much the server says on standard error.", "warning")
    {
        Choices = ["debug", "information", "warning", "error", "none"],
    };

    public static readonly Setting DebugEndpoints = new("debug_endpoints", "Whether /v1/debug/... is served.", "off") { Choices = ["on", "off"] };

    public static readonly Setting Url = new("url", "Server the client verbs talk to.", "http://127.0.0.1:8080");

    public static readonly Setting Output = new("output", "Form of results on standard output.", "table") { Choices = ["table", "json", "ndjson", "csv"] };

    public static IReadOnlyList<Setting> All { get; } =
    [
        Listen, Store, CacheDirectory, CacheBytes, CacheMemory, StoreRequests, StepRequests, MergeGap, RequestBytes, HedgedShare, Role, ApiKey, CorruptEntries,
        IndexDelay, IndexEntries, IndexPoll, LeaseTime, MergeFanIn, Grace, History, DrainTimeout, DrainDelay, LogLevel, DebugEndpoints, Url, Output,
    ];
}
