using Puff.TestKit.Simulation;
using Xunit;

namespace Puff.Engine.Tests.Simulation;

/// <summary>The simulation itself: one seed is one run, and broken parts are noticed.</summary>
public sealed class SimulationTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Two_runs_of_a_seed_are_identical(int seed)
    {
        var first = TestKit.Simulation.Simulation.Run(seed);
        var second = TestKit.Simulation.Simulation.Run(seed);

        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.NextRandom, second.NextRandom);
        Assert.Equal(first.Violations, second.Violations);
        Assert.NotEqual(first.TraceHash, TestKit.Simulation.Simulation.Run(seed + 100).TraceHash);
    }

    [Fact]
    public void A_store_where_two_conditional_puts_win_is_noticed() => AssertNoticed(plan => plan with { Sabotage = StoreSabotage.TwoWinners });

    [Fact]
    public void A_store_that_confirms_and_forgets_is_noticed() => AssertNoticed(plan => plan with { Sabotage = StoreSabotage.ForgetsPuts });

    [Fact]
    public void A_store_that_hides_log_entries_is_noticed() => AssertNoticed(plan => plan with { Sabotage = StoreSabotage.StaleReads });

    [Fact]
    public void A_collector_without_grace_is_noticed() => AssertNoticed(plan => plan with { CollectorGrace = TimeSpan.Zero });

    /// <summary>The quick part of the long run: dotnet run -c Release --project tests/Puff.Simulation -- --seeds 10000.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(26)]
    [InlineData(51)]
    [InlineData(76)]
    [InlineData(101)]
    [InlineData(126)]
    [InlineData(151)]
    [InlineData(176)]
    public void Twenty_five_seeds_without_a_violation(int first)
    {
        foreach (int seed in Enumerable.Range(first, 25))
        {
            var report = TestKit.Simulation.Simulation.Run(seed);
            Assert.True(
                report.Violations.Count == 0,
                $"{string.Join(Environment.NewLine, report.Violations)}{Environment.NewLine}replay with a trace: "
                + $"dotnet run -c Release --project tests/Puff.Simulation -- --seed {seed} --trace");
        }
    }

    /// <summary>Otherwise the runs above would say nothing about trees.</summary>
    [Fact]
    public void Trees_are_trained_and_grow_in_runs_with_vectors()
    {
        var reports = Enumerable.Range(1, 5).Select(seed => TestKit.Simulation.Simulation.Run(seed, plan => plan with { HasVectors = true })).ToArray();
        Assert.All(reports, report => Assert.Empty(report.Violations));
        Assert.True(reports.Sum(r => r.CodedSegments) > 100);
        Assert.True(reports.Sum(r => r.GroupedSegments) > 30);
        Assert.True(reports.Sum(r => r.GrownTrees) > 5);
        Assert.True(reports.Sum(r => r.NearestWanted) > 1000);
        Assert.True(reports.Sum(r => r.NearestFound) >= reports.Sum(r => r.NearestWanted) * 0.998);
    }

    /// <summary>Otherwise the runs above would say nothing about roles: here nobody indexes but workers, and they know by the queue and by sweeps.</summary>
    [Fact]
    public void Workers_index_what_servers_leave_in_the_queue()
    {
        var reports = Enumerable.Range(1, 5).Select(seed => TestKit.Simulation.Simulation.Run(
            seed, plan => plan with { HasQueue = true, ServersIndex = false, IndexEvery = TimeSpan.FromMinutes(15) })).ToArray();
        Assert.All(reports, report => Assert.Empty(report.Violations));
        Assert.True(reports.Sum(r => r.QueueWrites) > 300);
        Assert.True(reports.Sum(r => r.Publications) > 100);
    }

    private static void AssertNoticed(Func<SimulationPlan, SimulationPlan> sabotage)
    {
        int noticed = Enumerable.Range(1, 10).FirstOrDefault(seed => TestKit.Simulation.Simulation.Run(seed, sabotage).Violations.Count > 0);
        Assert.NotEqual(0, noticed);
    }
}
