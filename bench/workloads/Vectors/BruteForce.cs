using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Workloads.Vectors;

/// <summary>
/// True neighbours by comparing everything with everything, on all processors. Candidates are found in single precision and ranked in double.
/// </summary>
internal static class BruteForce
{
    /// <summary>Candidates kept beyond the neighbours, so that rounding cannot push one out.</summary>
    private const int Spare = 28;

    /// <summary>Documents that pass together: they stay in the cache while all queries of a group look at them.</summary>
    private const int BandRows = 64;

    /// <param name="set">Documents and queries.</param>
    /// <param name="buckets">The attribute of every document; 1,000 for a document that is not there.</param>
    /// <param name="filters">From the widest to the narrowest.</param>
    public static IReadOnlyList<GroundTruth> Find(VectorSet set, int[] buckets, Selectivity[] filters)
    {
        int queries = set.Queries.Rows;
        var ids = Array.ConvertAll(filters, _ => new int[queries * GroundTruth.Neighbors]);
        var distances = Array.ConvertAll(filters, _ => new float[queries * GroundTruth.Neighbors]);
        float[] norms = SquaredNorms(set.Documents);
        int groups = Math.Min(queries, Environment.ProcessorCount * 4);
        Parallel.For(0, groups, g =>
        {
            int first = (int)((long)queries * g / groups);
            int end = (int)((long)queries * (g + 1) / groups);
            var lists = Search(set, norms, buckets, filters, first, end);
            for (int i = 0; i < lists.Length; i++)
            {
                var (query, filter) = (first + i / filters.Length, i % filters.Length);
                var place = new Range(query * GroundTruth.Neighbors, (query + 1) * GroundTruth.Neighbors);
                Rank(set, query, lists[i], ids[filter].AsSpan(place), distances[filter].AsSpan(place));
            }
        });
        return [.. filters.Select((f, i) => new GroundTruth(ids[i], distances[i], buckets, f))];
    }

    /// <summary>One list a query and filter.</summary>
    private static unsafe NeighborList[] Search(VectorSet set, float[] squaredNorms, int[] buckets, Selectivity[] filters, int firstQuery, int endQuery)
    {
        var lists = new NeighborList[(endQuery - firstQuery) * filters.Length];
        for (int i = 0; i < lists.Length; i++)
        {
            lists[i] = new NeighborList(GroundTruth.Neighbors + Spare);
        }

        bool isCosine = set.Metric == DistanceMetric.CosineDistance;
        for (int band = 0; band < set.Documents.Rows; band += BandRows)
        {
            int bandEnd = Math.Min(band + BandRows, set.Documents.Rows);
            for (int query = firstQuery; query < endQuery; query++)
            {
                float* vector = set.Queries.SingleRow(query);
                var mine = lists.AsSpan((query - firstQuery) * filters.Length, filters.Length);
                for (int document = band; document < bandEnd; document++)
                {
                    float dot = DotProduct.Compute<F32Element>((byte*)set.Documents.SingleRow(document), vector, set.Dimensions);
                    float distance = isCosine ? -dot / MathF.Sqrt(squaredNorms[document]) : squaredNorms[document] - 2 * dot;
                    for (int f = 0; f < filters.Length && buckets[document] < filters[f].Below; f++)
                    {
                        mine[f].Offer(document, distance);
                    }
                }
            }
        }

        return lists;
    }

    private static void Rank(VectorSet set, int query, NeighborList list, Span<int> ids, Span<float> distances)
    {
        var vector = set.Queries.Singles(query);
        var exact = new (double Distance, int Id)[list.Count];
        for (int i = 0; i < exact.Length; i++)
        {
            exact[i] = (GroundTruth.Distance(set.Metric, vector, set.Documents.Singles(list.Numbers[i])), list.Numbers[i]);
        }

        Array.Sort(exact);
        ids.Fill(-1);
        distances.Fill(float.PositiveInfinity);
        for (int i = 0; i < Math.Min(exact.Length, ids.Length); i++)
        {
            ids[i] = exact[i].Id;
            distances[i] = (float)exact[i].Distance;
        }
    }

    private static unsafe float[] SquaredNorms(VectorFile vectors)
    {
        var norms = new float[vectors.Rows];
        Parallel.For(0, vectors.Rows, i => norms[i] = DotProduct.Compute<F32Element>((byte*)vectors.SingleRow(i), vectors.SingleRow(i), vectors.Columns));
        return norms;
    }
}
