using Puff.Engine;
using Puff.Engine.Vectors;

namespace Puff.TestKit.Simulation;

/// <summary>What one seed plays: every seed draws its own mix, so that rare combinations come up.</summary>
internal sealed record SimulationPlan
{
    public required EngineSettings Settings { get; init; }

    public required FaultProfile Faults { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Documents carry a vector.</summary>
    public required bool HasVectors { get; init; }

    /// <summary>Serving nodes index, merge and collect too, as a single-node installation does.</summary>
    public required bool ServersIndex { get; init; }

    /// <summary>Nodes leave each other word on the store: servers that do not index announce what waits, workers take it.</summary>
    public required bool HasQueue { get; init; }

    /// <summary>Calls are repeated by the retrying decorator, as in production.</summary>
    public required bool Retries { get; init; }

    /// <summary>Mean pause between two operations of an actor.</summary>
    public required TimeSpan Pace { get; init; }

    /// <summary>Mean pause between two flushes by an indexer.</summary>
    public TimeSpan IndexEvery { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Mean time between two sleeps of some node; zero for none.</summary>
    public required TimeSpan SleepEvery { get; init; }

    public required TimeSpan CrashEvery { get; init; }

    /// <summary>In per mille of the operations of a writer.</summary>
    public required int Deletions { get; init; }

    public required int Branches { get; init; }

    public StoreSabotage Sabotage { get; init; }

    /// <summary>Collectors take this for grace; only to see that it is noticed.</summary>
    public TimeSpan? CollectorGrace { get; init; }

    /// <summary>
    /// Wall clocks differ from the store's by at most this: an eighth of grace, so that two nodes differ by less than the half that writers and readers
    /// rely on.
    /// </summary>
    public TimeSpan ClockOffset => Settings.Grace / 8;

    public static SimulationPlan Draw(Random random)
    {
        var plan = DrawLively(random);
        return random.Next(6) > 0 ? plan : Quiet(plan, random);
    }

    /// <summary>Little happens for long, and messages stray for longer than that: what was sent in another age arrives while nothing has changed.</summary>
    private static SimulationPlan Quiet(SimulationPlan plan, Random random) => plan with
    {
        Pace = TimeSpan.FromSeconds(random.Next(30, 90)),
        Duration = TimeSpan.FromSeconds(1_200),
        CrashEvery = TimeSpan.FromSeconds(random.Next(20, 120)),
        IndexEvery = TimeSpan.FromSeconds(random.Next(20, 120)),
        ServersIndex = false,
        Faults = plan.Faults with { Late = random.Next(50, 200), LastWords = random.Next(60), LongestDelay = TimeSpan.FromSeconds(300) },
    };

    /// <summary>So small that trees are trained, grow and are given up within a run.</summary>
    private static VectorIndexSettings DrawVectorIndex(Random random) => new()
    {
        CodesFrom = random.Next(1, 4), FlatLimit = random.Next(4, 24), GroupMean = 1, LeafMin = 1, LeafTarget = 3, LeafMax = random.Next(4, 8), FanOut = 3,
        TailChunk = random.Next(2, 12), Threads = 1,
    };

    private static SimulationPlan DrawLively(Random random)
    {
        bool small = random.Next(4) == 0;
        return new SimulationPlan
        {
            Settings = new EngineSettings
            {
                Root = "sim",
                Grace = TimeSpan.FromSeconds(60),
                History = small ? TimeSpan.Zero : TimeSpan.FromSeconds(45),
                RunIndexer = false,
                LeaseTime = TimeSpan.FromSeconds(random.Next(3, 30)),
                IndexQueuePoll = TimeSpan.FromSeconds(random.Next(1, 6)),
                IndexThresholdEntries = random.Next(2, 12),
                IndexDelay = TimeSpan.FromSeconds(random.Next(0, 3)),
                IndexMaxAge = TimeSpan.FromSeconds(random.Next(5, 40)),
                MergeFanIn = random.Next(2, 5),
                MaxEntryBytes = random.Next(3) == 0 ? 200 : 1 << 20,
                MaxOpenNamespaces = random.Next(3) == 0 ? 1 : 100,
                VectorIndex = DrawVectorIndex(random),
            },
            Faults = random.Next(6) == 0 ? FaultProfile.None with { Slow = 10 } : FaultProfile.Draw(random),
            Duration = TimeSpan.FromSeconds(small ? 200 : random.Next(300, 500)),
            HasVectors = random.Next(3) == 0,
            ServersIndex = random.Next(3) == 0,
            HasQueue = random.Next(3) > 0,
            Retries = random.Next(2) == 0,
            Pace = TimeSpan.FromSeconds(random.Next(2, 7)),
            SleepEvery = random.Next(4) == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(random.Next(20, 120)),
            CrashEvery = random.Next(3) == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(random.Next(40, 200)),
            Deletions = random.Next(3) == 0 ? 0 : random.Next(10, 80),
            Branches = random.Next(3) == 0 ? 0 : random.Next(10, 80),
        };
    }
}
