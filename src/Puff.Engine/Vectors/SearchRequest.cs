using Puff.Engine.Encoding;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>How the matching documents of one tree's segments, or of one flat segment, are searched.</summary>
internal enum SearchStrategy
{
    /// <summary>Every matching document by its exact vector: for a handful.</summary>
    Exact,

    /// <summary>Every matching document by its 3-bit code, then the best by exact vectors: for filters that let few pass.</summary>
    FilterFirst,

    /// <summary>The leaves nearest to the query, under the mask of matching documents.</summary>
    Probe,

    /// <summary>All 1-bit codes under the mask.</summary>
    Exhaustive,
}

/// <summary>One set of documents to search.</summary>
/// <param name="Number">What hits call it.</param>
/// <param name="Index">Its codes.</param>
/// <param name="Rows">Its exact vectors.</param>
/// <param name="Matches">The documents that may be found. At least as long as the segment; not changed while searching.</param>
/// <param name="MatchCount">How many bits are set.</param>
internal sealed record SearchSet(int Number, CodedVectors Index, IExactRows Rows, BitSet Matches, int MatchCount)
{
    /// <summary>No document is masked out.</summary>
    public bool MatchesAll { get; } = MatchCount == Index.Documents;
}

/// <summary>Sets that share a tree, or one flat set: a range of <see cref="SearchRequest.Sets"/>.</summary>
internal sealed class SearchPart
{
    public SearchStrategy Strategy { get; set; }

    public required int FirstSet { get; init; }

    public required int SetCount { get; init; }

    /// <summary>The newest version of the tree; null for a flat set.</summary>
    public ClusterTree? Tree { get; init; }

    /// <summary>For <see cref="SearchStrategy.Probe"/>.</summary>
    public ProbeTable? Probes { get; init; }

    /// <summary>Vectors with codes in all sets.</summary>
    public required long Codes { get; init; }

    /// <summary>Matching documents in all sets, those without a vector included.</summary>
    public required long Matches { get; init; }

    public double Selectivity => Codes == 0 ? 1 : Math.Min((double)Matches / Codes, 1);
}

/// <summary>A search for the nearest vectors of several sets.</summary>
internal sealed class SearchRequest
{
    /// <summary>The query as the index sees it: of unit length under cosine distance. As many numbers as the attribute has dimensions.</summary>
    public required float[] Query { get; init; }

    /// <summary>Measures exact distances; null when only candidates are collected.</summary>
    public required ExactScorer? Scorer { get; init; }

    /// <summary>Squared distance of codes for an exact distance of 1: 2 under cosine, because unit vectors at cosine distance d are √(2d) apart.</summary>
    public required float CodeScale { get; init; }

    /// <summary>Neighbours wanted, at least 1.</summary>
    public required int Count { get; init; }

    /// <summary>So many documents elsewhere are within this exact distance already; positive infinity if not.</summary>
    public float Limit { get; init; } = float.PositiveInfinity;

    /// <summary>The sets of the first part, then those of the second, and so on.</summary>
    public required SearchSet[] Sets { get; init; }

    public required SearchPart[] Parts { get; init; }

    /// <summary>Takes what each stage will read, before it reads it; null when all of it is in memory.</summary>
    public IReadBatch? Reads { get; init; }

    /// <summary>Adds to <see cref="Reads"/> what the result will carry of a document, given by the number of its set and its own.</summary>
    public Action<int, int>? PlanResult { get; init; }

    public CancellationToken Cancellation { get; init; }
}

/// <summary>A document that was measured exactly.</summary>
internal readonly record struct SearchHit(float Distance, int Set, int Document);

/// <summary>What a search did, in deterministic numbers.</summary>
internal struct SearchStatistics
{
    /// <summary>Leaves whose groups were looked at.</summary>
    public int LeavesProbed;

    /// <summary>1-bit codes compared.</summary>
    public long BinaryCodes;

    /// <summary>3-bit codes compared.</summary>
    public long OctalCodes;

    /// <summary>Exact distances computed.</summary>
    public long ExactDistances;

    /// <summary>A search that began with leaves found that too many would be needed.</summary>
    public bool TurnedExhaustive;
}
