using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Chooses documents worth looking at by the clusters of their token vectors alone, without touching a code. Each vector of the query looks at the leaves
/// nearest to it; a document that has a vector there is credited with that leaf's distance, any other with the distance of the farthest leaf looked at, since
/// its own vectors are at least about that far. So a document's sum is known from the lists of a few leaves
/// (Santhanam et al., "PLAID", CIKM 2022: centroid interaction; Lee et al., "XTR", NeurIPS 2023: imputing what was not retrieved).
/// Pooled by callers; for one thread at a time.
/// </summary>
internal sealed unsafe class TokenProbe
{
    // What each vector of a query looks at, at first: lists cost little beside codes, and with a sixty-fourth of the leaves recall stays above 0.97.
    private const int LeavesShare = 64;
    private const int LeastLeaves = 32;
    private const int MostLeaves = 512;

    private readonly RouteScratch scratch = new();
    private readonly List<int> touched = [];
    private float[] gains = [];
    private int[] credited = [];
    private int[] leaves = [];
    private float[] distances = [];

    /// <summary>Leaves looked at by the last choice, by all vectors of the query.</summary>
    public long Leaves { get; private set; }

    /// <summary>
    /// The matching documents with the smallest sums of distances: <paramref name="count"/>, or all that have a vector. More leaves are looked at until
    /// so many were seen.
    /// </summary>
    /// <param name="clusters">Of the segment.</param>
    /// <param name="queries">The query's vectors, prepared.</param>
    /// <param name="matches">The documents that may be chosen.</param>
    /// <param name="count">How many.</param>
    /// <param name="chosen">Receives them; cleared first. As many bits as there are documents.</param>
    public void Choose(TokenClusters clusters, CodeQuery[] queries, BitSet matches, int count, BitSet chosen)
    {
        Leaves = 0;
        int all = clusters.Tree.Leaves.Length;
        Grow(matches.Count, all);
        for (int each = Math.Min(Math.Clamp(all / LeavesShare, LeastLeaves, MostLeaves), all); ; each = Math.Min(each * 4, all))
        {
            Credit(clusters, queries, matches, each);
            if (touched.Count >= count || each == all)
            {
                break;
            }

            Forget();
        }

        Keep(count, chosen);
        Forget();
    }

    private void Grow(int documents, int all)
    {
        if (gains.Length < documents)
        {
            gains = new float[documents];
            credited = new int[documents];
        }

        if (leaves.Length < all)
        {
            leaves = new int[all];
            distances = new float[all];
        }
    }

    private void Credit(TokenClusters clusters, CodeQuery[] queries, BitSet matches, int each)
    {
        for (int query = 0; query < queries.Length; query++)
        {
            int found = clusters.Tree.Route(queries[query], scratch, each, leaves, distances);
            Leaves += found;
            float farthest = distances[found - 1];
            for (int i = 0; i < found; i++)
            {
                Credit(clusters.DocumentsOf(leaves[i]), matches, query + 1, farthest - distances[i]);
            }
        }
    }

    /// <summary>Leaves come by ascending distance, so the first credit for a vector of the query is the document's best.</summary>
    private void Credit(ReadOnlySpan<int> documents, BitSet matches, int query, float gain)
    {
        foreach (int document in documents)
        {
            if (credited[document] == query || !matches[document])
            {
                continue;
            }

            if (credited[document] == 0)
            {
                touched.Add(document);
            }

            credited[document] = query;
            gains[document] += gain;
        }
    }

    private void Keep(int count, BitSet chosen)
    {
        chosen.ClearAll();
        if (touched.Count > count)
        {
            // Equal sums in the order of documents, so that the choice does not depend on the order of leaves.
            touched.Sort((a, b) => gains[b].CompareTo(gains[a]) is var order and not 0 ? order : a.CompareTo(b));
        }

        for (int i = 0; i < Math.Min(count, touched.Count); i++)
        {
            chosen[touched[i]] = true;
        }
    }

    /// <summary>Back to zeros for the next choice, at the cost of what this one touched.</summary>
    private void Forget()
    {
        foreach (int document in touched)
        {
            gains[document] = 0;
            credited[document] = 0;
        }

        touched.Clear();
    }
}
