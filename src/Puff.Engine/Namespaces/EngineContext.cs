using Microsoft.Extensions.Logging;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>What every namespace of an engine shares: settings, the swappable parts, and this process's identity.</summary>
internal sealed class EngineContext
{
    private readonly Random random;
    private long publicationsLost;

    public EngineContext(EngineSettings settings, EngineComponents components)
    {
        Settings = settings;
        Store = components.Store;
        Time = components.Time;
        Background = components.Background;
        Log = components.Logging.CreateLogger("Puff.Engine");
        random = components.Random;
        WriterId = NextUInt128();
        Warmer = new NamespaceWarmer(this);
    }

    public NamespaceWarmer Warmer { get; }

    public EngineSettings Settings { get; }

    public IObjectStore Store { get; }

    public TimeProvider Time { get; }

    public ILogger Log { get; }

    /// <summary>Threads for work that can wait.</summary>
    public TaskScheduler Background { get; }

    /// <summary>Names this engine instance in the entries it writes.</summary>
    public UInt128 WriterId { get; }

    /// <summary>Finished work that was dropped because somebody else published first.</summary>
    public long PublicationsLost => Volatile.Read(ref publicationsLost);

    public DraftPool Drafts { get; } = new();

    /// <summary>
    /// Does work on background threads; whoever awaits it goes on where it was. Nothing done there may hold a lock that commits or queries take.
    /// </summary>
    public Task<T> InBackgroundAsync<T>(Func<Task<T>> work, CancellationToken cancellation) =>
        Task.Factory.StartNew(work, cancellation, TaskCreationOptions.DenyChildAttach, Background).Unwrap();

    public void CountLostPublication() => Interlocked.Increment(ref publicationsLost);

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public NamespaceKeys KeysOf(string name) => new(Settings.Root, name);

    public UInt128 NextUInt128()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (random)
        {
            random.NextBytes(bytes);
        }

        return new UInt128(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes[8..]));
    }

    public ulong NextUInt64() => (ulong)NextUInt128();

    /// <summary>Unique, and ascending with time so that listings read well: 12 hex digits of ms, 16 of chance.</summary>
    public string NextObjectId() => $"{NowMs:x12}{NextUInt64():x16}";

    /// <summary>A seeded generator for work that needs many draws.</summary>
    public int NextSeed() => (int)(NextUInt64() & int.MaxValue);
}
