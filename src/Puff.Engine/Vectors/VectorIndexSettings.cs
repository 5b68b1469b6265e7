namespace Puff.Engine.Vectors;

/// <summary>How vector indexes are shaped. The defaults are what was measured; tests and the simulation make everything tiny.</summary>
internal sealed record VectorIndexSettings
{
    public static VectorIndexSettings Default { get; } = new();

    /// <summary>A segment with fewer vectors of an attribute has no codes: reading the vectors themselves is as fast, and spares an object.</summary>
    public int CodesFrom { get; init; } = 64;

    /// <summary>Up to so many vectors an attribute has no tree: its codes are scanned one after the other.</summary>
    public int FlatLimit { get; init; } = 16_384;

    /// <summary>
    /// A segment's vectors are grouped by the deepest level of the tree at which its groups have so many on average. Codes come in blocks of 32, so these
    /// groups are padding for the larger part; but small segments do not stay, and one level up a probe of a leaf reads many times as many codes.
    /// </summary>
    public int GroupMean { get; init; } = 2;

    /// <summary>So many documents of a tail that is searched are coded together; what is left of it is scanned.</summary>
    public int TailChunk { get; init; } = 4_096;

    /// <summary>Vectors a leaf should have.</summary>
    public int LeafTarget { get; init; } = 176;

    /// <summary>A leaf with more vectors is split.</summary>
    public int LeafMax { get; init; } = 256;

    /// <summary>While training, a leaf with fewer vectors gives them to its neighbours.</summary>
    public int LeafMin { get; init; } = 48;

    /// <summary>A tree is trained anew when so many times as many vectors are merged as it was trained on.</summary>
    public int TrainingGrowth { get; init; } = 2;

    /// <summary>Children of an inner node for which another level is not worth its while.</summary>
    public int FanOut { get; init; } = 100;

    /// <summary>Share of the true nearest ten that a search aims at: a little above what is promised, so that the promise holds with a margin.</summary>
    public float RecallTarget { get; init; } = 0.97f;

    /// <summary>Threads that training and assignment may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
