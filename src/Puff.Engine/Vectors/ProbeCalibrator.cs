using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Measures how many leaves a query has to look at, on the documents themselves: some of them are searched for in all codes, and the leaves that hold their
/// nearest neighbours are looked up in the order in which the query would probe them. Filters are drawn by chance. Deterministic for the same codes and seed.
/// </summary>
internal sealed unsafe class ProbeCalibrator : IDisposable
{
    private const int MostQueries = 256;
    private const int FewestQueries = 48;

    // A query compares all codes once; together they may compare so many.
    private const long MostCodes = 1L << 28;

    // Enough of a query's nearest to have ten of them left under the smallest share.
    private const int Nearest = 1_600;

    // A share is drawn several times from the same list, which costs nothing.
    private const int Draws = 4;
    private const int LargestRank = 16_384;
    private const int Resolution = 24;

    private static readonly float[] Selectivities = [1, 0.1f, 0.01f];
    private static readonly float[] Recalls = [0.9f, 0.95f, 0.97f, 0.99f];

    private readonly CodedVectors index;
    private readonly ClusterTree tree;
    private readonly SearchSet set;
    private readonly SearchScratch scratch;
    private readonly float[] query;
    private readonly int[] rankOfGroup;

    private ProbeCalibrator(CodedVectors index, ClusterTree tree, IExactRows rows, int dimensions)
    {
        this.index = index;
        this.tree = tree;
        set = new SearchSet(0, index, rows, new BitSet(index.Documents, value: true), index.Documents);
        scratch = SearchScratchPool.Rent(index.PaddedDimensions);
        query = GC.AllocateUninitializedArray<float>(dimensions, pinned: true);
        rankOfGroup = new int[index.Groups.Length];
    }

    /// <summary>Measures on one segment, which should hold most of what is coded against the tree.</summary>
    /// <param name="index">Its codes, grouped by the tree.</param>
    /// <param name="tree">The tree, in the version that queries will use.</param>
    /// <param name="rows">Its vectors.</param>
    /// <param name="type">Of the vectors' elements.</param>
    /// <param name="isUnit">Cosine distance.</param>
    /// <param name="dimensions">Of the vectors.</param>
    /// <param name="threads">At least 1.</param>
    /// <param name="seed">Of the random choices.</param>
    public static IReadOnlyList<ProbeSetting> Calibrate(
        CodedVectors index, ClusterTree tree, IExactRows rows, ElementType type, bool isUnit, int dimensions, int threads, ulong seed)
    {
        if (index.Count <= 1)
        {
            return [];
        }

        int queries = (int)Math.Min(index.Count, Math.Clamp(MostCodes / index.Count, FewestQueries, MostQueries));
        var ranks = new List<int>[queries][];
        WorkerLoop.Run(
            queries,
            threads,
            () => new ProbeCalibrator(index, tree, rows, dimensions),
            (i, worker) => ranks[i] = worker.Measure((int)((i + 0.5) * index.Count / queries), type, isUnit, SplitMix.For(seed, i)));
        return Summarize(ranks);
    }

    public void Dispose() => SearchScratchPool.Return(scratch);

    /// <summary>The ranks of the leaves that hold the nearest neighbours of one vector, for each selectivity.</summary>
    private List<int>[] Measure(int slot, ElementType type, bool isUnit, SplitMix random)
    {
        IndexedVector.Read(set.Rows.Row(index.DocumentOf(slot)), type, isUnit, query);
        var part = new SearchPart
        {
            Strategy = SearchStrategy.Exhaustive, FirstSet = 0, SetCount = 1, Tree = tree, Codes = index.Count, Matches = index.Documents,
        };
        var request = new SearchRequest
        {
            Query = query,
            Scorer = null,
            CodeScale = 1,
            Count = Nearest + 1,
            Sets = [set],
            Parts = [part],
        };
        VectorSearch.Collect(request, scratch);
        var candidates = scratch.Candidates.Span;
        candidates.Sort(static (left, right) => left.Estimate.CompareTo(right.Estimate));
        RankGroups();
        var ranks = new List<int>[Selectivities.Length];
        for (int s = 0; s < ranks.Length; s++)
        {
            ranks[s] = [];
            for (int draw = 0; draw < (Selectivities[s] < 1 ? Draws : 1); draw++)
            {
                AddRanks(ranks[s], candidates, slot, Selectivities[s], ref random);
            }
        }

        return ranks;
    }

    /// <summary>The nearest ten of those that a random filter lets pass.</summary>
    private void AddRanks(List<int> ranks, ReadOnlySpan<CodeCandidate> candidates, int self, float selectivity, ref SplitMix random)
    {
        int found = 0;
        int group = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Slot != self && (selectivity == 1 || random.Next(1 << Resolution) < selectivity * (1 << Resolution)))
            {
                group = index.GroupAt(candidate.Slot, group);
                ranks.Add(rankOfGroup[group]);
                if (++found == VectorSearch.CalibratedCount)
                {
                    return;
                }
            }
        }
    }

    /// <summary>When each group is looked at, if leaves are probed one after the other; groups never reached come after all.</summary>
    private void RankGroups()
    {
        int wanted = Math.Min(tree.Leaves.Length, LargestRank);
        scratch.Leaves.SetCount(wanted);
        scratch.LeafDistances.SetCount(wanted);
        int found = tree.Route(scratch.Query, scratch.Route, wanted, scratch.Leaves.Span, scratch.LeafDistances.Span);
        Array.Fill(rankOfGroup, tree.Leaves.Length);
        for (int rank = found - 1; rank >= 0; rank--)
        {
            int group = index.GroupOf(tree, scratch.Leaves.Items[rank]);
            if (group >= 0)
            {
                rankOfGroup[group] = rank + 1;
            }
        }
    }

    private static List<ProbeSetting> Summarize(List<int>[][] ranks)
    {
        var settings = new List<ProbeSetting>();
        for (int s = 0; s < Selectivities.Length; s++)
        {
            int selectivity = s;
            int[] all = [.. ranks.SelectMany(r => r[selectivity]).Order()];
            foreach (float recall in all.Length == 0 ? [] : Recalls)
            {
                int probes = all[Math.Min(all.Length - 1, (int)Math.Ceiling(all.Length * recall) - 1)];
                settings.Add(new ProbeSetting(Selectivities[s], recall, probes));
            }
        }

        return settings;
    }
}
