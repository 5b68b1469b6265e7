using System.Globalization;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.State;
using Puff.Sync.Tests.Documents;
using Puff.Sync.Tests.Pipelines;
using Puff.TestKit.Simulation;

namespace Puff.Sync.Tests.Simulation;

/// <summary>
/// One seed: two tables written by applications, a pipeline over fakes that is killed between any two steps, cut off and refused, and at the end must have made
/// the namespaces equal to the tables.
/// </summary>
internal sealed class SyncSimulation
{
    private const int Keys = 12;
    private readonly SimulatedWorld world;
    private readonly SimulatedDatabase database;
    private readonly SimulatedNamespaces namespaces = new();
    private readonly MemoryStateTables tables = new();
    private readonly List<string> notes = [];
    private readonly bool hasTokens;
    private bool isFaulty = true;
    private SimulatedNode? node;
    private Task? running;
    private Pipeline? last;
    private int processes;

    private SyncSimulation(int seed, TextWriter? trace)
    {
        world = new SimulatedWorld(seed, trace);
        hasTokens = world.Random.Next(3) != 0;
        database = new SimulatedDatabase(Identity(), Identity());
        tables.Pipeline = new PipelineRecord("sim", 1, 1, 1, "slot", "publication", database.Confirmed);
        for (int i = 0; i < 2; i++)
        {
            tables.Mappings.Add(new MappingRecord($"m{i}", 1, i + 1, "default", $"ns{i}", (uint)i + 100));
        }
    }

    public int Kills { get; private set; }

    /// <summary>Runs a seed; throws with what was found wrong.</summary>
    public static SyncSimulation Run(int seed, TextWriter? trace = null)
    {
        var simulation = new SyncSimulation(seed, trace);
        simulation.Live();
        simulation.Settle();
        simulation.Compare(seed);
        return simulation;
    }

    private ReplicaIdentity Identity() => world.Random.Next(3) == 0 ? ReplicaIdentity.Full : ReplicaIdentity.Default;

    private void Live()
    {
        for (int i = 0; i < 60; i++)
        {
            database.Step(world.Random, Keys);
        }

        long until = world.Now + TimeSpan.FromSeconds(20).Ticks;
        while (world.Now < until)
        {
            Keep(new RunGoal());
            for (int i = world.Random.Next(6); i > 0; i--)
            {
                database.Step(world.Random, Keys);
            }

            Advance(() => false, TimeSpan.FromMilliseconds(world.Random.NextDouble() * 60));
            if (world.Random.Next(60) == 0)
            {
                Kill();
            }
            else if (world.Random.Next(80) == 0)
            {
                Request();
            }
        }
    }

    /// <summary>Runs the world; a process that works without end at one moment of its clock is a failure, not a hang.</summary>
    private bool Advance(Func<bool> done, TimeSpan limit)
    {
        long begun = world.Step;
        return world.Run(
            () => world.Step - begun > 2_000_000
                ? throw new InvalidOperationException($"busy without end at {TimeSpan.FromTicks(world.Now)}:\n{string.Join('\n', notes.TakeLast(60))}")
                : done(),
            limit);
    }

    private void Request()
    {
        string mapping = $"m{world.Random.Next(2)}";
        (string verb, string arguments) = world.Random.Next(4) switch
        {
            0 => ("pause", $$"""{"mapping":"{{mapping}}"}"""),
            1 => ("snapshot", $$"""{"mapping":"{{mapping}}"}"""),
            2 => ("snapshot", $$"""{"mapping":"{{mapping}}","kind":"keys","keys":[["1"],["2"],["7"]]}"""),
            _ => ("resume", $$"""{"mapping":"{{mapping}}"}"""),
        };
        tables.Requests.Add(new RequestRecord(tables.Requests.Count + 1, verb, arguments, default));
    }

    private void Kill()
    {
        if (node is not null)
        {
            Kills++;
            world.Kill(node);
            node = null;
            tables.LockHolder = null;
            for (int i = 0; i < 5; i++)
            {
                database.Step(world.Random, Keys);
            }
        }
    }

    /// <summary>Starts a process when none runs; one that ended by itself may only have been fenced off by a late write of its predecessor.</summary>
    private void Keep(RunGoal goal)
    {
        if (running is { IsFaulted: true } && node is not null)
        {
            if (running.Exception!.InnerException is not SyncException { Code: "fenced" })
            {
                throw running.Exception;
            }

            world.Kill(node);
            node = null;
            tables.LockHolder = null;
        }

        if (node is null)
        {
            node = world.AddNode($"run{++processes}", TimeSpan.Zero);
            running = node.StartAsync(() => RunAsync(node, goal));
        }
    }

    private async Task RunAsync(SimulatedNode home, RunGoal goal)
    {
        TimeProvider time = home.Time;
        bool isUp = false;
        var state = new MemorySyncState(tables, time, what => isUp ? GateAsync(time) : Task.CompletedTask);
        var source = new SimulatedSource(database, world, time, () => isFaulty);
        var destination = new SimulatedDestination(namespaces, world, time, hasTokens, () => isFaulty);
        if (!await state.TryLockAsync(new RunnerRecord(Guid.Empty, "sim", 1, default), CancellationToken.None))
        {
            throw new InvalidOperationException("the lock is held");
        }

        var events = new PipelineEvents(time);
        events.Happened += e => notes.Add($"{TimeSpan.FromTicks(world.Now).TotalSeconds:F3} {home.Name} {e.Name} {e.Mapping} {e.Text}");
        var options = new PipelineOptions
        {
            Name = "sim", BatchRows = 1 + world.Random.Next(8), BatchDelay = TimeSpan.FromMilliseconds(world.Random.Next(50)), PageRows = 1
                + world.Random.Next(5),
            PagesInFlight = 1 + world.Random.Next(3), RetryBase = TimeSpan.FromMilliseconds(5), RetryMax = TimeSpan.FromMilliseconds(200),
            ReconnectBase = TimeSpan.FromMilliseconds(10), ReconnectMax = TimeSpan.FromMilliseconds(200), HeartbeatInterval = TimeSpan.FromSeconds(1),
            RequestInterval = TimeSpan.FromMilliseconds(200), MemoryBudget = 4_000, WriteConcurrency = 2,
        };
        IReadOnlyList<MappingRecord> records = await state.ListMappingsAsync(CancellationToken.None);
        PipelineMapping[] mappings = [.. records.Select((record, i) => MappingOf(i, record, destination))];
        var pipeline = new Pipeline(
            options, new PipelineParts(state, source, source, source, time, new Random(world.Random.Next()), events), "slot", home.Name,
            tables.Pipeline!.Confirmed);
        isUp = true;
        last = pipeline;
        await pipeline.RunAsync(mappings, goal, CancellationToken.None);
        await state.DisposeAsync();
    }

    private PipelineMapping MappingOf(int table, MappingRecord record, SimulatedDestination destination)
    {
        var definition = new MappingDefinition
        {
            Name = record.Name, Source = new SourceDefinition($"t{table}"), Target = new TargetDefinition(record.Namespace),
        };
        var shape = new TableShape(
            "public", $"t{table}",
            [
                new TableColumn("id", new TypeShape(20, "int8"), IsNullable: false), new TableColumn("body", new TypeShape(25, "text")),
                new TableColumn("n", new TypeShape(23, "int4")),
            ],
            ["id"], database.Shapes[table].Identity);
        return new PipelineMapping(definition, record, record.Namespace, new DocumentRowPlan(new DocumentPlan(definition, shape)), destination, null);
    }

    private Task GateAsync(TimeProvider time)
    {
        if (isFaulty && world.Random.Next(40) == 0)
        {
            return Task.FromException(new StateUnavailableException("the connection was cut"));
        }

        return Task.Delay(TimeSpan.FromMilliseconds(world.Random.NextDouble() * 4), time);
    }

    private void Settle()
    {
        isFaulty = false;
        tables.Requests.Clear();
        Kill();
        database.Settle(world.Random);
        for (int i = 0; i < tables.Mappings.Count; i++)
        {
            if (tables.Mappings[i].Phase == MappingPhase.Paused)
            {
                tables.Mappings[i] = tables.Mappings[i] with { Phase = MappingPhase.Streaming };
            }
        }

        // A late write may fence the first process; there are only so many of them.
        for (int i = 0; i < 5; i++)
        {
            Keep(new RunGoal(UntilCaughtUp: true));
            if (Advance(() => running!.IsCompleted, TimeSpan.FromMinutes(2)) && running!.IsCompletedSuccessfully)
            {
                return;
            }
        }

        string lanes = string.Join('\n', last!.Hosts.Select(h =>
            $"{h.Name} {h.Phase} jobs {h.Jobs.Count} rereads idle {h.Lane.Rereader.IsIdle}: {h.Lane.Intake.Describe()}"));
        lanes += $"\ndone {last.Progress.Done} confirmed {last.Progress.Confirmed} end {last.Router.Mark.End} used {last.Budget.Used}; log {database.Insert}";
        throw new InvalidOperationException($"it never caught up:\n{lanes}\n{string.Join('\n', notes.TakeLast(60))}", running!.Exception);
    }

    private void Compare(int seed)
    {
        for (int table = 0; table < 2; table++)
        {
            string wanted = string.Join('\n', database.Visible[table].Select(r => $"{r.Key}: {r.Value.Body} {r.Value.Number}"));
            var documents = namespaces.Documents.GetValueOrDefault($"ns{table}") ?? [];
            string found = string.Join('\n', documents.OrderBy(d => d.Key.ToString().PadLeft(30), StringComparer.Ordinal).Select(d =>
                string.Create(CultureInfo.InvariantCulture, $"{d.Key}: {Show(d.Value, "body")} {Show(d.Value, "n")}")));
            if (wanted != found)
            {
                throw new InvalidOperationException(
                    $"seed {seed}, table {table} ({database.Shapes[table].Identity}, tokens {hasTokens}): wanted\n{wanted}\nfound\n{found}\n"
                    + string.Join('\n', notes.TakeLast(80)));
            }
        }
    }

    private static string Show(Dictionary<string, Value> document, string name) =>
        document.TryGetValue(name, out Value value) ? RowFixture.Show(value).Trim('\'') : "-";
}
