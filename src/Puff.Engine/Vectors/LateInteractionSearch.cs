using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>One segment of a late-interaction search.</summary>
/// <param name="Number">What candidates call it.</param>
/// <param name="Codes">Of all its token vectors.</param>
/// <param name="Matches">The documents that may be found.</param>
internal sealed record LateInteractionSet(int Number, LateInteractionCodes Codes, BitSet Matches);

/// <summary>
/// The first stage of late interaction: which documents are worth an exact look. Where a segment has clusters of its token vectors, these choose documents
/// first (<see cref="TokenProbe"/>). Each document is then ranked by the sum, over the query's vectors, of the smallest distance that the codes of its own
/// vectors tell; by 1-bit codes all that were chosen, by 3-bit codes the best of those.
/// </summary>
internal sealed unsafe class LateInteractionSearch : IDisposable
{
    /// <summary>Documents compared by 3-bit codes for each one that is wanted.</summary>
    public const int Refined = 2;

    /// <summary>Documents compared by 1-bit codes, where clusters choose them, for each one that is compared by 3-bit codes.</summary>
    public const int Chosen = 4;

    private const int CancellationStride = 256;

    private static readonly ConcurrentBag<TokenProbe> Probes = [];

    private readonly float[] vectors;
    private readonly int dimensions;
    private readonly CodeQuery[] queries;
    private readonly float[] centroidDistances;
    private readonly float[] nearest;
    private readonly float* estimates;
    private ulong preparedSeed;
    private bool isPrepared;

    private LateInteractionSearch(float[] vectors, int dimensions, int padded)
    {
        this.vectors = vectors;
        this.dimensions = dimensions;
        queries = new CodeQuery[vectors.Length / dimensions];
        for (int i = 0; i < queries.Length; i++)
        {
            queries[i] = new CodeQuery(padded);
        }

        centroidDistances = new float[queries.Length];
        nearest = new float[queries.Length];

        // A row a query vector, and one for the bounds, which nothing here needs.
        estimates = (float*)NativeMemory.AlignedAlloc((nuint)(queries.Length + 1) * CodesFormat.BlockVectors * sizeof(float), 64);
    }

    public long BinaryCodes { get; private set; }

    public long OctalCodes { get; private set; }

    /// <summary>Leaves of token clusters looked at, once for each vector of the query.</summary>
    public long Leaves { get; private set; }

    /// <summary>Documents whose 1-bit codes were compared.</summary>
    public long Documents { get; private set; }

    /// <summary>The documents that are nearest as far as codes tell, in the order of sets and documents.</summary>
    /// <param name="vectors">The query's vectors, of unit length under cosine distance, one after the other.</param>
    /// <param name="dimensions">Of each.</param>
    /// <param name="sets">At least one.</param>
    /// <param name="count">Documents wanted.</param>
    /// <param name="matching">Matching documents of all sets.</param>
    /// <param name="reads">Brings the codes of a stage; null when everything is in memory.</param>
    /// <param name="cancellation">Stops between documents.</param>
    public static LateInteractionResult Run(
        float[] vectors, int dimensions, IReadOnlyList<LateInteractionSet> sets, int count, long matching, IReadBatch? reads,
        CancellationToken cancellation)
    {
        using var search = new LateInteractionSearch(vectors, dimensions, sets[0].Codes.PaddedDimensions);
        var coarse = new TopK<Candidate>((int)Math.Min(matching, (long)count * Refined), CandidateOrder.Instance);
        var chosen = new BitSet[sets.Count];
        for (int i = 0; i < chosen.Length; i++)
        {
            search.Prepare(sets[i].Codes);
            chosen[i] = search.Choose(sets[i], (long)count * Refined * Chosen, matching);
            PlanBlocks(sets[i].Codes, chosen[i], reads);
        }

        reads?.Run();
        for (int i = 0; i < chosen.Length; i++)
        {
            search.Prepare(sets[i].Codes);
            search.CompareBlocks(sets[i], chosen[i], coarse, cancellation);
        }

        var fine = new TopK<Candidate>((int)Math.Min(matching, count), CandidateOrder.Instance);
        var documents = Drain(coarse);
        foreach (var (set, document) in reads is null ? [] : documents)
        {
            sets.First(s => s.Number == set).Codes.PlanRows(document, reads!);
        }

        reads?.Run();
        for (int i = 0; i < documents.Length;)
        {
            var set = sets.First(s => s.Number == documents[i].Set);
            search.Prepare(set.Codes);
            for (; i < documents.Length && documents[i].Set == set.Number; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                fine.Offer(search.CompareRows(set.Codes, documents[i].Document), documents[i]);
            }
        }

        return new LateInteractionResult(Drain(fine), search.BinaryCodes, search.OctalCodes, search.Leaves, search.Documents);
    }

    public void Dispose()
    {
        Array.ForEach(queries, q => q.Dispose());
        NativeMemory.AlignedFree(estimates);
    }

    private static void PlanBlocks(LateInteractionCodes codes, BitSet documents, IReadBatch? reads)
    {
        for (int document = reads is null ? -1 : documents.NextSet(0); document >= 0; document = documents.NextSet(document + 1))
        {
            codes.PlanBlocks(document, reads!);
        }
    }

    private static Candidate[] Drain(TopK<Candidate> heap)
    {
        var ranked = new Ranked<Candidate>[heap.Count];
        heap.Drain(ranked);
        var documents = Array.ConvertAll(ranked, r => r.Item);
        Array.Sort(documents, CandidateOrder.Instance);
        return documents;
    }

    /// <summary>Rotates the query, which segments share as a rule, and measures its distances to the segment's centroid.</summary>
    private void Prepare(LateInteractionCodes codes)
    {
        fixed (float* query = vectors, centroid = codes.Centroid)
        {
            for (int i = 0; i < queries.Length; i++)
            {
                if (!isPrepared || preparedSeed != codes.RotationSeed)
                {
                    codes.Rotation.Apply(query + ((long)i * dimensions), queries[i].Rotated);
                    queries[i].Prepare(queries[i].Rotated);
                }

                centroidDistances[i] = SquaredEuclidean.Compute<F32Element>((byte*)centroid, queries[i].Rotated, codes.PaddedDimensions);
            }
        }

        isPrepared = true;
        preparedSeed = codes.RotationSeed;
    }

    /// <summary>
    /// The documents of a set whose codes are worth comparing: its share of <paramref name="wanted"/>, or all that match where those are few.
    /// </summary>
    private BitSet Choose(LateInteractionSet set, long wanted, long matching)
    {
        int own = set.Matches.PopCount();
        int share = (int)Math.Min(own, Math.Max(Chosen * Refined, wanted * own / Math.Max(1, matching)));
        if (set.Codes.Clusters is not { } clusters || own <= 2 * share)
        {
            return set.Matches;
        }

        var probe = Probes.TryTake(out var pooled) ? pooled : new TokenProbe();
        var chosen = new BitSet(set.Matches.Count);
        probe.Choose(clusters, queries, set.Matches, share, chosen);
        Leaves += probe.Leaves;
        Probes.Add(probe);
        return chosen;
    }

    /// <summary>1-bit codes of some documents, block by block; blocks without any are left out.</summary>
    private void CompareBlocks(LateInteractionSet set, BitSet documents, TopK<Candidate> best, CancellationToken cancellation)
    {
        int loaded = -1;
        int compared = 0;
        for (int document = documents.NextSet(0); document >= 0; document = documents.NextSet(document + 1))
        {
            int slot = set.Codes.FirstSlot(document);
            int end = set.Codes.FirstSlot(document + 1);
            if (slot == end)
            {
                continue;
            }

            if (++compared % CancellationStride == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            Documents++;
            nearest.AsSpan().Fill(float.PositiveInfinity);
            while (slot < end)
            {
                int block = slot / CodesFormat.BlockVectors;
                if (block != loaded)
                {
                    Scan(set.Codes.Block(block));
                    loaded = block;
                }

                int lane = slot % CodesFormat.BlockVectors;
                int lanes = Math.Min(CodesFormat.BlockVectors - lane, end - slot);
                TakeSmallest(lane, lanes);
                slot += lanes;
            }

            best.Offer(Sum(), new Candidate(set.Number, document));
        }
    }

    private void Scan(byte* block)
    {
        float* bounds = estimates + (queries.Length * CodesFormat.BlockVectors);
        for (int i = 0; i < queries.Length; i++)
        {
            queries[i].Scan(block, centroidDistances[i], uint.MaxValue, float.PositiveInfinity, estimates + (i * CodesFormat.BlockVectors), bounds);
        }

        BinaryCodes += (long)queries.Length * CodesFormat.BlockVectors;
    }

    private void TakeSmallest(int lane, int lanes)
    {
        for (int i = 0; i < queries.Length; i++)
        {
            var row = new ReadOnlySpan<float>(estimates + (i * CodesFormat.BlockVectors) + lane, lanes);
            nearest[i] = MathF.Min(nearest[i], TensorPrimitives.Min(row));
        }
    }

    private float CompareRows(LateInteractionCodes codes, int document)
    {
        nearest.AsSpan().Fill(float.PositiveInfinity);
        int end = codes.FirstSlot(document + 1);
        for (int slot = codes.FirstSlot(document); slot < end; slot++)
        {
            byte* row = codes.Row(slot);
            for (int i = 0; i < queries.Length; i++)
            {
                queries[i].Octal(row, centroidDistances[i], out float estimate, out _);
                nearest[i] = MathF.Min(nearest[i], estimate);
            }

            OctalCodes += queries.Length;
        }

        return Sum();
    }

    /// <summary>What is no number is unknown, and worth a look.</summary>
    private float Sum()
    {
        double sum = 0;
        foreach (float distance in nearest)
        {
            sum += distance;
        }

        return double.IsNaN(sum) ? float.NegativeInfinity : (float)sum;
    }

    private sealed class CandidateOrder : IComparer<Candidate>
    {
        public static readonly CandidateOrder Instance = new();

        public int Compare(Candidate left, Candidate right) =>
            left.Set != right.Set ? left.Set.CompareTo(right.Set) : left.Document.CompareTo(right.Document);
    }
}

/// <summary>What the first stage found, and what it compared: a code and a leaf once for each vector of the query.</summary>
internal sealed record LateInteractionResult(Candidate[] Candidates, long BinaryCodes, long OctalCodes, long Leaves, long Documents);
