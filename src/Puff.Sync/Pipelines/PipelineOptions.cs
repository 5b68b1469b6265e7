namespace Puff.Sync.Pipelines;

/// <summary>How a pipeline batches, retries, holds and reads: the settings of section 3 that its lanes need, with their defaults.</summary>
internal sealed record PipelineOptions
{
    public string Name { get; init; } = "default";

    public int BatchRows { get; init; } = 1_000;

    public long BatchBytes { get; init; } = 8 << 20;

    public TimeSpan BatchDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    public int WriteConcurrency { get; init; } = 4;

    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public int RetryAttempts { get; init; } = 8;

    public TimeSpan RetryBase { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>`retry.outage = "stop"`: a destination that stays down ends the mapping instead of being tried for ever.</summary>
    public bool StopAtOutage { get; init; }

    public TimeSpan ReconnectBase { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan ReconnectMax { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan ReplayInterval { get; init; } = TimeSpan.FromSeconds(60);

    public int LetterAttempts { get; init; } = 5;

    public int LettersOpen { get; init; } = 10_000;

    public TimeSpan KeepPermanent { get; init; } = TimeSpan.FromHours(720);

    public int PageRows { get; init; } = 10_000;

    public long PageBytes { get; init; } = 16 << 20;

    public int PagesInFlight { get; init; } = 4;

    public int ParallelSnapshots { get; init; } = 1;

    public TimeSpan PageTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>0 turns heartbeats off but for those that held pages need.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(10);

    public long WarnRetained { get; init; } = 2L << 30;

    /// <summary>Log the slot may keep for mappings that cannot advance; above it they are let go.</summary>
    public long MaxRetained { get; init; } = 20L << 30;

    /// <summary>Bytes between socket and destination at which reading pauses.</summary>
    public long MemoryBudget { get; init; } = 1L << 30;

    /// <summary>Bytes of one batch taken from the stream.</summary>
    public int FeedBytes { get; init; } = 1 << 20;

    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often commands of others are looked for.</summary>
    public TimeSpan RequestInterval { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan MaintenanceInterval { get; init; } = TimeSpan.FromMinutes(10);

    public bool StorePayload { get; init; }
}
