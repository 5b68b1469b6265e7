using Puff.Engine.Formats;
using Puff.Engine.Vectors;

namespace Puff.Engine.Namespaces;

/// <summary>
/// What checks of single queries say about the recall of a namespace on this node. One query in many is checked, the next only when the last check has paid for
/// itself by a long rest. Where the share found stays below what is aimed at, searches aim higher; where it stays there although they aim as high as can be,
/// the tree is no longer one for these vectors, and a new one is asked for. What was found with some trees says nothing of others: new ones begin anew. Any
/// number of threads.
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

    /// <summary>Who has asked for a new tree in vain asks again after twice as many checks, up to so many times as many.</summary>
    private const int LongestWait = 64;

    /// <summary>What searches may aim at instead, the recalls that calibration measures.</summary>
    private static readonly float[] Aims = [0.9f, 0.95f, 0.97f, 0.99f, 0.995f];

    private readonly Lock gate = new();
    private readonly Dictionary<ulong, Found> byTree = [];
    private long queries;
    private long restsUntil = long.MinValue;
    private ulong trees;
    private Found all;
    private int wait = 1;
    private VectorIndexSettings? aim;

    /// <summary>Checks so far that <see cref="Recall"/> tells of.</summary>
    public int Checks
    {
        get
        {
            lock (gate)
            {
                return all.Checks;
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
                return all.Checks == 0 ? null : all.Recall;
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

    /// <summary>Notes what a check found, unless it was with trees that are no longer those that queries use.</summary>
    /// <param name="found">Share of the nearest documents, 0..1.</param>
    /// <param name="searched">The tree that was searched.</param>
    /// <param name="of">All trees of the namespace, as searches were told.</param>
    /// <param name="began">Timestamp at which the check began.</param>
    /// <param name="ended">At which it ended.</param>
    public void Add(double found, ulong searched, ulong of, long began, long ended)
    {
        lock (gate)
        {
            Volatile.Write(ref restsUntil, ended + RestPerCheck * (ended - began));
            if (of == trees)
            {
                all = all.With(found);
                byTree[searched] = byTree.GetValueOrDefault(searched).With(found);
            }
        }
    }

    /// <summary>See the other one.</summary>
    public VectorIndexSettings Aim(VectorIndexSettings settings, IReadOnlyList<TreeDescriptor> of) => Aim(settings, TreeDescriptor.Combine(of));

    /// <summary>How searches are to be done, given what the settings aim at and what checks have found.</summary>
    /// <param name="settings">Of the node.</param>
    /// <param name="of">Names the trees that are searched, taken together.</param>
    public VectorIndexSettings Aim(VectorIndexSettings settings, ulong of)
    {
        lock (gate)
        {
            if (of != trees)
            {
                trees = of;
                aim = null;
                wait = 1;
                Forget();
            }

            var present = aim ?? settings;
            if (!IsLow(settings) || all.Checks < Enough || present.RecallTarget >= Aims[^1])
            {
                return present;
            }

            // What was found so far was found aiming lower.
            Forget();
            return aim = present with { RecallTarget = Aims.First(a => a > present.RecallTarget) };
        }
    }

    /// <summary>
    /// The tree in which least is found, when that stays too little at the highest aim; else null. It is named once, and again only after many more checks: its
    /// replacement takes time, or may not help.
    /// </summary>
    /// <param name="settings">Of the node.</param>
    public ulong? TakePoorTree(VectorIndexSettings settings)
    {
        lock (gate)
        {
            if (!IsLow(settings) || all.Checks < Enough * wait || (aim ?? settings).RecallTarget < Aims[^1])
            {
                return null;
            }

            ulong poorest = byTree.MinBy(t => t.Value.Recall).Key;
            wait = Math.Min(2 * wait, LongestWait);
            Forget();
            return poorest;
        }
    }

    private bool IsLow(VectorIndexSettings settings) => all.Recall < settings.RecallTarget - Tolerance;

    private void Forget()
    {
        all = default;
        byTree.Clear();
    }

    private readonly record struct Found(int Checks, double Recall)
    {
        public Found With(double found) => new(Checks + 1, Recall + (found - Recall) / Math.Min(Checks + 1, Enough));
    }
}
