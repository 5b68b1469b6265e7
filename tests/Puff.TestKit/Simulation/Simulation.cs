using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Storage;

namespace Puff.TestKit.Simulation;

/// <param name="Seed">Replays the run.</param>
/// <param name="Violations">What is wrong, in the order it was noticed; empty when all is well.</param>
/// <param name="TraceHash">Of everything that happened.</param>
/// <param name="NextRandom">The world's next random number: equal in two runs of a seed.</param>
internal sealed record SimulationReport(
    int Seed, IReadOnlyList<string> Violations, ulong TraceHash, long NextRandom,
    int Operations, int Acknowledged, long StoreCalls, int Publications, int QueueWrites, int Deletions, int StrayEntries,
    int CodedSegments, int GroupedSegments, int GrownTrees, int NearestFound, int NearestWanted);

/// <summary>
/// One run of the deterministic simulation (design 8.3): a small cluster on one failing store, driven by one seed, checked against a model. Nodes serve,
/// index, merge,
/// collect; they sleep longer than grace, crash and come back.
/// </summary>
internal sealed class Simulation
{
    private static readonly string[] Roles = ["server", "server", "indexer", "indexer", "merger", "collector", "collector", "worker", "worker"];

    private readonly SimulatedWorld world;
    private readonly SimulationPlan plan;
    private readonly SimulatedStore store;
    private readonly ClusterTruth truth;
    private readonly List<string> violations = [];
    private readonly SimulatedNode[] nodes = new SimulatedNode[Roles.Length];
    private readonly Task[] work = new Task[Roles.Length];
    private readonly Dictionary<SimulatedNode, SimulatedClient> clients = [];
    private readonly int seed;
    private bool stopping;

    private Simulation(int seed, Func<SimulationPlan, SimulationPlan>? change, TextWriter? trace)
    {
        this.seed = seed;
        world = new SimulatedWorld(seed, trace);
        var drawn = SimulationPlan.Draw(world.Random);
        plan = change is null ? drawn : change(drawn);
        store = new SimulatedStore(world, plan.Sabotage);
        truth = new ClusterTruth(world, store, plan.Settings, plan.ClockOffset * 2, Complain);
        store.Witness = truth;
        store.Crash = node => Crash(Array.IndexOf(nodes, node));
    }

    /// <param name="seed">Decides everything.</param>
    /// <param name="change">Bends the drawn plan, for tests of the simulation itself.</param>
    /// <param name="trace">Gets a line for everything that happens.</param>
    public static SimulationReport Run(int seed, Func<SimulationPlan, SimulationPlan>? change = null, TextWriter? trace = null) =>
        new Simulation(seed, change, trace).Run();

    private SimulationReport Run()
    {
        world.Remark($"seed {seed}: {plan}");
        try
        {
            Play();
        }
        catch (Exception failure)
        {
            Complain($"the run ended with {failure}");
        }

        var report = new SimulationReport(
            seed, violations, world.TraceHash, world.Random.NextInt64(),
            truth.Operations.Count, truth.Operations.Values.Count(o => o.IsAcknowledged), store.Calls,
            truth.Publications, truth.QueueWrites, truth.Deletions, truth.StrayEntries, truth.CodedSegments, truth.GroupedSegments, truth.GrownTrees,
            truth.Nearest.Found, truth.Nearest.Wanted);
        store.Inner.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return report;
    }

    private void Play()
    {
        store.Faults = plan.Faults;
        for (int slot = 0; slot < Roles.Length; slot++)
        {
            Boot(slot);
        }

        Every(plan.SleepEvery, () => world.Sleep(Draw(), plan.Settings.Grace * (0.2 + (world.Random.NextDouble() * 2))));
        Every(plan.CrashEvery, () => Crash(world.Random.Next(Roles.Length)));
        world.Run(() => violations.Count > 0, plan.Duration);
        if (violations.Count == 0)
        {
            Drain();
        }

        if (violations.Count == 0)
        {
            Verdict.Judge(truth, Complain);
        }
    }

    /// <summary>
    /// The store behaves, everybody wakes and finishes, stray calls land; then all nodes and a fresh one must agree, before and after tidying up.
    /// </summary>
    private void Drain()
    {
        stopping = true;
        store.Faults = FaultProfile.None;
        foreach (var node in world.LiveNodes.ToArray())
        {
            world.Wake(node);
        }

        Finish("the nodes", () => work.All(w => w.IsCompleted) && store.OnTheWay == 0);
        ReadEverywhere();
        for (int round = 0; round < 8 && violations.Count == 0; round++)
        {
            var tidying = world.AddNode("tidier", TimeSpan.Zero);
            var background = new SimulatedBackground(tidying, ContextOf(tidying, plan.Settings), new Random(round), Complain);
            Watch(tidying, background.TidyAsync, "tidying up");
            world.Run(() => false, plan.Settings.Grace * 1.1);
        }

        ReadEverywhere();
        foreach (string key in truth.Litter())
        {
            Complain($"{key} is litter: nothing reaches it, nobody deletes it");
        }

        foreach (string key in truth.Missing())
        {
            Complain($"{key} is missing at the end");
        }
    }

    private void ReadEverywhere()
    {
        Boot(0);
        Finish("opening", () => work[0].IsCompleted);
        var readers = nodes.Where(n => n.Name.StartsWith("server", StringComparison.Ordinal)).ToArray();
        foreach (var node in violations.Count > 0 ? [] : readers)
        {
            var client = clients[node];
            Watch(node, async () =>
            {
                foreach (string name in SimulatedClient.Names)
                {
                    await client.ReadAsync(name, Consistency.Strong);
                }
            }, "the last reads");
        }
    }

    private void Watch(SimulatedNode node, Func<Task> action, string what)
    {
        var task = node.StartAsync(action);
        Finish(what, () => task.IsCompleted);
        if (task.Exception is { } failure)
        {
            Complain($"{what} failed: {failure.InnerException}");
        }
    }

    private void Finish(string what, Func<bool> done)
    {
        if (!world.Run(() => done() || violations.Count > 0, TimeSpan.FromHours(1)))
        {
            Complain($"{what} did not finish within an hour");
        }
    }

    /// <summary>Starts a node in a slot. What ran there before is dead.</summary>
    private void Boot(int slot)
    {
        var offset = plan.ClockOffset * ((world.Random.NextDouble() * 2) - 1);
        var node = world.AddNode(Roles[slot], offset);
        nodes[slot] = node;
        var random = new Random(world.Random.Next());
        work[slot] = node.StartAsync(Roles[slot] switch
        {
            "server" => Serve(slot, node, random),
            "worker" => Index(node),
            var role => WorkBehind(role, node, random),
        });
    }

    private Func<Task> Serve(int slot, SimulatedNode node, Random random)
    {
        var settings = plan.Settings with { RunIndexer = plan.ServersIndex && !stopping, UseIndexQueue = plan.HasQueue };
        var components = ComponentsOf(node);
        return async () =>
        {
            var engine = await PuffEngine.OpenAsync(settings, components);
            var client = new SimulatedClient(world, plan, truth, node, engine, random, Complain);
            clients[node] = client;
            await Task.WhenAll(
                client.WriteUntilAsync(() => stopping), client.WriteUntilAsync(() => stopping), client.ReadUntilAsync(() => stopping),
                slot == 1 ? client.LockUntilAsync(() => stopping) : Task.CompletedTask);
        };
    }

    /// <summary>An engine without clients that takes jobs and sweeps; it goes on until it dies.</summary>
    private Func<Task> Index(SimulatedNode node)
    {
        var settings = plan.Settings with { RunIndexer = true, UseIndexQueue = true };
        var components = ComponentsOf(node);
        return () => plan.HasQueue && !stopping ? PuffEngine.OpenAsync(settings, components) : Task.CompletedTask;
    }

    private Func<Task> WorkBehind(string role, SimulatedNode node, Random random)
    {
        var settings = role == "collector" && plan.CollectorGrace is { } grace ? plan.Settings with { Grace = grace } : plan.Settings;
        var background = new SimulatedBackground(node, ContextOf(node, settings), random, Complain);
        return role switch
        {
            "indexer" => () => background.IndexUntilAsync(() => stopping, plan.IndexEvery),
            "merger" => () => background.MergeUntilAsync(() => stopping, plan.IndexEvery * 1.7),
            _ => () => background.CollectUntilAsync(() => stopping),
        };
    }

    private EngineContext ContextOf(SimulatedNode node, EngineSettings settings) => new(settings, ComponentsOf(node));

    private EngineComponents ComponentsOf(SimulatedNode node)
    {
        var reached = store.Connect(node);
        var random = new Random(world.Random.Next());
        return new EngineComponents
        {
            Store = plan.Retries ? new RetryingObjectStore(reached, node.Time, new Random(world.Random.Next())) : reached,
            Time = node.Time,
            Random = random,
            Background = node.Scheduler,
        };
    }

    private void Crash(int slot)
    {
        if (slot < 0 || nodes[slot].IsDead)
        {
            return;
        }

        world.Kill(nodes[slot]);
        world.After(TimeSpan.FromSeconds(world.Random.Next(1, 60)), null, () => Boot(slot));
    }

    private SimulatedNode Draw() => nodes[world.Random.Next(nodes.Length)];

    /// <summary>Repeats an action at random intervals while the clients work.</summary>
    private void Every(TimeSpan mean, Action action)
    {
        if (mean > TimeSpan.Zero)
        {
            world.After(mean * (world.Random.NextDouble() * 2), null, () =>
            {
                if (!stopping)
                {
                    action();
                    Every(mean, action);
                }
            });
        }
    }

    private void Complain(string violation)
    {
        world.Remark($"VIOLATION {violation}");
        violations.Add(violation);
    }
}
