using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// A search for the nearest vectors: chooses groups (the leaves nearest to the query, or all of them), narrows them by 1-bit and 3-bit codes under the mask of
/// matching documents (<see cref="CodeScan"/>), and measures what is left exactly. Masked documents are never candidates, so a filter cannot empty the result.
/// </summary>
internal unsafe ref struct VectorSearch
{
    /// <summary>The number of neighbours that calibration counts probes for.</summary>
    public const int CalibratedCount = 10;

    // Probing more of the codes than this costs more than reading all of them in the order of memory.
    private const double LargestProbedShare = 0.3;

    // Standard deviations that bounds allow for. Where everything is looked at, nothing else costs recall, and more candidates cost little.
    private const float ProbeEpsilon = 1.9f;
    private const float ThoroughEpsilon = 3;

    // Leaves scanned first, so that the scan of everything begins with a tight threshold.
    private const int LeavesBeforeAll = 8;
    private const int CancellationStride = 64;
    private const int RowsAhead = 4;

    // Leaves whose codes are fetched together at least: most searches that plan with few look at some more, and another step takes longer than they do.
    private const int LeavesAtOnce = 40;

    // Vectors fetched together, besides as many as are wanted; and candidates beyond those that are read as if they were results.
    private const int CandidatesAtOnce = 96;
    private const int LikelyResults = 4;

    // An exact distance and the bounds of codes are rounded differently; relative to the largest term.
    private const float Rounding = 1e-5f;

    private readonly SearchRequest request;
    private readonly SearchScratch scratch;
    private SearchStatistics statistics;
    private CodeScan scan;
    private ulong preparedSeed;
    private bool isPrepared;

    private VectorSearch(SearchRequest request, SearchScratch scratch)
    {
        this.request = request;
        this.scratch = scratch;
        scan = new CodeScan(scratch);
    }

    /// <summary>
    /// Leaves the hits in <see cref="SearchScratch.Hits"/>: all that were measured, among them everything found within the distance of the k-th nearest, in
    /// no order.
    /// </summary>
    /// <param name="request">What to search.</param>
    /// <param name="scratch">Of the attribute's padded dimensions.</param>
    public static SearchStatistics Run(SearchRequest request, SearchScratch scratch)
    {
        var search = Start(request, scratch);
        search.MeasureCandidates();
        return search.Finish();
    }

    /// <summary>Leaves what codes say is nearest in <see cref="SearchScratch.Candidates"/>: at least the k nearest by estimate, in no order.</summary>
    public static void Collect(SearchRequest request, SearchScratch scratch)
    {
        var search = Start(request, scratch);
        search.KeepNearest();
    }

    private static VectorSearch Start(SearchRequest request, SearchScratch scratch)
    {
        float slack = Rounding * TensorPrimitives.SumOfSquares<float>(request.Query);
        scratch.Begin(request.Count, request.Limit, request.Limit * request.CodeScale * (1 + Rounding) + slack);
        var search = new VectorSearch(request, scratch);
        if (request.Reads is not null)
        {
            search.PlanParts();
        }

        foreach (var part in request.Parts)
        {
            search.Run(part);
        }

        search.scan.Finish();
        return search;
    }

    private SearchStatistics Finish()
    {
        statistics.BinaryCodes = scan.BinaryCodes;
        statistics.OctalCodes = scan.OctalCodes;
        return statistics;
    }

    private void Run(SearchPart part)
    {
        scratch.Query.Epsilon = part.Strategy == SearchStrategy.Probe ? ProbeEpsilon : ThoroughEpsilon;
        if (part.Strategy == SearchStrategy.Exact)
        {
            MeasureAll(part);
            return;
        }

        Prepare(request.Sets[part.FirstSet].Index);
        BeginPart(part);
        switch (part.Strategy)
        {
            case SearchStrategy.FilterFirst:
                CompareMatches(part);
                break;
            case SearchStrategy.Probe:
                Probe(part);
                break;
            default:
                ScanNearest(part);
                ScanRest(part);
                break;
        }
    }

    /// <summary>Rotates the query. Parts of one rotation, which is the rule, share it.</summary>
    private void Prepare(CodedVectors index)
    {
        if (isPrepared && preparedSeed == index.RotationSeed)
        {
            return;
        }

        scan.Finish();
        isPrepared = true;
        preparedSeed = index.RotationSeed;
        fixed (float* query = request.Query)
        {
            index.Rotation.Apply(query, scratch.Rotated);
        }

        scratch.Query.Prepare(scratch.Rotated);
    }

    private void BeginPart(SearchPart part)
    {
        scratch.VisitedStarts.SetCount(part.SetCount);
        int groups = 0;
        for (int i = 0; i < part.SetCount; i++)
        {
            scratch.VisitedStarts.Items[i] = groups;
            groups += request.Sets[part.FirstSet + i].Index.Groups.Length;
        }

        scratch.NextMark(part.Tree?.NodeCount ?? 1, groups);
    }

    /// <summary>Looks at leaves, nearest first, until enough were seen; at all that is left when enough would be a large part.</summary>
    private void Probe(SearchPart part)
    {
        var progress = new ProbeProgress(part, request.Count);
        int leaves = part.Tree!.Leaves.Length;
        int wanted = Math.Clamp(request.Reads is null ? progress.Planned : Math.Max(LeavesAtOnce, 2 * progress.Planned), 1, leaves);
        scan.CountsMasked = true;
        scratch.Masked.Clear();
        scan.TakeGain();
        while (true)
        {
            int found = Route(part, wanted);
            if (ScanLeaves(ref progress) || found == leaves)
            {
                break;
            }

            if (found < wanted || progress.Codes > part.Codes * LargestProbedShare)
            {
                statistics.TurnedExhaustive = true;
                scan.CountsMasked = false;
                ScanRest(part);
                break;
            }

            wanted = Math.Min(leaves, Math.Clamp(progress.Planned, 2 * wanted, 4 * wanted));
        }

        scan.CountsMasked = false;
    }

    /// <summary>Whether as many candidates are known as are wanted.</summary>
    private readonly bool HasFound => request.Limit < float.PositiveInfinity || scratch.Candidates.Count >= request.Count;

    /// <summary>Finds the nearest leaves, and lists what the sets have of them and was not listed before. Returns the number of leaves found.</summary>
    private readonly int Route(SearchPart part, int wanted)
    {
        scratch.Leaves.SetCount(wanted);
        scratch.LeafDistances.SetCount(wanted);
        var tree = part.Tree!;
        int found = tree.Route(scratch.Query, scratch.Route, wanted, scratch.Leaves.Span, scratch.LeafDistances.Span);
        scratch.Groups.Clear();
        for (int i = 0; i < found; i++)
        {
            int before = scratch.Groups.Count;
            int leaf = scratch.Leaves.Items[i];
            for (int set = 0; set < part.SetCount; set++)
            {
                int group = request.Sets[part.FirstSet + set].Index.GroupOf(tree, leaf);
                List(part, set, group, leaf, scratch.LeafDistances.Items[i]);
            }

            if (scratch.Groups.Count > before)
            {
                scratch.Groups.Items[scratch.Groups.Count - 1].EndsLeaf = true;
            }
        }

        ReadListed();
        return found;
    }

    /// <summary>Finds the codes of the groups listed; those that are not here are fetched together.</summary>
    private readonly void ReadListed()
    {
        var groups = scratch.Groups.Span;
        if (request.Reads is { } reads)
        {
            foreach (ref readonly var group in groups)
            {
                request.Sets[group.Set].Index.PlanGroup(group.Group, reads);
            }

            reads.Run();
        }

        foreach (ref var group in groups)
        {
            group.Codes = request.Sets[group.Set].Index.GroupCodes(group.Group);
        }
    }

    private readonly void List(SearchPart part, int setOfPart, int group, int leaf, float leafDistance)
    {
        if (group < 0 || !TryVisit(setOfPart, group))
        {
            return;
        }

        var index = request.Sets[part.FirstSet + setOfPart].Index;
        int node = index.Groups[group].Node;
        scratch.Groups.Add(new GroupToScan
        {
            CentroidDistance = node == leaf ? leafDistance : CentroidDistance(part, index, node),
            LeafDistance = leafDistance,
            Set = part.FirstSet + setOfPart,
            Group = group,
        });
    }

    /// <summary>Scans the groups listed until the leaves seen are enough. Returns whether they are.</summary>
    private bool ScanLeaves(ref ProbeProgress progress)
    {
        var groups = scratch.Groups.Items;
        int count = scratch.Groups.Count;
        for (int i = 0; i < count; i++)
        {
            var set = request.Sets[groups[i].Set];
            scan.SparseWeight = ProbeProgress.SparseWeight(progress.Leaves);
            scan.ScanGroup(set, groups[i], i + 1 < count ? Following(groups[i + 1], progress.Leaves + (groups[i].EndsLeaf ? 1 : 0)) : null);
            progress.Codes += set.Index.Groups[groups[i].Group].Count;
            if (groups[i].EndsLeaf)
            {
                statistics.LeavesProbed++;
                if (progress.Advance())
                {
                    request.Cancellation.ThrowIfCancellationRequested();
                    progress.Rank(scan.MaskedRank());
                }

                if (IsEnough(ref progress, groups[Math.Min(i + 1, count - 1)].LeafDistance))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private readonly byte* Following(in GroupToScan group, int leaf) =>
        CodeScan.FirstToScan(request.Sets[group.Set], group, ProbeProgress.SparseWeight(leaf) > 0);

    /// <summary>What was found in the last leaf is known late; before a search ends, it is asked for.</summary>
    private bool IsEnough(ref ProbeProgress progress, float next)
    {
        if (scan.TakeGain())
        {
            progress.Gain();
        }

        if (!HasFound || !progress.IsEnough(scratch.Nearest.Threshold, next))
        {
            return false;
        }

        scan.Finish();
        progress.Rank(scan.MaskedRank());
        if (scan.TakeGain())
        {
            progress.Gain();
        }

        return progress.IsEnough(scratch.Nearest.Threshold, next);
    }

    /// <summary>A few leaves first, so that the scan of everything begins with a tight threshold.</summary>
    private void ScanNearest(SearchPart part)
    {
        if (part.Tree is not { } tree)
        {
            return;
        }

        Route(part, Math.Min(LeavesBeforeAll, tree.Leaves.Length));
        var groups = scratch.Groups.Items;
        for (int i = 0; i < scratch.Groups.Count; i++)
        {
            scan.ScanGroup(request.Sets[groups[i].Set], groups[i], null);
            statistics.LeavesProbed += groups[i].EndsLeaf ? 1 : 0;
        }
    }

    /// <summary>All groups not yet looked at, in the order of memory.</summary>
    private void ScanRest(SearchPart part)
    {
        PlanRest(part);
        for (int i = 0; i < part.SetCount; i++)
        {
            var set = request.Sets[part.FirstSet + i];
            var groups = set.Index.Groups;
            for (int group = 0; group < groups.Length; group++)
            {
                if (group % CancellationStride == 0)
                {
                    request.Cancellation.ThrowIfCancellationRequested();
                }

                if (TryVisit(i, group) && (set.MatchesAll || SlotMask.Any(set, groups[group])))
                {
                    var work = new GroupToScan
                    {
                        Codes = set.Index.GroupCodes(group),
                        CentroidDistance = CentroidDistance(part, set.Index, groups[group].Node),
                        Set = part.FirstSet + i,
                        Group = group,
                    };
                    scan.ScanGroup(set, work, group + 1 < groups.Length ? set.Index.GroupCodes(group + 1) : null);
                }
            }
        }
    }

    /// <summary>What parts read that are not probed, in one step for all.</summary>
    private readonly void PlanParts()
    {
        foreach (var part in request.Parts)
        {
            for (int i = part.FirstSet; i < part.FirstSet + part.SetCount && part.Strategy != SearchStrategy.Probe; i++)
            {
                Plan(request.Sets[i], part.Strategy);
            }
        }

        request.Reads!.Run();
    }

    /// <summary>All groups, those of the matching documents, or, when these are to be measured exactly, their vectors.</summary>
    private readonly void Plan(SearchSet set, SearchStrategy strategy)
    {
        if (strategy == SearchStrategy.Exhaustive)
        {
            for (int number = 0; number < set.Index.Groups.Length; number++)
            {
                set.Index.PlanGroup(number, request.Reads!);
            }

            return;
        }

        int group = 0;
        for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
        {
            if (strategy == SearchStrategy.Exact)
            {
                set.Rows.Plan(document, request.Reads!);
            }
            else if (set.Index.SlotOf(document) is >= 0 and var slot)
            {
                group = set.Index.GroupAt(slot, group);
                set.Index.PlanGroup(group, request.Reads!);
            }
        }
    }

    /// <summary>A search that began with leaves goes on with everything.</summary>
    private readonly void PlanRest(SearchPart part)
    {
        if (request.Reads is { } reads)
        {
            for (int i = part.FirstSet; i < part.FirstSet + part.SetCount; i++)
            {
                Plan(request.Sets[i], SearchStrategy.Exhaustive);
            }

            reads.Run();
        }
    }

    /// <summary>
    /// The exact vectors of the next candidates, and of those likely to be results what the answer carries of them: in one step, because most searches need no
    /// other.
    /// </summary>
    /// <returns>How many candidates, from the first on, are here.</returns>
    private readonly int PlanCandidates(int from, int count)
    {
        int end = Math.Min(count, Math.Max(2 * from, from + CandidatesAtOnce + request.Count));
        for (int i = from; i < end; i++)
        {
            ref readonly var candidate = ref scratch.Candidates.Items[i];
            var set = request.Sets[candidate.Set];
            int document = set.Index.DocumentOf(candidate.Slot);
            set.Rows.Plan(document, request.Reads!);
            if (i < request.Count + LikelyResults)
            {
                request.PlanResult?.Invoke(candidate.Set, document);
            }
        }

        request.Reads!.Run();
        return end;
    }

    private readonly bool TryVisit(int set, int group)
    {
        ref int mark = ref scratch.Visited.Items[scratch.VisitedStarts.Items[set] + group];
        if (mark == scratch.Mark)
        {
            return false;
        }

        mark = scratch.Mark;
        return true;
    }

    /// <summary>Squared distance between the query and what a group's codes are relative to.</summary>
    private readonly float CentroidDistance(SearchPart part, CodedVectors index, int node)
    {
        ref var known = ref scratch.NodeDistances.Items[node];
        if (known.Mark != scratch.Mark)
        {
            known.Mark = scratch.Mark;
            known.Value = part.Tree is { } tree ? tree.SquaredDistance(scratch.Rotated, node) : FlatDistance(index);
        }

        return known.Value;
    }

    private readonly float FlatDistance(CodedVectors index)
    {
        fixed (float* centroid = index.FlatCentroid)
        {
            return SquaredEuclidean.Compute<F32Element>((byte*)centroid, scratch.Rotated, index.PaddedDimensions);
        }
    }

    /// <summary>The 3-bit codes of all matching documents, group after group.</summary>
    private void CompareMatches(SearchPart part)
    {
        for (int i = 0; i < part.SetCount; i++)
        {
            var set = request.Sets[part.FirstSet + i];
            var groups = set.Index.Groups;
            int group = 0;
            int compared = 0;
            for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
            {
                if (++compared % CancellationStride == 0)
                {
                    request.Cancellation.ThrowIfCancellationRequested();
                }

                int slot = set.Index.SlotOf(document);
                if (slot >= 0)
                {
                    group = set.Index.GroupAt(slot, group);
                    scan.Add(set, part.FirstSet + i, group, slot, CentroidDistance(part, set.Index, groups[group].Node));
                }
            }
        }
    }

    private void MeasureAll(SearchPart part)
    {
        for (int i = part.FirstSet; i < part.FirstSet + part.SetCount; i++)
        {
            var set = request.Sets[i];
            for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
            {
                Measure(set, document);
            }

            request.Cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Measures candidates in the order of their lower bounds until the bounds exceed the k-th exact distance.</summary>
    private void MeasureCandidates()
    {
        int count = KeepNearest();
        var candidates = scratch.Candidates.Items;
        scratch.Candidates.Span.Sort(static (left, right) => left.Lower.CompareTo(right.Lower));
        float slack = Rounding * (isPrepared ? scratch.Query.SquaredNorm : 0);
        int here = request.Reads is null ? count : 0;
        for (int i = 0; i < count; i++)
        {
            if (candidates[i].Lower > scratch.NearestExact.Threshold * request.CodeScale * (1 + Rounding) + slack)
            {
                return;
            }

            if (i == here)
            {
                here = PlanCandidates(here, count);
            }

            if (i + RowsAhead < here)
            {
                ref readonly var later = ref candidates[i + RowsAhead];
                var laterSet = request.Sets[later.Set];
                if (laterSet.Rows.AreInPlace)
                {
                    request.Scorer!.Prefetch(laterSet.Rows.Row(laterSet.Index.DocumentOf(later.Slot), scratch.Row));
                }
            }

            var set = request.Sets[candidates[i].Set];
            Measure(set, set.Index.DocumentOf(candidates[i].Slot));
        }
    }

    /// <summary>Drops the candidates that the final threshold excludes.</summary>
    private readonly int KeepNearest()
    {
        var candidates = scratch.Candidates.Items;
        float threshold = scratch.Nearest.Threshold;
        int kept = 0;
        for (int i = 0; i < scratch.Candidates.Count; i++)
        {
            if (!(candidates[i].Lower > threshold))
            {
                candidates[kept++] = candidates[i];
            }
        }

        scratch.Candidates.SetCount(kept);
        return kept;
    }

    private void Measure(SearchSet set, int document)
    {
        byte* row = set.Rows.Row(document, scratch.Row);
        if (row == null)
        {
            return;
        }

        float distance = request.Scorer!.Distance(row);
        statistics.ExactDistances++;
        if (distance <= scratch.NearestExact.Threshold)
        {
            scratch.NearestExact.Offer(distance);
            scratch.Hits.Add(new SearchHit(distance, set.Number, document));
        }
    }
}
