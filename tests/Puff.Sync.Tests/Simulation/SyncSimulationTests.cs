using Xunit;

namespace Puff.Sync.Tests.Simulation;

/// <summary>
/// Section 24 in the simulator: 16-19, 21, 22, 24 (clear), 28, 36-39, 40, 42, 43, 48, 49, 57, 67: whatever is killed, cut, refused, lost or late, the
/// namespace is
/// the table at the end. Further seeds: PUFF_SYNC_SEEDS=from-to.
/// </summary>
public sealed class SyncSimulationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheNamespaceIsTheTable(int quarter)
    {
        (int from, int to) = Seeds();
        for (int seed = from + quarter; seed < to; seed += 4)
        {
            try
            {
                SyncSimulation.Run(seed);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}: {failure.Message}", failure);
            }
        }
    }

    private static (int From, int To) Seeds()
    {
        string[]? asked = Environment.GetEnvironmentVariable("PUFF_SYNC_SEEDS")?.Split('-');
        return asked is [var from, var to]
            ? (int.Parse(from, System.Globalization.CultureInfo.InvariantCulture), int.Parse(to, System.Globalization.CultureInfo.InvariantCulture))
            : (0, 200);
    }
}
