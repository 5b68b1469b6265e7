using Puff.Engine.Segments;

namespace Puff.Engine.Namespaces;

/// <summary>What a manifest names, open: a reference on each belongs to whoever holds this.</summary>
internal sealed record OpenIndex(IReadOnlyList<SegmentReader> Segments, IReadOnlyList<IndexTree> Trees)
{
    public void Release()
    {
        foreach (var segment in Segments)
        {
            segment.Release();
        }

        foreach (var tree in Trees)
        {
            tree.Tree.Release();
        }
    }
}
