using Puff.Engine.Formats;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Indexing;

/// <summary>The trees behind a segment that is being merged, and how the segment is laid out. Owns a reference on each tree it opened itself.</summary>
internal sealed class MergedTrees : IDisposable
{
    private readonly List<TreeDescriptor> foundations = [];
    private readonly List<TreeDescriptor> made = [];
    private readonly List<ClusterTree> owned = [];

    /// <summary>Of the new segment. Set once all attributes are planned.</summary>
    public SegmentLayout? Layout { get; set; }

    /// <summary>Trees that are new, or have nodes that the manifest does not list yet.</summary>
    public IReadOnlyList<TreeDescriptor> Made => made;

    /// <summary>Keys of the tree objects that were written.</summary>
    public IEnumerable<string> NewKeys => made.SelectMany(t => t.Parts).Except(foundations.SelectMany(t => t.Parts)).Select(p => p.Key);

    public void Dispose() => owned.ForEach(t => t.Release());

    /// <summary>Releases the tree with this.</summary>
    public ClusterTree Own(ClusterTree tree)
    {
        owned.Add(tree);
        return tree;
    }

    /// <summary>The segment's codes belong to a tree of the manifest, which must still be there, unchanged, when the segment is published.</summary>
    public void BuildOn(TreeDescriptor tree) => foundations.Add(tree);

    public void Add(TreeDescriptor tree) => made.Add(tree);

    /// <summary>Trees by whose leaves most of their vectors are grouped in the new segment: how well they serve queries is measured on it.</summary>
    public List<IndexTree> ToCalibrate { get; } = [];

    /// <summary>Keeps a measurement with the tree.</summary>
    public void Calibrate(IndexTree tree, IReadOnlyList<ProbeSetting> calibration)
    {
        bool isNew = foundations.TrueForAll(f => f.Id != tree.Descriptor.Id);
        made.RemoveAll(m => m.Id == tree.Descriptor.Id);
        made.Add(tree.Descriptor with
        {
            Calibration = calibration,
            ProbesWhenTrained = isNew ? TreeCalibrator.ProbesOf(calibration) : tree.Descriptor.ProbesWhenTrained,
        });
    }

    /// <summary>False when another indexer has changed or given up a tree that this was built on.</summary>
    public bool Fits(Manifest manifest) => foundations.TrueForAll(f => manifest.Trees.Any(t => t.HasSameParts(f)));

    /// <summary>The trees of a manifest with what was made; of each attribute the newest last.</summary>
    public IReadOnlyList<TreeDescriptor> Apply(IReadOnlyList<TreeDescriptor> trees) =>
        [.. trees.Select(t => made.Find(m => m.Id == t.Id) ?? t), .. made.Where(m => trees.All(t => t.Id != m.Id))];
}
