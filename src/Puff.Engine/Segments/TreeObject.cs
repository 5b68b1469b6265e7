using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>Cluster trees as objects. Each has a key of its own, is written once and never changes.</summary>
internal static class TreeObject
{
    /// <summary>Writes nodes that follow <paramref name="firstNode"/> - 1.</summary>
    public static async ValueTask<TreePart> WriteAsync(
        IObjectStore store, string key, TreeShape shape, DistanceMetric metric, int firstNode, NodeList nodes, CancellationToken cancellation)
    {
        var header = new TreeHeader(shape.Id, shape.RotationSeed, metric, shape.Dimensions, shape.CentroidScale);
        using var content = new ByteWriter(TreeFormat.BytesOf(nodes.Count, header.PaddedDimensions));
        TreeFormat.Write(content, header, firstNode, nodes.Parents, nodes.Centroids);
        await using var writer = await store.CreateAsync(key, StorePurpose.Segment, cancellation);
        await RegionMemory.WriteAsync(writer, content.Written, cancellation);
        await writer.CompleteAsync(cancellation);
        return new TreePart(key, firstNode, nodes.Count, content.Length);
    }

    /// <summary>Opens a tree; nodes that an older version has open already are shared. The caller owns a reference.</summary>
    /// <param name="store">Where from.</param>
    /// <param name="descriptor">The tree.</param>
    /// <param name="older">Another version of the tree, or null.</param>
    /// <param name="cancellation">Stops between objects.</param>
    /// <exception cref="PuffException">Corrupt when an object is absent, damaged, or not what the descriptor says.</exception>
    public static async ValueTask<IndexTree> OpenAsync(IObjectStore store, TreeDescriptor descriptor, IndexTree? older, CancellationToken cancellation)
    {
        if (older is not null && older.Descriptor.HasSameParts(descriptor))
        {
            older.Tree.AddReference();
            return new IndexTree(descriptor, older.Tree);
        }

        bool grows = older is not null && older.Descriptor.Parts.SequenceEqual(descriptor.Parts.Take(older.Descriptor.Parts.Count));
        var lists = new List<NodeList>();
        TreeHeader? header = null;
        foreach (var part in descriptor.Parts.Skip(grows ? older!.Descriptor.Parts.Count : 0))
        {
            var nodes = await ReadAsync(store, descriptor, part, cancellation);
            if (header is not null && header != nodes.Header)
            {
                throw MappedPart.Damaged(part.Key, new CorruptDataException("it belongs to another tree than the objects before it"));
            }

            header = nodes.Header;
            lists.Add(new NodeList(nodes.Parents, nodes.Centroids));
        }

        var tree = grows ? older!.Tree.Append([.. lists]) : ClusterTree.Create(ShapeOf(header!.Value), [.. lists]);
        if (store.Capabilities.SupportsMapping)
        {
            // Here, because most trees are opened by whoever indexes. On a remote store a query that found nothing of the namespace waits for this.
            tree.PrepareRouting();
        }

        return new IndexTree(descriptor, tree);
    }

    /// <summary>One object, checked against what the manifest says.</summary>
    public static async ValueTask<TreeNodes> ReadAsync(IObjectStore store, TreeDescriptor tree, TreePart part, CancellationToken cancellation)
    {
        var memory = await store.MapAsync(part.Key, part.Bytes, StorePurpose.Segment, cancellation) ?? throw MappedPart.Missing(part.Key);
        try
        {
            if (memory.Length != part.Bytes)
            {
                throw new CorruptDataException($"it has {memory.Length} bytes instead of {part.Bytes}");
            }

            memory.Require(0, memory.Length);
            var nodes = Parse(memory);
            return nodes.Header.TreeId == tree.Id && nodes.FirstNode == part.FirstNode && nodes.Count == part.Nodes
                ? nodes
                : throw new CorruptDataException(
                    $"it has {nodes.Count} nodes of tree {nodes.Header.TreeId:x16} from {nodes.FirstNode} instead of {part.Nodes} from {part.FirstNode}");
        }
        catch (CorruptDataException damage)
        {
            throw MappedPart.Damaged(part.Key, damage);
        }
        finally
        {
            memory.ReleaseOwner();
        }
    }

    private static TreeNodes Parse(ObjectMemory memory)
    {
        try
        {
            return TreeFormat.Read(memory.Span);
        }
        catch (CorruptDataException) when (memory.Reload(0, memory.Length))
        {
            return TreeFormat.Read(memory.Span);
        }
    }

    private static TreeShape ShapeOf(in TreeHeader header) => new(header.TreeId, header.RotationSeed, header.Dimensions, header.CentroidScale);
}
