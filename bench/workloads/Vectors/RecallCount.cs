namespace Puff.Workloads.Vectors;

/// <summary>Recall@k: the share of true neighbours found. A result as near as the k-th true neighbour counts, so that ties are no matter of luck.</summary>
internal sealed class RecallCount(VectorSet set, GroundTruth truth, int k)
{
    private const double Tolerance = 1e-6;
    private long right;
    private long wanted;

    /// <summary>1 when nothing was to be found.</summary>
    public double Recall => wanted == 0 ? 1 : (double)right / wanted;

    /// <param name="query">Row of the queries.</param>
    /// <param name="found">Document numbers; at most k are looked at; repeated and negative ones, and ones that the filter refuses, are wrong.</param>
    public void Add(int query, ReadOnlySpan<int> found)
    {
        int possible = Math.Min(k, truth.Ids(query).Length);
        if (possible == 0)
        {
            return;
        }

        double bound = truth.Distances(query)[possible - 1];
        bound += Tolerance * Math.Max(1, bound);
        int hits = 0;
        for (int i = 0; i < Math.Min(k, found.Length); i++)
        {
            hits += !found[..i].Contains(found[i]) && IsRight(query, found[i], possible, bound) ? 1 : 0;
        }

        wanted += possible;
        right += Math.Min(hits, possible);
    }

    private bool IsRight(int query, int document, int possible, double bound)
    {
        if (document < 0 || document >= set.Documents.Rows || !truth.Matches(document))
        {
            return false;
        }

        return truth.Ids(query)[..possible].Contains(document)
            || GroundTruth.Distance(set.Metric, set.Queries.Singles(query), set.Documents.Singles(document)) <= bound;
    }
}
