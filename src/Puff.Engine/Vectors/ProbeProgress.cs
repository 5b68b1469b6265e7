namespace Puff.Engine.Vectors;

/// <summary>
/// How far a search through leaves has come, and whether that is enough. How many leaves are enough depends on how far out the neighbours lie: the k nearest
/// of all need fewer than the k nearest under a filter, which may be number 5 to 5,000 of all, depending on how the filter and the query go together. So the
/// search counts the masked vectors that are nearer than the k-th neighbour it has found, and takes the calibrated number for that rank.
/// </summary>
internal struct ProbeProgress
{
    private const int LeavesBetweenChecks = 4;

    private readonly ProbeTable? probes;
    private readonly int count;
    private int nextCheck;

    public ProbeProgress(SearchPart part, int count)
    {
        probes = part.Probes;
        this.count = count;
        Needed = (int)NeededFor(count / part.Selectivity);
        nextCheck = LeavesBetweenChecks;
    }

    /// <summary>Leaves that are enough, as far as is known: at first for a filter that has nothing to do with the query.</summary>
    public int Needed { get; private set; }

    public int Leaves { get; private set; }

    /// <summary>Vectors in the groups seen.</summary>
    public long Codes { get; set; }

    /// <summary>Counts a leaf. Returns whether it is time to see if that is enough: less and less often, because looking costs something, too.</summary>
    public bool Advance()
    {
        if (++Leaves < nextCheck)
        {
            return false;
        }

        nextCheck = Leaves + Math.Max(LeavesBetweenChecks, Leaves / 16);
        return true;
    }

    /// <param name="maskedRank">See <see cref="CodeScan.MaskedRank"/>.</param>
    /// <param name="hasFound">Whether there are as many candidates as neighbours are wanted.</param>
    public bool IsEnough(double maskedRank, bool hasFound)
    {
        Needed = (int)NeededFor(count + maskedRank);
        return hasFound && Leaves >= Needed;
    }

    /// <summary>The 10 nearest of a tenth of all vectors are, about, among the 100 nearest of all.</summary>
    private readonly double NeededFor(double rank) =>
        probes is null ? 0 : Math.Min(Math.Ceiling(probes.ProbesFor(VectorSearch.CalibratedCount / rank)), int.MaxValue / 2);
}
