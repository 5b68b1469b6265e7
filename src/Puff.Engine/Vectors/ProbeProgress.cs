namespace Puff.Engine.Vectors;

/// <summary>
/// How far a search through leaves has come, and whether that is enough. Queries differ widely in how many leaves hold their neighbours, so none is looked at
/// by number alone: a search ends when it has found nothing nearer for long enough. How long that is, its *patience*, is measured (<see cref="ProbeTable"/>),
/// grows with the leaves it took to find what it has, and is shorter the farther the next leaf is, compared with the k-th neighbour.
/// The k nearest of all need less patience than the k nearest under a filter, which may be number 5 to 5,000 of all, depending on how the filter and the query
/// go together. So the search counts the masked vectors that are nearer than its k-th neighbour, and takes the patience measured for that rank.
/// </summary>
internal struct ProbeProgress
{
    /// <summary>Leaves that are planned for each leaf of patience: about as many as an average query looks at.</summary>
    public const double LeavesPerPatience = 2;

    // Each leaf that it took to get here is worth half a leaf of patience.
    private const double ShareOfGain = 0.5;

    // The fourth power of the ratio of squared distances weighs a leaf; where clusters are wide or queries far away the ratio says little.
    private const double SmallestRatio = 0.5;
    private const double LargestRatio = 1.4;

    // Patience is measured with neighbours near and far. Where all are far, few gains lie on the way, and it takes more.
    private const double FarFactor = 2;
    private const int FewestOfFar = 4;

    // No search looks at so many times the leaves planned: one in a hundred would look at five times as many as others for a neighbour more. Calibration
    // counts with it, so that the others make up for what these miss.
    private const double MostOfPlan = 4;

    private const int LeavesBetweenRanks = 4;

    // Counting masked vectors in leaves with few matches is most of the work there: after the first leaves, every eighth stands for all of them.
    private const int CountedLeaves = 16;
    private const int CountedStride = 8;

    // The rank is an estimate, and so is what it stands for; a little more patience than was measured makes up for both.
    private const double FilterFactor = 1.3;

    private readonly ProbeTable? probes;
    private readonly int count;
    private readonly double plannedAtFirst;
    private double planned;
    private int nextRank;
    private int lastGain;
    private bool isFar;

    public ProbeProgress(SearchPart part, int count)
    {
        probes = part.Probes;
        this.count = count;
        plannedAtFirst = PlannedFor(count / part.Selectivity);
        planned = plannedAtFirst;
        nextRank = LeavesBetweenRanks;
    }

    /// <summary>Leaves that are about enough: at first for a filter that has nothing to do with the query.</summary>
    public readonly int Planned => (int)Math.Min(Math.Ceiling(planned), int.MaxValue / 2);

    public int Leaves { get; private set; }

    /// <summary>Vectors in the groups seen.</summary>
    public long Codes { get; set; }

    /// <summary>See <see cref="CodeScan.SparseWeight"/>.</summary>
    /// <param name="leaf">Leaves seen before.</param>
    public static int SparseWeight(int leaf) => leaf < CountedLeaves ? 1 : leaf % CountedStride == 0 ? CountedStride : 0;

    /// <summary>Counts a leaf. Returns whether it is time to look at the rank again: less and less often, because that costs something, too.</summary>
    public bool Advance()
    {
        if (++Leaves < nextRank)
        {
            return false;
        }

        nextRank = Leaves + Math.Max(LeavesBetweenRanks, Leaves / 16);
        return true;
    }

    /// <summary>Something nearer than the k-th neighbour was found in one of the last leaves.</summary>
    public void Gain() => lastGain = Math.Max(0, Leaves - 1);

    /// <param name="masked">See <see cref="CodeScan.MaskedRank"/>.</param>
    public void Rank((double Rank, bool IsFar) masked)
    {
        planned = PlannedFor(count + masked.Rank) * (masked.Rank > 0 ? FilterFactor : 1);
        isFar = masked.IsFar && count >= FewestOfFar;
    }

    /// <summary>Whether the search may end, given that it has found enough neighbours.</summary>
    /// <param name="farthest">Squared distance of the k-th neighbour found.</param>
    /// <param name="next">Squared distance of the next leaf's centroid.</param>
    public readonly bool IsEnough(float farthest, float next)
    {
        double factor = isFar ? FarFactor : 1;
        bool isSpent = PatienceSpent(Leaves, lastGain, farthest, next) * LeavesPerPatience > factor * planned;
        return (isSpent && (!isFar || Leaves >= planned)) || Leaves >= MostOfPlan * factor * Math.Max(planned, plannedAtFirst);
    }

    /// <summary>The least patience of a search that comes to a leaf at all.</summary>
    /// <param name="leaves">Looked at before.</param>
    public static double PatienceToReach(int leaves) => leaves / (MostOfPlan * LeavesPerPatience);

    /// <summary>The patience with which a search would go on.</summary>
    /// <param name="leaves">Looked at.</param>
    /// <param name="lastGain">How many were, before the one in which something nearer was found last.</param>
    /// <param name="farthest">Squared distance of the k-th neighbour found.</param>
    /// <param name="next">Squared distance of the next leaf's centroid.</param>
    public static double PatienceSpent(int leaves, int lastGain, float farthest, float next)
    {
        // A threshold may be infinite or no number, a distance 0: then the ratio is the smallest.
        double ratio = Math.Max(SmallestRatio, Math.Min(LargestRatio, farthest > 0 ? next / (double)farthest : LargestRatio));
        double square = ratio * ratio;
        return (leaves - lastGain) * (square * square) - lastGain * ShareOfGain;
    }

    /// <summary>The 10 nearest of a tenth of all vectors are, about, among the 100 nearest of all.</summary>
    private readonly double PlannedFor(double rank) => probes?.ProbesFor(VectorSearch.CalibratedCount / rank) ?? 0;
}
