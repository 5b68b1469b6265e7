namespace Puff.Engine.Vectors;

/// <summary>What to do with the vectors of segments that are merged.</summary>
internal enum TreePlan
{
    /// <summary>No tree: the codes of the new segment form one group.</summary>
    Flat,

    /// <summary>Train a new tree on the vectors, and assign them to it.</summary>
    Train,

    /// <summary>Assign the vectors to the tree there is, and split leaves that have become too large.</summary>
    AssignAndSplit,
}

/// <summary>What is known about the tree there is.</summary>
/// <param name="TrainedOn">Vectors it was trained on.</param>
/// <param name="ProbesWhenTrained">Leaves for recall 0.95 without a filter, measured right after training; 0 if unknown.</param>
/// <param name="ProbesNow">The same by the latest measurement; 0 if unknown.</param>
/// <param name="IsRecallLow">Checked searches find too little in it, although they look at as much as was ever measured.</param>
/// <param name="Rebuilds">How many trees in a row, this one the last, were trained for that reason.</param>
internal readonly record struct TreeCondition(int TrainedOn, int ProbesWhenTrained, int ProbesNow, bool IsRecallLow = false, int Rebuilds = 0);

/// <summary>
/// Decides about trees at merges. Splitting leaves keeps a tree usable, but one trained on all vectors needs a fraction of the probes; training on twice as
/// many vectors each time costs a document some ten microseconds twice over its life. Otherwise a tree is trained anew when most vectors were deleted, because
/// small leaves are padding for the larger part, when queries have to look at about twice as many leaves as at first, and when checked queries say that too
/// little is found in it. The last reason holds twice in a row, not more: where two new trees have not helped, as with queries unlike any vector, a third will
/// not, and every one costs a merge of everything.
/// </summary>
internal static class TreePlanner
{
    // Patience grows about twice as fast as the leaves that an average query looks at.
    private const int MostProbeGrowth = 4;
    private const int MostShrinking = 4;
    private const int MostRebuilds = 2;

    /// <summary>Whether it is worth a merge of everything to replace a tree in which too little is found.</summary>
    /// <param name="rebuilds">How many trees in a row, this one the last, were trained for that reason.</param>
    public static bool MayRebuild(int rebuilds) => rebuilds < MostRebuilds;

    /// <summary>Chooses a plan.</summary>
    /// <param name="merged">Vectors that are merged.</param>
    /// <param name="total">Vectors of the attribute in all segments of the namespace.</param>
    /// <param name="tree">The newest tree; null if there is none.</param>
    /// <param name="settings">Of the namespace.</param>
    public static TreePlan Decide(int merged, int total, TreeCondition? tree, VectorIndexSettings settings)
    {
        if (tree is not { } known)
        {
            return merged <= settings.FlatLimit ? TreePlan.Flat : TreePlan.Train;
        }

        // A merge of fewer vectors cannot retire the tree, and training on them would make one that fits them alone.
        if (merged < total - merged)
        {
            return TreePlan.AssignAndSplit;
        }

        // Half the limit: a namespace that stays around it should not change its mind at every merge.
        if (merged == total && merged <= settings.FlatLimit / 2)
        {
            return TreePlan.Flat;
        }

        bool hasGrown = merged / settings.TrainingGrowth >= Math.Max(1, known.TrainedOn);
        bool hasShrunk = merged < known.TrainedOn / MostShrinking;
        bool isWorse = known.ProbesWhenTrained > 0 && known.ProbesNow > known.ProbesWhenTrained * MostProbeGrowth;
        bool isPoor = known.IsRecallLow && MayRebuild(known.Rebuilds);
        return hasGrown || hasShrunk || isWorse || isPoor ? TreePlan.Train : TreePlan.AssignAndSplit;
    }
}
