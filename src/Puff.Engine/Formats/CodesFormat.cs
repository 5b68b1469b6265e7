namespace Puff.Engine.Formats;

/// <summary>What all codes of one attribute in one segment have in common.</summary>
/// <param name="TreeId">The cluster tree whose nodes the groups belong to; 0: the segment is flat, a single group around a centroid of its own.</param>
/// <param name="RotationSeed">Names the rotation the vectors were turned by.</param>
/// <param name="PaddedDimensions">Coordinates after the rotation, a multiple of 64.</param>
/// <param name="IsAligned">Slot i holds document i. Otherwise every slot names its document.</param>
internal readonly record struct CodesHeader(ulong TreeId, ulong RotationSeed, int PaddedDimensions, bool IsAligned)
{
    public bool IsFlat => TreeId == 0;
}

/// <summary>The codes of the vectors that belong to one node of a tree.</summary>
/// <param name="Node">Number of the node; 0 in a flat segment.</param>
/// <param name="FirstSlot">Slots FirstSlot .. FirstSlot + Count - 1 are the group's.</param>
/// <param name="Count">Vectors, at least one.</param>
/// <param name="Offset">Where the group begins in the section of codes, a multiple of 64.</param>
internal readonly record struct CodeGroup(int Node, int FirstSlot, int Count, long Offset);

/// <summary>
/// Sizes in the part `codes` (docs/formats/codes.md). A group is one run of bytes, so that a cold query fetches it with one request: first the 1-bit codes in
/// blocks of 32 vectors, then a row of 3-bit codes a vector.
/// </summary>
internal static class CodesFormat
{
    public const int BlockVectors = 32;
    public const int HeaderBytes = 32;
    public const int GroupBytes = 20;
    public const int PaddingUnit = 64;

    /// <summary>Flag of the header: rows have three bits a dimension.</summary>
    public const uint OctalRows = 4;

    /// <summary>The widest vectors there are, rounded up.</summary>
    public const int MaxPaddedDimensions = 10_752;

    /// <summary>1-bit codes of 32 vectors: factors of 8 bytes each, then the codes.</summary>
    public static int BlockBytes(int paddedDimensions) => (8 * BlockVectors) + (BlockVectors / 8 * paddedDimensions);

    /// <summary>3-bit codes of a vector, then its factors.</summary>
    public static int RowBytes(int paddedDimensions) => (paddedDimensions / 8 * 3) + 8;

    public static int BlocksOf(int vectors) => (int)((vectors + (long)BlockVectors - 1) / BlockVectors);

    /// <summary>Where the rows begin in a group.</summary>
    public static long RowsOffset(int vectors, int paddedDimensions) => BlocksOf(vectors) * (long)BlockBytes(paddedDimensions);

    public static long BytesOf(int vectors, int paddedDimensions) =>
        RowsOffset(vectors, paddedDimensions) + (vectors * (long)RowBytes(paddedDimensions));

    /// <summary>With the zeros up to where the next group begins.</summary>
    public static long PaddedBytesOf(int vectors, int paddedDimensions) =>
        (BytesOf(vectors, paddedDimensions) + PartFormat.Alignment - 1) & -PartFormat.Alignment;

    public static int Pad(int dimensions) => (dimensions + PaddingUnit - 1) / PaddingUnit * PaddingUnit;
}
