using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Simulation;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

/// <summary>Several engines on one store in memory; time passes when the test says so. One seed, one run.</summary>
internal sealed class SimulatedCluster
{
    private readonly SimulatedWorld world = new(20_261_121);
    private readonly SimulatedStore store;
    private int nodes;

    public SimulatedCluster() => store = new SimulatedStore(world, StoreSabotage.None);

    public MemoryObjectStore Memory => store.Inner;

    public EngineSettings Settings { get; set; } = new() { IndexThresholdEntries = 3, Grace = TimeSpan.FromHours(1) };

    public EngineSettings QuerySettings => Settings with { RunIndexer = false, UseIndexQueue = true };

    public EngineSettings IndexSettings => Settings with { RunIndexer = true, UseIndexQueue = true };

    public Member Query() => Open("query", QuerySettings);

    public Member Index() => Open("index", IndexSettings);

    public Member Open(string role, EngineSettings settings)
    {
        var node = world.AddNode(role, TimeSpan.Zero);
        var counting = new CountingObjectStore(store.Connect(node));
        var log = new LogLines();
        var components = new EngineComponents
        {
            Store = counting, Time = node.Time, Random = new Random(++nodes), Background = node.Scheduler, Logging = log,
        };
        return new Member(node, Do(node, () => PuffEngine.OpenAsync(settings, components)), counting, log);
    }

    /// <summary>Lets time pass.</summary>
    public void Pass(TimeSpan time) => world.Run(() => false, time);

    public void Pass(double seconds) => Pass(TimeSpan.FromSeconds(seconds));

    public T Do<T>(Member member, Func<PuffEngine, Task<T>> action) => Do(member.Node, () => action(member.Engine));

    public void Write(Member member, string name, params ulong[] ids) =>
        Do(member, engine => engine.WriteAsync(name, EngineFixture.Upsert([.. ids.Select(i => EngineFixture.Row(i))])));

    public ulong[] Ids(Member member, string name) => Do(member, engine => EngineFixture.IdsAsync(engine, name));

    /// <summary>Through which log entry a namespace is indexed; 0 when nothing is.</summary>
    public long IndexedThrough(string name)
    {
        var raw = new EngineContext(Settings, new EngineComponents { Store = Memory });
        var found = SimulatedStore.Wait(new ManifestStore(raw, raw.KeysOf(name)).ReadAsync(null, CancellationToken.None));
        return found?.Manifest.IndexedThrough ?? 0;
    }

    /// <summary>Seconds until something holds; fails the test when it does not within an hour.</summary>
    public double Until(Func<bool> condition)
    {
        long began = world.Now;
        Assert.True(world.Run(condition, TimeSpan.FromHours(1)), "it did not come within an hour");
        return TimeSpan.FromTicks(world.Now - began).TotalSeconds;
    }

    public void Kill(Member member) => world.Kill(member.Node);

    public void Sleep(Member member, TimeSpan time) => world.Sleep(member.Node, time);

    public void Stop(Member member) => Do(member, async engine =>
    {
        await engine.DisposeAsync();
        return true;
    });

    public byte[]? Read(string key)
    {
        var found = SimulatedStore.Wait(Memory.GetAsync(key, default, StorePurpose.User, CancellationToken.None));
        byte[]? bytes = found.Content?.Span.ToArray();
        found.Content?.Release();
        return bytes;
    }

    public void Put(string key, byte[] content) =>
        SimulatedStore.Wait(Memory.PutAsync(key, content, PutCondition.None, StorePurpose.User, CancellationToken.None));

    private T Do<T>(SimulatedNode node, Func<Task<T>> action)
    {
        T result = default!;
        var done = node.StartAsync(async () => result = await action());
        Assert.True(world.Run(() => done.IsCompleted, TimeSpan.FromMinutes(10)), "a call did not return");
        done.GetAwaiter().GetResult();
        return result;
    }
}

/// <summary>One engine of a cluster.</summary>
internal sealed record Member(SimulatedNode Node, PuffEngine Engine, CountingObjectStore Store, LogLines Log);
