namespace Puff.Engine.Formats;

/// <summary>What a manifest knows about one cluster tree: a chain of objects with its nodes. Some segment names it, or it would not be listed.</summary>
internal sealed record TreeDescriptor
{
    /// <summary>Drawn by chance when the tree was trained; not 0.</summary>
    public required ulong Id { get; init; }

    /// <summary>Number of the dense vector attribute.</summary>
    public required int Attribute { get; init; }

    /// <summary>In the order of their nodes, the first from node 0, without gaps. Keys of a branch may be its parent's.</summary>
    public required IReadOnlyList<TreePart> Parts { get; init; }

    /// <summary>Vectors the tree was made for.</summary>
    public int TrainedOn { get; init; }

    /// <summary>Leaves that a query without a filter had to look at for recall 0.95 right after training; 0 if that was not measured.</summary>
    public int ProbesWhenTrained { get; init; }

    /// <summary>
    /// How many trees in a row were trained because too little was found in the one before; 0 when this one was trained for another reason. Training once more
    /// and again would not help where training did not.
    /// </summary>
    public int Rebuilds { get; init; }

    /// <summary>How many leaves a query must look at; empty until it was measured.</summary>
    public IReadOnlyList<ProbeSetting> Calibration { get; init; } = [];

    public int Nodes => Parts.Count == 0 ? 0 : Parts[^1].FirstNode + Parts[^1].Nodes;

    /// <summary>A name for some trees together, whatever their order; 0 for none.</summary>
    public static ulong Combine(IReadOnlyList<TreeDescriptor> trees)
    {
        ulong combined = 0;
        for (int i = 0; i < trees.Count; i++)
        {
            combined ^= trees[i].Id;
        }

        return combined;
    }

    /// <summary>Whether both are made of the same objects.</summary>
    public bool HasSameParts(TreeDescriptor other) => Id == other.Id && Attribute == other.Attribute && Parts.SequenceEqual(other.Parts);
}

/// <param name="Key">"{root}/ns/{namespace}/tree/{id}.{first node}.{chance}".</param>
internal readonly record struct TreePart(string Key, int FirstNode, int Nodes, long Bytes);

/// <summary>One measurement: with filters that let this share of documents pass, searches planned for so many leaves have this recall.</summary>
/// <param name="Selectivity">Above 0, at most 1.</param>
/// <param name="Recall">Above 0, at most 1.</param>
/// <param name="Probes">Leaves, at least one.</param>
internal readonly record struct ProbeSetting(float Selectivity, float Recall, int Probes);

/// <summary>That a segment has codes of an attribute.</summary>
/// <param name="TreeId">The tree they are grouped by; 0: flat.</param>
internal readonly record struct SegmentTree(int Attribute, ulong TreeId);
