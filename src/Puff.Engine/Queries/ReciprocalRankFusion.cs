using System.Runtime.InteropServices;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// Merges ranked lists by Σ weight / (constant + rank), rank from 1. Source: Cormack, Clarke, Büttcher, "Reciprocal rank fusion outperforms Condorcet
/// and individual rank learning methods", SIGIR 2009.
/// </summary>
internal static class ReciprocalRankFusion
{
    public static void Check(RankFusion fusion, MultiQueryRequest request)
    {
        if (!(fusion.RankConstant >= 0) || !double.IsFinite(fusion.RankConstant))
        {
            throw PuffException.Invalid($"rerank_by: rank_constant is {fusion.RankConstant}; it must be a number that is not negative");
        }

        if (fusion.Weights is { } weights && weights.Count != request.Queries.Count)
        {
            throw PuffException.Invalid($"rerank_by: {weights.Count} weights were given for {request.Queries.Count} queries; weights needs one for each query");
        }

        if (fusion.Weights?.Any(w => !(w >= 0) || !double.IsFinite(w)) == true)
        {
            throw PuffException.Invalid("rerank_by: weights must be numbers that are not negative");
        }

        if (request.Queries.Any(q => q.AggregateBy is not null))
        {
            throw PuffException.Invalid("rerank_by fuses rows; queries with aggregate_by cannot be fused");
        }

        if (request.Limit is not null)
        {
            QueryBinder.RequireLimit(request.Limit);
        }
    }

    /// <summary>The best rows first, ties by ascending id; each carries the attributes that any of the results has for it.</summary>
    public static IReadOnlyList<ResultRow> Fuse(IReadOnlyList<QueryResult> results, RankFusion fusion, int limit)
    {
        var fused = new Dictionary<DocumentId, (double Score, List<KeyValuePair<string, Value>> Attributes)>();
        for (int i = 0; i < results.Count; i++)
        {
            double weight = fusion.Weights?[i] ?? 1;
            var rows = results[i].Rows!;
            for (int rank = 1; rank <= rows.Count; rank++)
            {
                var row = rows[rank - 1];
                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(fused, row.Id, out bool isKnown);
                entry.Score += weight / (fusion.RankConstant + rank);
                entry.Attributes = isKnown ? Union(entry.Attributes, row.Attributes) : [.. row.Attributes];
            }
        }

        return fused.OrderByDescending(e => e.Value.Score).ThenBy(e => e.Key).Take(limit)
            .Select(e => new ResultRow(e.Key, (float)e.Value.Score, e.Value.Attributes)).ToArray();
    }

    private static List<KeyValuePair<string, Value>> Union(List<KeyValuePair<string, Value>> attributes, IReadOnlyList<KeyValuePair<string, Value>> more)
    {
        foreach (var attribute in more)
        {
            if (!attributes.Exists(a => a.Key == attribute.Key))
            {
                attributes.Add(attribute);
            }
        }

        return attributes;
    }
}
