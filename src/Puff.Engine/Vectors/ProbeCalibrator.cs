using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Measures how patient a search through leaves has to be (<see cref="ProbeProgress"/>), on the documents themselves: some of them are searched for in all
/// codes, and the way is replayed on which a search of leaves comes to the nearest neighbours. Filters are drawn by chance. Deterministic for the same codes
/// and seed.
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

    // Searches ask for few leaves first, and then for more and more. The few come from below few upper nodes, so a near leaf may only be among the next.
    private const int FirstLeaves = 8;
    private const int LargestPlan = 1 << 24;
    private const int Resolution = 24;

    private static readonly float[] Selectivities = [1, 0.1f, 0.01f];
    private static readonly float[] Recalls = [0.9f, 0.95f, 0.97f, 0.99f, 0.995f, 0.998f];

    private readonly CodedVectors index;
    private readonly ClusterTree tree;
    private readonly SearchSet set;
    private readonly SearchScratch scratch;
    private readonly float[] query;
    private readonly int[] rankOfGroup;
    private readonly HashSet<int> listed = [];
    private readonly List<(int Leaf, float Distance)> leaves = [];
    private readonly List<(int Leaf, float Estimate)> ranked = [];
    private readonly List<(int Leaf, float Estimate)> passing = [];

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
        var patience = new List<double>[queries][];
        WorkerLoop.Run(
            queries,
            threads,
            () => new ProbeCalibrator(index, tree, rows, dimensions),
            (i, worker) => patience[i] = worker.Measure((int)((i + 0.5) * index.Count / queries), type, isUnit, SplitMix.For(seed, i)));
        return Summarize(patience);
    }

    public void Dispose() => SearchScratchPool.Return(scratch);

    /// <summary>The patience that it takes to find each of the nearest neighbours of one vector, for each selectivity.</summary>
    private List<double>[] Measure(int slot, ElementType type, bool isUnit, SplitMix random)
    {
        IndexedVector.Read(set.Rows.Row(index.DocumentOf(slot), scratch.Row), type, isUnit, query);
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
        RankCandidates(slot);
        var patience = new List<double>[Selectivities.Length];
        for (int s = 0; s < patience.Length; s++)
        {
            patience[s] = [];
            for (int draw = 0; draw < (Selectivities[s] < 1 ? Draws : 1); draw++)
            {
                Draw(Selectivities[s], ref random);
                Replay(patience[s]);
            }
        }

        return patience;
    }

    /// <summary>Candidates, nearest first, each with the leaf in which a search would come to it; those never reached come after all.</summary>
    private void RankCandidates(int self)
    {
        ListLeaves();
        Array.Fill(rankOfGroup, tree.Leaves.Length);
        for (int rank = leaves.Count - 1; rank >= 0; rank--)
        {
            int group = index.GroupOf(tree, leaves[rank].Leaf);
            if (group >= 0)
            {
                rankOfGroup[group] = rank;
            }
        }

        ranked.Clear();
        var candidates = scratch.Candidates.Span;
        candidates.Sort(static (left, right) => left.Estimate.CompareTo(right.Estimate));
        int last = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Slot != self)
            {
                last = index.GroupAt(candidate.Slot, last);
                ranked.Add((rankOfGroup[last], candidate.Estimate));
            }
        }
    }

    /// <summary>Leaves in the order in which a search looks at them.</summary>
    private void ListLeaves()
    {
        leaves.Clear();
        listed.Clear();
        int most = Math.Min(tree.Leaves.Length, LargestRank);
        for (int wanted = Math.Min(FirstLeaves, most); ; wanted = Math.Min(2 * wanted, most))
        {
            scratch.Leaves.SetCount(wanted);
            scratch.LeafDistances.SetCount(wanted);
            int found = tree.Route(scratch.Query, scratch.Route, wanted, scratch.Leaves.Span, scratch.LeafDistances.Span);
            for (int i = 0; i < found; i++)
            {
                if (listed.Add(scratch.Leaves.Items[i]))
                {
                    leaves.Add((scratch.Leaves.Items[i], scratch.LeafDistances.Items[i]));
                }
            }

            if (wanted == most || found < wanted)
            {
                return;
            }
        }
    }

    /// <summary>Those that a random filter lets pass.</summary>
    private void Draw(float selectivity, ref SplitMix random)
    {
        passing.Clear();
        foreach (var candidate in ranked)
        {
            if (selectivity == 1 || random.Next(1 << Resolution) < selectivity * (1 << Resolution))
            {
                passing.Add(candidate);
            }
        }
    }

    /// <summary>
    /// Goes through the leaves as a search would, and notes at each of the nearest neighbours how much patience a search must have had to get there.
    /// </summary>
    private void Replay(List<double> patience)
    {
        if (passing.Count == 0)
        {
            return;
        }

        float farthest = passing[Math.Min(passing.Count, VectorSearch.CalibratedCount) - 1].Estimate;
        passing.Sort();
        scratch.Nearest.Reset(VectorSearch.CalibratedCount, float.PositiveInfinity);
        int lastGain = 0;
        double most = 0;
        foreach (var (leaf, estimate) in passing)
        {
            if (scratch.Nearest.IsFull)
            {
                float next = leaves[Math.Min(leaf, leaves.Count - 1)].Distance;
                most = Math.Max(most, ProbeProgress.PatienceSpent(leaf, lastGain, scratch.Nearest.Threshold, next));
            }

            if (estimate <= farthest)
            {
                patience.Add(Math.Max(most, ProbeProgress.PatienceToReach(leaf)));
            }

            if (estimate < scratch.Nearest.Threshold)
            {
                lastGain = leaf;
                scratch.Nearest.Offer(estimate);
            }
        }
    }

    private static List<ProbeSetting> Summarize(List<double>[][] patience)
    {
        var settings = new List<ProbeSetting>();
        for (int s = 0; s < Selectivities.Length; s++)
        {
            int selectivity = s;
            double[] all = [.. patience.SelectMany(p => p[selectivity]).Order()];
            foreach (float recall in all.Length == 0 ? [] : Recalls)
            {
                double enough = all[Math.Min(all.Length - 1, (int)Math.Ceiling(all.Length * recall) - 1)];
                int probes = (int)Math.Clamp(Math.Ceiling(enough * ProbeProgress.LeavesPerPatience), 1, LargestPlan);
                settings.Add(new ProbeSetting(Selectivities[s], recall, probes));
            }
        }

        return settings;
    }
}
