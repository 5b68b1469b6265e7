namespace Puff.Sync.Migrations;

internal enum TlsChoice { Disable, Prefer, Require, VerifyCa, VerifyFull }

internal enum FailoverSlot { Auto, On, Off }

internal enum LostSlotPolicy { Error, Resnapshot }

internal enum HeartbeatMode { Message, Table }

internal enum OutagePolicy { Forever, Stop }

/// <summary>How the code of a project wants its changes: `transform.style` of sync.toml.</summary>
internal enum TransformStyle
{
    /// <summary>The default export, with changes.</summary>
    Change,

    /// <summary>The export `transform`, with rows that hold an event.</summary>
    Rows,

    /// <summary>The export `transform`, with columns as text.</summary>
    Columns,
}

internal enum DestinationKind { Turbopuffer, Engine, File, Null }

internal enum SyncLogLevel { Debug, Info, Warn, Error }

internal enum SyncLogFormat { Auto, Text, Json }

/// <summary>What sync.toml says, with its defaults filled in and variables PUFF_SYNC_… applied. May change at any time.</summary>
internal sealed record ProjectSettings
{
    public required string PipelineName { get; init; }

    public IReadOnlyList<string> EnvironmentFiles { get; init; } = [];

    public required SourceSettings Source { get; init; }

    public required StateSettings State { get; init; }

    public required SlotSettings Slot { get; init; }

    public required HeartbeatSettings Heartbeat { get; init; }

    public required StreamSettings Stream { get; init; }

    /// <summary>Bytes in flight between socket and destination.</summary>
    public required long MemoryBudget { get; init; }

    public required BatchSettings Batch { get; init; }

    public required WriteSettings Write { get; init; }

    public required RetrySettings Retry { get; init; }

    public required ReconnectSettings Reconnect { get; init; }

    public required DeadLetterSettings DeadLetters { get; init; }

    public required TransformSettings Transform { get; init; }

    public required SnapshotSettings Snapshot { get; init; }

    /// <summary>Health, metrics, status; empty is off.</summary>
    public required string HttpListen { get; init; }

    public VariableText? TelemetryEndpoint { get; init; }

    public VariableText? TelemetryHeaders { get; init; }

    public SyncLogLevel LogLevel { get; init; } = SyncLogLevel.Info;

    public SyncLogFormat LogFormat { get; init; } = SyncLogFormat.Auto;

    public required TimeSpan MaintenanceInterval { get; init; }

    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>Null is never.</summary>
    public TimeSpan? VerifyInterval { get; init; }

    public required IReadOnlyDictionary<string, DestinationSettings> Destinations { get; init; }
}

/// <param name="ReplicationUrl">Null is <paramref name="Url"/>.</param>
/// <param name="SnapshotUrl">Null is <paramref name="Url"/>; may be a standby.</param>
/// <param name="Tls">Null is what the URL says.</param>
/// <param name="StatementTimeout">Null is the usual: none for pages, 30 s else.</param>
internal sealed record SourceSettings(
    VariableText Url, VariableText? ReplicationUrl, VariableText? SnapshotUrl, TlsChoice? Tls, VariableText? TlsRootCertificate,
    VariableText? TlsClientCertificate, VariableText? TlsClientKey, TimeSpan? StatementTimeout, IReadOnlyList<string> IgnoreOrigins, bool AllowRowSecurity);

/// <param name="Url">Null is the source's.</param>
internal sealed record StateSettings(VariableText? Url, string Schema);

internal sealed record SlotSettings(
    string Name, string Publication, bool Create, FailoverSlot Failover, LostSlotPolicy OnLost, long WarnRetained, long MaxRetained);

/// <param name="Interval">Zero is off.</param>
internal sealed record HeartbeatSettings(TimeSpan Interval, HeartbeatMode Mode);

internal sealed record StreamSettings(int Protocol, bool Binary, bool AtomicTransactions);

internal sealed record BatchSettings(int MaxRows, long MaxBytes, TimeSpan MaxDelay);

/// <param name="Concurrency">Requests in flight over all mappings.</param>
/// <param name="Pipeline">Requests in flight of one mapping, where the destination has tokens.</param>
internal sealed record WriteSettings(int Concurrency, TimeSpan Timeout, int Pipeline);

internal sealed record RetrySettings(int Attempts, TimeSpan Base, TimeSpan Max, OutagePolicy Outage);

internal sealed record ReconnectSettings(TimeSpan Base, TimeSpan Max);

internal sealed record DeadLetterSettings(TimeSpan ReplayInterval, int MaxAttempts, TimeSpan KeepPermanent, int MaxOpen, bool StorePayload);

/// <param name="Runtime">`auto`, `node`, `bun`, `deno` or a path.</param>
internal sealed record TransformSettings(
    string Runtime, int Workers, TimeSpan Timeout, long MaxMemory, bool PassDatabaseUrl, bool StrictDependencies, TransformStyle Style);

internal sealed record SnapshotSettings(
    int PageRows, long PageBytes, int Parallel, int PagesInFlight, TimeSpan MaxStreamLag, TimeSpan PageTimeout);

/// <param name="Name">Of [destinations.NAME].</param>
/// <param name="Path">Data directory or bucket URL of an engine, directory of files; relative to the project.</param>
internal sealed record DestinationSettings(
    string Name, DestinationKind Kind, VariableText? Url, VariableText? ApiKey, VariableText? Region, VariableText? NamespacePrefix, VariableText? Path,
    bool Compress, bool DisableBackpressure)
{
    /// <summary>A mapping's namespace as it is stored.</summary>
    public string StoredName(string name, SyncEnvironment environment) => NamespacePrefix?.Find(environment) + name;
}
