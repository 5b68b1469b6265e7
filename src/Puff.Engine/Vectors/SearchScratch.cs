using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>A vector that survived its 1-bit code and waits for its 3-bit code to arrive in the cache.</summary>
internal unsafe struct PendingCode
{
    public byte* Row;
    public float CentroidDistance;
    public float Lower;
    public int Set;
    public int Slot;
}

/// <summary>A vector that survived its 3-bit code.</summary>
internal struct CodeCandidate
{
    /// <summary>Lower bound of the squared distance.</summary>
    public float Lower;

    /// <summary>The squared distance as far as the code tells.</summary>
    public float Estimate;
    public int Set;
    public int Slot;
}

/// <summary>A group that is to be scanned.</summary>
internal unsafe struct GroupToScan
{
    public byte* Codes;

    /// <summary>Squared distance between the query and the group's centroid.</summary>
    public float CentroidDistance;

    /// <summary>Index of the set in the request.</summary>
    public int Set;
    public int Group;

    /// <summary>Squared distance between the query and the centroid of the leaf that it is scanned for.</summary>
    public float LeafDistance;

    /// <summary>The last one that belongs to its leaf.</summary>
    public bool EndsLeaf;
}

/// <summary>A vector that is masked out but might be nearer than the neighbours found.</summary>
/// <param name="Estimate">Of its squared distance.</param>
/// <param name="Weight">So many vectors it stands for.</param>
internal readonly record struct MaskedCode(float Estimate, float Weight);

/// <summary>A number that is valid while its mark is the current one.</summary>
internal struct Marked
{
    public int Mark;
    public float Value;
}

/// <summary>The memory of one search at a time, reused from search to search. Not for several threads at once.</summary>
internal sealed unsafe class SearchScratch : IDisposable
{
    public SearchScratch(int paddedDimensions)
    {
        PaddedDimensions = paddedDimensions;
        Query = new CodeQuery(paddedDimensions);
        Rotated = (float*)NativeMemory.AlignedAlloc((nuint)paddedDimensions * 2 * sizeof(float), 64);
        Row = (byte*)(Rotated + paddedDimensions);
    }

    ~SearchScratch() => NativeMemory.AlignedFree(Rotated);

    public int PaddedDimensions { get; }

    public CodeQuery Query { get; }

    public float* Rotated { get; private set; }

    /// <summary>Room for an exact vector at any width.</summary>
    public byte* Row { get; }

    public RouteScratch Route { get; } = new();

    /// <summary>Nodes and their distances, as routing returns them.</summary>
    public ScratchList<int> Leaves { get; } = new();

    public ScratchList<float> LeafDistances { get; } = new();

    /// <summary>Squared distances of centroids, by node; those with the mark of the part being searched are valid.</summary>
    public ScratchList<Marked> NodeDistances { get; } = new();

    /// <summary>By group, one set after the other: the mark of the part in which it was last looked at.</summary>
    public ScratchList<int> Visited { get; } = new();

    /// <summary>Where a set's groups begin in <see cref="Visited"/>.</summary>
    public ScratchList<int> VisitedStarts { get; } = new();

    /// <summary>Changes from part to part, so that nothing has to be cleared in between.</summary>
    public int Mark { get; private set; }

    public ScratchList<GroupToScan> Groups { get; } = new();

    public ScratchList<PendingCode> Arrived { get; } = new();

    public ScratchList<PendingCode> Arriving { get; } = new();

    public ScratchList<CodeCandidate> Candidates { get; } = new();

    /// <summary>Masked vectors in the leaves seen, for their number.</summary>
    public ScratchList<MaskedCode> Masked { get; } = new();

    public ScratchList<SearchHit> Hits { get; } = new();

    /// <summary>Upper bounds of the distances of codes.</summary>
    public SmallestValues Nearest { get; } = new();

    /// <summary>Upper bounds by 1-bit codes, as long as there are too few of 3-bit codes.</summary>
    public SmallestValues Rough { get; } = new();

    /// <summary>Exact distances.</summary>
    public SmallestValues NearestExact { get; } = new();

    public long Bytes => Leaves.Bytes + LeafDistances.Bytes + NodeDistances.Bytes + Visited.Bytes
        + Groups.Bytes + Arrived.Bytes + Arriving.Bytes + Candidates.Bytes + Masked.Bytes + Hits.Bytes;

    /// <summary>Begins a search.</summary>
    /// <param name="count">Neighbours wanted.</param>
    /// <param name="limit">Exact distances above are of no interest.</param>
    /// <param name="codeLimit">The same for distances of codes.</param>
    public void Begin(int count, float limit, float codeLimit)
    {
        Hits.Clear();
        Candidates.Clear();
        Arrived.Clear();
        Arriving.Clear();
        Nearest.Reset(count, codeLimit);
        Rough.Reset(count, codeLimit);
        NearestExact.Reset(count, limit);
    }

    /// <summary>Begins a part: nothing is visited, no distance is known.</summary>
    public void NextMark(int nodes, int groups)
    {
        if (Mark == int.MaxValue)
        {
            Mark = 0;
            NodeDistances.Clear();
            Visited.Clear();
        }

        Mark++;
        NodeDistances.Extend(nodes);
        Visited.Extend(groups);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Rotated);
        Rotated = null;
        Query.Dispose();
        Leaves.Dispose();
        LeafDistances.Dispose();
        NodeDistances.Dispose();
        Visited.Dispose();
        VisitedStarts.Dispose();
        Groups.Dispose();
        Arrived.Dispose();
        Arriving.Dispose();
        Candidates.Dispose();
        Masked.Dispose();
        Hits.Dispose();
        Nearest.Dispose();
        Rough.Dispose();
        NearestExact.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Keeps the memory of finished searches for the next ones: a few pieces, none of them large.</summary>
internal static class SearchScratchPool
{
    private const int Kept = 16;
    private const long LargestKept = 16 << 20;

    private static readonly SearchScratch?[] Free = new SearchScratch?[Kept];

    public static SearchScratch Rent(int paddedDimensions)
    {
        for (int i = 0; i < Kept; i++)
        {
            if (Volatile.Read(ref Free[i])?.PaddedDimensions == paddedDimensions && Interlocked.Exchange(ref Free[i], null) is { } found)
            {
                if (found.PaddedDimensions == paddedDimensions)
                {
                    return found;
                }

                // Somebody put another one there in between.
                Return(found);
            }
        }

        return new SearchScratch(paddedDimensions);
    }

    public static void Return(SearchScratch scratch)
    {
        if (scratch.Bytes > LargestKept)
        {
            scratch.Dispose();
            return;
        }

        for (int i = 0; i < Kept; i++)
        {
            if (Interlocked.CompareExchange(ref Free[i], scratch, null) is null)
            {
                return;
            }
        }

        // Full, perhaps of other dimensions: the newest stays, so that a change of the work load finds its memory next time.
        Interlocked.Exchange(ref Free[0], scratch)?.Dispose();
    }
}
