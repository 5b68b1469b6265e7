namespace Puff.Engine.Vectors;

/// <summary>How far a search through leaves has come, and whether that is enough.</summary>
internal struct ProbeProgress
{
    private readonly ProbeTable? probes;
    private readonly double narrowing;
    private readonly bool isFiltered;
    private readonly double wantedMatches;

    public ProbeProgress(SearchPart part, int count)
    {
        probes = part.Probes;

        // The k nearest of all lie where the 10 nearest of a sample of 10/k lie.
        narrowing = Math.Min(1, VectorSearch.CalibratedCount / (double)count);
        isFiltered = part.Matches < part.Codes;
        if (probes is not null)
        {
            double planned = probes.ProbesFor(part.Selectivity * narrowing);
            Planned = (int)Math.Ceiling(Math.Min(planned, int.MaxValue / 2));
            wantedMatches = planned * part.Matches / part.Tree!.Leaves.Length;
        }
    }

    /// <summary>Leaves that a filter of this selectivity needs if it is independent of the query.</summary>
    public int Planned { get; }

    public int Leaves { get; set; }

    /// <summary>Vectors in the groups seen.</summary>
    public long Codes { get; set; }

    /// <summary>Of them, those that match.</summary>
    public long Matching { get; set; }

    /// <param name="hasFound">Whether there are as many candidates as neighbours are wanted.</param>
    public readonly bool IsEnough(bool hasFound)
    {
        if (!isFiltered)
        {
            return Leaves >= Planned && hasFound;
        }

        if (!hasFound || Matching < wantedMatches)
        {
            return false;
        }

        return Leaves >= probes!.ProbesFor((double)Matching / Codes * narrowing);
    }
}
