using Puff.Engine.Vectors;

namespace Puff.Engine.Namespaces;

/// <summary>
/// What checks of single queries say about the recall of a namespace on this node. One query in many is checked, the next only when the last check has paid for
/// itself by a long rest. Where the share found stays below what is aimed at, searches aim higher. Any number of threads.
/// </summary>
internal sealed class RecallEstimate
{
    /// <summary>One query in so many is checked, at most.</summary>
    internal const int QueriesPerCheck = 128;

    /// <summary>After a check comes a rest so many times as long: a hundredth of one processor at most.</summary>
    private const int RestPerCheck = 100;

    /// <summary>Checks after which there is something to say; also how many of the last ones weigh.</summary>
    internal const int Enough = 48;

    /// <summary>Less than this below the aim is noise.</summary>
    private const double Tolerance = 0.02;

    /// <summary>What searches may aim at instead, the recalls that calibration measures.</summary>
    private static readonly float[] Aims = [0.9f, 0.95f, 0.97f, 0.99f, 0.995f];

    private readonly Lock gate = new();
    private long queries;
    private long restsUntil = long.MinValue;
    private int checks;
    private double recall;
    private VectorIndexSettings? aim;

    /// <summary>Checks so far that <see cref="Recall"/> tells of.</summary>
    public int Checks
    {
        get
        {
            lock (gate)
            {
                return checks;
            }
        }
    }

    /// <summary>Share of the nearest documents that were found, the last checks weighing most; null before the first.</summary>
    public double? Recall
    {
        get
        {
            lock (gate)
            {
                return checks == 0 ? null : recall;
            }
        }
    }

    /// <summary>Counts a query and says whether it is one to check. Which ones depends on their number alone.</summary>
    /// <param name="now">A timestamp.</param>
    public bool IsDue(long now)
    {
        // Not every n-th: clients repeat themselves.
        var chosen = SplitMix.For(0x5EED, (int)Interlocked.Increment(ref queries));
        return chosen.Next(QueriesPerCheck) == 0 && now >= Volatile.Read(ref restsUntil);
    }

    /// <summary>Notes what a check found.</summary>
    /// <param name="found">Share of the nearest documents, 0..1.</param>
    /// <param name="began">Timestamp at which the check began.</param>
    /// <param name="ended">At which it ended.</param>
    public void Add(double found, long began, long ended)
    {
        lock (gate)
        {
            checks++;
            recall += (found - recall) / Math.Min(checks, Enough);
            Volatile.Write(ref restsUntil, ended + RestPerCheck * (ended - began));
        }
    }

    /// <summary>How searches are to be done, given what the settings aim at and what checks have found.</summary>
    public VectorIndexSettings Aim(VectorIndexSettings settings)
    {
        lock (gate)
        {
            var present = aim ?? settings;
            if (checks < Enough || recall >= settings.RecallTarget - Tolerance || present.RecallTarget >= Aims[^1])
            {
                return present;
            }

            // What was found so far was found aiming lower.
            checks = 0;
            recall = 0;
            return aim = present with { RecallTarget = Aims.First(a => a > present.RecallTarget) };
        }
    }
}
