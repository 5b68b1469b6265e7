using System.Text.RegularExpressions;
using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <summary>From sync.toml (section 3 of docs/reference/sync.md) to settings.</summary>
internal static partial class ProjectSettingsReader
{
    public const string FileName = "sync.toml";

    public const string VariablePrefix = "PUFF_SYNC";

    private const string DefaultDestination = "default";

    /// <summary>The files that must be read before the rest can be: only this key, without variables.</summary>
    public static IReadOnlyList<string> EnvironmentFiles(TomlTable? file) => file?.Find("environment_files") is TomlArray list
        ? [.. list.Items.OfType<TomlScalar>().Where(item => item.Kind == TomlKind.String).Select(item => item.Text)]
        : [];

    /// <summary>TOML with a syntax error as the error of the sync.</summary>
    public static TomlTable ReadToml(ReadOnlySpan<byte> bytes, string path)
    {
        try
        {
            return TomlReader.Read(bytes, path);
        }
        catch (TomlException error)
        {
            throw new SyncException(SyncExit.Usage, "config_invalid", error.Message, inner: error);
        }
    }

    /// <param name="file">Null where there are no files (`run --use-stored`): defaults and variables.</param>
    /// <exception cref="SyncException">config_invalid: everything that is wrong in the file, with its lines.</exception>
    public static ProjectSettings Read(TomlTable? file, SyncEnvironment environment)
    {
        var problems = new ConfigProblems(FileName);
        var root = new SectionReader(file, "", problems, environment, VariablePrefix);
        ReadFormat(root);
        string pipeline = root.Section("pipeline").Text("name", text => PipelineName().IsMatch(text), "1 to 40 of a-z, 0-9 and _") ?? "default";
        SectionReader telemetry = root.Section("telemetry");
        SectionReader log = root.Section("log");
        var settings = new ProjectSettings
        {
            PipelineName = pipeline,
            EnvironmentFiles = root.Texts("environment_files") ?? [],
            Source = ReadSource(root.Section("source")),
            State = ReadState(root.Section("state")),
            Slot = ReadSlot(root.Section("slot"), $"puff_sync_{pipeline}"),
            Heartbeat = ReadHeartbeat(root.Section("heartbeat")),
            Stream = ReadStream(root.Section("stream")),
            MemoryBudget = root.Section("memory").Size("budget") ?? DefaultBudget(),
            Batch = ReadBatch(root.Section("batch")),
            Write = ReadWrite(root.Section("write")),
            Retry = ReadRetry(root.Section("retry")),
            Reconnect = ReadReconnect(root.Section("reconnect")),
            DeadLetters = ReadDeadLetters(root.Section("dead_letters")),
            Transform = ReadTransform(root.Section("transform")),
            Snapshot = ReadSnapshot(root.Section("snapshot")),
            HttpListen = root.Section("http").Text("listen") ?? "127.0.0.1:8779",
            TelemetryEndpoint = telemetry.Variable("otlp_endpoint", "${OTEL_EXPORTER_OTLP_ENDPOINT}"),
            TelemetryHeaders = telemetry.Variable("otlp_headers", "${OTEL_EXPORTER_OTLP_HEADERS}"),
            LogLevel = log.Choice<SyncLogLevel>("level") ?? SyncLogLevel.Info,
            LogFormat = log.Choice<SyncLogFormat>("format") ?? SyncLogFormat.Auto,
            MaintenanceInterval = root.Section("maintenance").Duration("interval") ?? TimeSpan.FromMinutes(10),
            ShutdownTimeout = root.Section("shutdown").Duration("timeout") ?? TimeSpan.FromSeconds(30),
            VerifyInterval = root.Section("verify").Duration("interval"),
            Destinations = ReadDestinations(root, file is null, environment),
        };
        root.Finish();
        problems.Throw();
        return settings;
    }

    private static void ReadFormat(SectionReader root)
    {
        if (root.Count("format", 1) is > 1 and var format)
        {
            root.Complain("format", $"`format` {format} is newer than this program, which knows 1");
        }
    }

    private static SourceSettings ReadSource(SectionReader section) => new(
        section.Variable("url", "${DATABASE_URL}")!,
        section.Variable("replication_url", null),
        section.Variable("snapshot_url", null),
        section.Choice<TlsChoice>("tls", [("disable", TlsChoice.Disable), ("prefer", TlsChoice.Prefer), ("require", TlsChoice.Require),
            ("verify-ca", TlsChoice.VerifyCa), ("verify-full", TlsChoice.VerifyFull)]),
        section.Variable("tls_root_cert", null),
        section.Variable("tls_client_cert", null),
        section.Variable("tls_client_key", null),
        section.Duration("statement_timeout", mayBeZero: true),
        section.Texts("ignore_origins") ?? [],
        section.Flag("allow_rls") ?? false);

    private static StateSettings ReadState(SectionReader section) =>
        new(section.Variable("url", null), section.Text("schema", IsIdentifier, "an identifier of at most 63 ASCII letters, digits and _") ?? "puff_sync");

    private static SlotSettings ReadSlot(SectionReader section, string usual) => new(
        section.Text("name", text => SlotName().IsMatch(text), "1 to 63 of a-z, 0-9 and _") ?? usual,
        section.Text("publication", IsIdentifier, "an identifier of at most 63 ASCII letters, digits and _") ?? usual,
        section.Flag("create") ?? true,
        section.Choice<FailoverSlot>("failover") ?? FailoverSlot.Auto,
        section.Choice<LostSlotPolicy>("on_lost") ?? LostSlotPolicy.Error,
        section.Size("warn_retained") ?? 2L << 30,
        section.Size("max_retained") ?? 20L << 30);

    private static HeartbeatSettings ReadHeartbeat(SectionReader section) =>
        new(section.Duration("interval", mayBeZero: true) ?? TimeSpan.FromSeconds(10), section.Choice<HeartbeatMode>("mode") ?? HeartbeatMode.Message);

    private static StreamSettings ReadStream(SectionReader section) =>
        new(section.Count("protocol", 1, 1) ?? 1, section.Flag("binary") ?? false, section.Flag("atomic_transactions") ?? false);

    private static BatchSettings ReadBatch(SectionReader section) =>
        new(section.Count("max_rows", 1) ?? 1000, section.Size("max_bytes") ?? 8L << 20, section.Duration("max_delay") ?? TimeSpan.FromMilliseconds(200));

    private static WriteSettings ReadWrite(SectionReader section) =>
        new(section.Count("concurrency", 1) ?? 4, section.Duration("timeout") ?? TimeSpan.FromSeconds(60), section.Count("pipeline", 1) ?? 1);

    private static RetrySettings ReadRetry(SectionReader section) => new(
        section.Count("attempts", 1) ?? 8, section.Duration("base") ?? TimeSpan.FromMilliseconds(250), section.Duration("max") ?? TimeSpan.FromSeconds(30),
        section.Choice<OutagePolicy>("outage") ?? OutagePolicy.Forever);

    private static ReconnectSettings ReadReconnect(SectionReader section) =>
        new(section.Duration("base") ?? TimeSpan.FromMilliseconds(500), section.Duration("max") ?? TimeSpan.FromSeconds(60));

    private static DeadLetterSettings ReadDeadLetters(SectionReader section) => new(
        section.Duration("replay_interval") ?? TimeSpan.FromSeconds(60), section.Count("max_attempts", 1) ?? 5,
        section.Duration("keep_permanent") ?? TimeSpan.FromHours(720), section.Count("max_open", 1) ?? 10_000, section.Flag("store_payload") ?? false);

    private static TransformSettings ReadTransform(SectionReader section) => new(
        section.Text("runtime") ?? "auto", section.Count("workers", 1, 256) ?? 1, section.Duration("timeout") ?? TimeSpan.FromSeconds(30),
        section.Size("max_memory") ?? 512L << 20, section.Flag("pass_database_url") ?? false, section.Flag("strict_dependencies") ?? false,
        section.Choice<TransformStyle>("style") ?? TransformStyle.Change);

    private static SnapshotSettings ReadSnapshot(SectionReader section) => new(
        section.Count("page_rows", 1) ?? 10_000, section.Size("page_bytes") ?? 16L << 20, section.Count("parallel", 1) ?? 1,
        section.Count("pages_in_flight", 1) ?? 4, section.Duration("max_stream_lag") ?? TimeSpan.FromSeconds(60),
        section.Duration("page_timeout") ?? TimeSpan.FromSeconds(60));

    private static Dictionary<string, DestinationSettings> ReadDestinations(SectionReader root, bool hasNoFile, SyncEnvironment environment)
    {
        string variables = $"{VariablePrefix}_DESTINATIONS_{DefaultDestination.ToUpperInvariant()}_";
        bool always = hasNoFile || environment.All.Keys.Any(one => one.StartsWith(variables, StringComparison.Ordinal));
        return root.Sections("destinations", always ? [DefaultDestination] : [])
            .ToDictionary(one => one.Name, one => ReadDestination(one.Name, one.Section), StringComparer.Ordinal);
    }

    private static DestinationSettings ReadDestination(string name, SectionReader section)
    {
        var destination = new DestinationSettings(
            name,
            section.Choice<DestinationKind>("kind") ?? DestinationKind.Turbopuffer,
            section.Variable("url", "${TURBOPUFFER_BASE_URL}"),
            section.Variable("api_key", "${TURBOPUFFER_API_KEY}"),
            section.Variable("region", "${TURBOPUFFER_REGION}"),
            section.Variable("namespace_prefix", "${PUFF_NAMESPACE_PREFIX}"),
            section.Variable("path", null),
            section.Flag("compress") ?? true,
            section.Flag("disable_backpressure") ?? false);
        if (destination is { Kind: DestinationKind.Engine or DestinationKind.File, Path: null })
        {
            section.Complain("path", $"`destinations.{name}.path` is required for kind \"{(destination.Kind == DestinationKind.Engine ? "engine" : "file")}\"");
        }

        return destination;
    }

    // A quarter of what the container or the machine has, at most 4 GiB.
    private static long DefaultBudget() => Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, 64L << 20, 4L << 30);

    private static bool IsIdentifier(string text) => Identifier().IsMatch(text);

    [GeneratedRegex(@"^[a-z0-9_]{1,40}\z")]
    private static partial Regex PipelineName();

    [GeneratedRegex(@"^[a-z0-9_]{1,63}\z")]
    private static partial Regex SlotName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,62}\z")]
    private static partial Regex Identifier();
}
