using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// The first two stages of a search: 1-bit codes of whole groups, and 3-bit codes of those that may be among the nearest. The threshold is the k-th smallest
/// upper bound by 3-bit codes so far, so it tightens while groups are scanned. The 3-bit codes of one group are compared after the next group was scanned:
/// until then they have arrived in the cache.
/// </summary>
internal ref struct CodeScan
{
    // Up to so many matching vectors in a block, comparing their 3-bit codes costs less than the block's 1-bit codes: they are fewer bytes.
    private const int FewInBlock = 3;

    // Where blocks are not scanned, so many 3-bit codes are gathered before the first are compared, so that they have arrived.
    private const int FewestArriving = 8;
    private const int CacheLine = 64;

    // 3-bit codes are so much sharper than 1-bit codes that a wider margin costs next to nothing, and no recall is lost here.
    private const float OctalMargin = 1.5f;

    private readonly SearchScratch scratch;
    private readonly CodeQuery query;
    private readonly SmallestValues nearest;
    private readonly SmallestValues rough;
    private readonly int blockBytes;
    private readonly int rowBytes;
    private ScratchList<PendingCode> arrived;
    private ScratchList<PendingCode> arriving;
    private float smallestEstimate = float.PositiveInfinity;
    private bool hasGained;

    public CodeScan(SearchScratch scratch)
    {
        this.scratch = scratch;
        query = scratch.Query;
        nearest = scratch.Nearest;
        rough = scratch.Rough;
        arrived = scratch.Arrived;
        arriving = scratch.Arriving;
        blockBytes = CodesFormat.BlockBytes(scratch.PaddedDimensions);
        rowBytes = CodesFormat.RowBytes(scratch.PaddedDimensions);
    }

    /// <summary>1-bit codes compared.</summary>
    public long BinaryCodes { get; private set; }

    /// <summary>3-bit codes compared.</summary>
    public long OctalCodes { get; private set; }

    /// <summary>Whether masked vectors are counted that may be nearer than the neighbours found.</summary>
    public bool CountsMasked { get; set; }

    /// <summary>
    /// For how many groups with few matches the next one stands when masked vectors are counted, 0 when it is left out. Counting means to read 1-bit codes,
    /// which these groups spare a search otherwise.
    /// </summary>
    public int SparseWeight { get; set; }

    /// <summary>Whether something nearer than the k-th neighbour until then was found since this was asked last.</summary>
    public bool TakeGain()
    {
        bool gained = hasGained;
        hasGained = false;
        return gained;
    }

    /// <summary>Scans a group under the mask of its set.</summary>
    /// <param name="set">The group's set.</param>
    /// <param name="work">The group.</param>
    /// <param name="next">The block that will be scanned next, or null.</param>
    public unsafe void ScanGroup(SearchSet set, in GroupToScan work, byte* next)
    {
        ref readonly var range = ref set.Index.Groups[work.Group];
        byte* rows = work.Codes + CodesFormat.RowsOffset(range.Count, scratch.PaddedDimensions);
        float* estimates = stackalloc float[CodesFormat.BlockVectors];
        float* bounds = stackalloc float[CodesFormat.BlockVectors];
        uint following = MaskOf(set, range, 0);
        int weight = !CountsMasked || set.MatchesAll ? 0 : BitOperations.PopCount(following) > FewInBlock ? 1 : SparseWeight;
        int maskedBefore = scratch.Masked.Count;
        int scanned = 0;
        byte* block = work.Codes;
        for (int first = 0; first < range.Count; first += CodesFormat.BlockVectors, block += blockBytes)
        {
            int length = Math.Min(CodesFormat.BlockVectors, range.Count - first);
            uint lanes = following;
            following = MaskOf(set, range, first + CodesFormat.BlockVectors);
            Prefetch(first + length == range.Count ? next : BitOperations.PopCount(following) > FewInBlock ? block + blockBytes : null, blockBytes);
            if (weight > 0 && (first == 0 || BitOperations.PopCount(lanes) > FewInBlock))
            {
                // A block that is scanned for its matches tells about its masked vectors for nothing; of the others, the first of a group stands for all.
                scanned++;
                lanes = ScanAll(block, work.CentroidDistance, lanes, length, estimates, bounds);
            }
            else if (BitOperations.PopCount(lanes) > FewInBlock)
            {
                scanned++;
                BinaryCodes += BitOperations.PopCount(lanes);
                lanes = query.Scan(block, work.CentroidDistance, lanes, Threshold, estimates, bounds);
            }
            else if (lanes != 0)
            {
                new Span<float>(bounds, CodesFormat.BlockVectors).Fill(float.NegativeInfinity);
            }

            lanes = nearest.IsFull ? lanes : Narrow(lanes, estimates, bounds);
            for (; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                int member = first + lane;
                Fetch(rows + (member * (long)rowBytes), work.CentroidDistance, bounds[lane], work.Set, range.FirstSlot + member);
            }
        }

        if (weight > 0)
        {
            WeighMasked(maskedBefore, weight * (float)CodesFormat.BlocksOf(range.Count) / scanned);
        }

        if (scanned > 0 || arriving.Count >= FewestArriving)
        {
            CompareArrived();
        }
    }

    /// <summary>What to fetch before a group is scanned: its first block, if it will be scanned, else null.</summary>
    /// <param name="set">The group's set.</param>
    /// <param name="work">The group.</param>
    /// <param name="counts">Masked vectors will be counted in it.</param>
    public static unsafe byte* FirstToScan(SearchSet set, in GroupToScan work, bool counts) =>
        set.MatchesAll || counts || BitOperations.PopCount(MaskOf(set, set.Index.Groups[work.Group], 0)) > FewInBlock ? work.Codes : null;

    private static uint MaskOf(SearchSet set, in CodeGroup range, int first) =>
        first < range.Count ? SlotMask.Of(set, range.FirstSlot + first, Math.Min(CodesFormat.BlockVectors, range.Count - first)) : 0;

    /// <summary>
    /// The rank among all vectors, masked or not, at which the neighbours found lie, less their own number: how many masked vectors are nearer than the k-th.
    /// Calibration is about neighbours spread evenly up to a rank; where already the first one has many masked ones before it, all lie at the far end, which is
    /// as hard as four times the rank.
    /// </summary>
    /// <returns>The rank, and whether already the first neighbour lies far out.</returns>
    public readonly (double Rank, bool IsFar) MaskedRank()
    {
        var masked = scratch.Masked.Span;
        float threshold = nearest.Threshold;
        double beforeLast = 0, beforeFirst = 0;
        int kept = 0;
        foreach (ref readonly var code in masked)
        {
            // The threshold only falls, so what is beyond it now needs no second look.
            if (code.Estimate <= threshold)
            {
                beforeLast += code.Weight;
                beforeFirst += code.Estimate < smallestEstimate ? code.Weight : 0;
                masked[kept++] = code;
            }
        }

        scratch.Masked.SetCount(kept);
        double far = 4 * beforeFirst;
        return far > beforeLast ? (far, true) : (beforeLast, false);
    }

    /// <summary>Largest lower bound that is still of interest.</summary>
    private readonly float Threshold => nearest.IsFull ? nearest.Threshold : MathF.Min(nearest.Threshold, rough.Threshold);

    /// <summary>
    /// Until 3-bit codes bound the search, the upper bounds of 1-bit codes do: or else the 3-bit codes of whole groups would be fetched. Returns the lanes that
    /// are left.
    /// </summary>
    private readonly unsafe uint Narrow(uint lanes, float* estimates, float* bounds)
    {
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (bounds[lane] > float.NegativeInfinity)
            {
                rough.Offer((2 * estimates[lane]) - bounds[lane]);
            }
        }

        float threshold = Threshold;
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            lanes &= bounds[lane] > threshold ? ~(1u << lane) : uint.MaxValue;
        }

        return lanes;
    }

    /// <summary>Scans matching and masked lanes alike. Returns the matching ones that are left.</summary>
    private unsafe uint ScanAll(byte* block, float centroidDistance, uint lanes, int length, float* estimates, float* bounds)
    {
        BinaryCodes += length;
        float threshold = Threshold;
        uint kept = query.Scan(block, centroidDistance, uint.MaxValue >> (32 - length), threshold, estimates, bounds);
        for (uint masked = kept & ~lanes; masked != 0; masked &= masked - 1)
        {
            float estimate = estimates[BitOperations.TrailingZeroCount(masked)];
            if (estimate <= threshold)
            {
                scratch.Masked.Add(new MaskedCode(estimate, 1));
            }
        }

        return kept & lanes;
    }

    private readonly void WeighMasked(int from, float weight)
    {
        foreach (ref var code in scratch.Masked.Span[from..])
        {
            code = code with { Weight = weight };
        }
    }

    /// <summary>Compares the 3-bit code of one vector, whatever its 1-bit code says.</summary>
    public unsafe void Add(SearchSet set, int setIndex, int group, int slot, float centroidDistance)
    {
        ref readonly var range = ref set.Index.Groups[group];
        byte* rows = set.Index.GroupCodes(group) + CodesFormat.RowsOffset(range.Count, scratch.PaddedDimensions);
        Fetch(rows + ((slot - range.FirstSlot) * (long)rowBytes), centroidDistance, float.NegativeInfinity, setIndex, slot);
        if (arriving.Count >= CodesFormat.BlockVectors)
        {
            CompareArrived();
        }
    }

    /// <summary>Compares what is still on its way.</summary>
    public void Finish()
    {
        CompareArrived();
        CompareArrived();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void Fetch(byte* row, float centroidDistance, float lower, int set, int slot)
    {
        Prefetch(row, rowBytes);
        arriving.Add(new PendingCode { Row = row, CentroidDistance = centroidDistance, Lower = lower, Set = set, Slot = slot });
    }

    /// <summary>The processor's own prefetching stops at the end of a page, which a block crosses more often than not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Prefetch(byte* start, int bytes)
    {
        if (Sse.IsSupported && start != null)
        {
            for (int offset = 0; offset < bytes; offset += CacheLine)
            {
                Sse.Prefetch0(start + offset);
            }
        }
    }

    /// <summary>Compares the 3-bit codes fetched during the last but one group; those of the last group are next.</summary>
    private unsafe void CompareArrived()
    {
        if (!nearest.IsFull && arrived.Count > 1)
        {
            // As long as nothing bounds the search, the order decides how soon something does.
            arrived.Span.Sort(static (left, right) => left.Lower.CompareTo(right.Lower));
        }

        int count = arrived.Count;
        var pending = arrived.Items;
        for (int i = 0; i < count; i++)
        {
            if (!(pending[i].Lower > nearest.Threshold))
            {
                Compare(pending + i);
            }
        }

        arrived.Clear();
        (arrived, arriving) = (arriving, arrived);
    }

    private unsafe void Compare(PendingCode* code)
    {
        OctalCodes++;
        query.Octal(code->Row, code->CentroidDistance, out float estimate, out float error);
        error *= OctalMargin;
        float lower = estimate - error;
        if (lower > nearest.Threshold)
        {
            return;
        }

        hasGained |= estimate + error < nearest.Threshold;
        nearest.Offer(estimate + error);
        smallestEstimate = MathF.Min(smallestEstimate, estimate);
        scratch.Candidates.Add(new CodeCandidate
        {
            Lower = float.IsNaN(lower) ? float.NegativeInfinity : lower,
            Estimate = estimate,
            Set = code->Set,
            Slot = code->Slot,
        });
    }
}
