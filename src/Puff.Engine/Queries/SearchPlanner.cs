using System.Runtime.CompilerServices;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>
/// Decides how the indexed documents of a query are searched, from the exact number of those that match. Few: straight to their codes or vectors. Many: through
/// the leaves nearest to the query, or through all codes when that would read most of them anyway. Never by searching first and filtering afterwards.
/// </summary>
internal static class SearchPlanner
{
    // Nanoseconds, measured at 768 dimensions with memory that is not in a cache: the ratios matter, not the values.
    private const double BinaryPerDimension = 0.008;
    private const double OctalPerDimension = 0.08;
    private const double CentroidPerDimension = 0.2;
    private const double ExactPerByte = 0.085;
    private const double LeafOverhead = 200;
    private const double DocumentOverhead = 20;

    // Looking at all matches finds everything, so that is preferred as long as it is as fast as promised for filters.
    private const double ThoroughBudget = 300_000;
    private const double LargestProbedShare = 0.5;

    // Patience ends most searches before the leaves planned: at 0.45 to 0.7 of them on average.
    private const double ShareOfPlan = 0.6;
    private const int BlockVectors = 32;

    private static readonly ConditionalWeakTable<TreeDescriptor, ProbeTable> Tables = [];

    /// <summary>Arranges the sets of a query into parts, each with its strategy; sets of one tree form a part.</summary>
    /// <param name="sets">Sets with an index and matching documents.</param>
    /// <param name="snapshot">Where they come from.</param>
    /// <param name="rank">What is searched.</param>
    /// <param name="count">Neighbours wanted.</param>
    public static (SearchSet[] Sets, SearchPart[] Parts) Plan(List<SearchSet> sets, NamespaceSnapshot snapshot, BoundVectorRank rank, int count)
    {
        // Trees come first: the largest share of the documents, and its nearest leaves bound what the rest has to beat.
        var ordered = sets.ToArray();
        Array.Sort(ordered, static (left, right) => KeyOf(right).CompareTo(KeyOf(left)));
        var parts = new List<SearchPart>();
        for (int first = 0; first < ordered.Length;)
        {
            int end = first + 1;
            while (end < ordered.Length && ordered[first].Index.Tree is { } tree && ordered[end].Index.Tree?.Id == tree.Id)
            {
                end++;
            }

            parts.Add(PlanPart(ordered.AsSpan(first, end - first), first, snapshot, rank, count));
            first = end;
        }

        return (ordered, [.. parts]);
    }

    private static ulong KeyOf(SearchSet set) => set.Index.Tree?.Id ?? 0;

    private static SearchPart PlanPart(ReadOnlySpan<SearchSet> sets, int first, NamespaceSnapshot snapshot, BoundVectorRank rank, int count)
    {
        ClusterTree? tree = null;
        long codes = 0, matches = 0, groups = 0;
        foreach (var set in sets)
        {
            codes += set.Index.Count;
            matches += Math.Min(set.MatchCount, set.Index.Count);
            groups += set.Index.Groups.Length;
            tree = tree is null || set.Index.Tree!.NodeCount > tree.NodeCount ? set.Index.Tree : tree;
        }

        var probes = tree is null ? null : ProbesOf(snapshot, tree.Id);
        var part = new SearchPart { FirstSet = first, SetCount = sets.Length, Tree = tree, Probes = probes, Codes = codes, Matches = matches };
        part.Strategy = Choose(part, groups, rank, count);
        return part;
    }

    private static ProbeTable ProbesOf(NamespaceSnapshot snapshot, ulong id)
    {
        float recall = snapshot.VectorIndex.RecallTarget;
        foreach (var tree in snapshot.Trees)
        {
            if (tree.Id != id)
            {
                continue;
            }

            if (!Tables.TryGetValue(tree, out var table) || table.Recall != recall)
            {
                table = ProbeTable.Create(tree.Calibration, recall);
                Tables.AddOrUpdate(tree, table);
            }

            return table;
        }

        return ProbeTable.Uncalibrated;
    }

    private static SearchStrategy Choose(SearchPart part, long groups, BoundVectorRank rank, int count)
    {
        var attribute = rank.Attribute;
        double dimensions = attribute.Type.Dimensions;
        double exact = attribute.Type.VectorBytes * ExactPerByte;
        double toMeasure = Math.Min(part.Matches, 4.0 * count) * exact;
        double sharesOfBlocks = 1 - Math.Pow(1 - part.Selectivity, BlockVectors);
        double perCode = dimensions * BinaryPerDimension * sharesOfBlocks;

        double all = part.Matches * (exact + DocumentOverhead);
        double byCode = part.Matches * (dimensions * OctalPerDimension + DocumentOverhead)
            + Math.Min(groups, part.Matches) * dimensions * CentroidPerDimension + toMeasure;
        double everything = part.Codes * perCode + groups * (LeafOverhead + dimensions * CentroidPerDimension) + toMeasure;
        var (thorough, cost) = all <= byCode ? (SearchStrategy.Exact, all) : (SearchStrategy.FilterFirst, byCode);
        (thorough, cost) = everything < cost ? (SearchStrategy.Exhaustive, everything) : (thorough, cost);
        if (part.Tree is not { } tree || rank.IsThorough)
        {
            return thorough;
        }

        double narrowing = Math.Min(1, VectorSearch.CalibratedCount / (double)count);
        double leaves = tree.Leaves.Length;
        double probed = Math.Min(part.Probes!.ProbesFor(part.Selectivity * narrowing) * ShareOfPlan, leaves);
        double perLeaf = part.Codes / leaves * perCode + part.SetCount * (LeafOverhead + dimensions * CentroidPerDimension);
        bool isFiltered = part.Matches < part.Codes;
        return cost <= probed * perLeaf + toMeasure || probed > leaves * LargestProbedShare || (isFiltered && cost <= ThoroughBudget)
            ? thorough
            : SearchStrategy.Probe;
    }
}
