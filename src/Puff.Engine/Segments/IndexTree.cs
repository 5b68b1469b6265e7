using Puff.Engine.Formats;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>A tree of a manifest, open. Whoever holds this holds a reference on <paramref name="Tree"/>.</summary>
/// <param name="Descriptor">What the manifest says.</param>
/// <param name="Tree">Exactly the nodes of the descriptor's objects.</param>
internal sealed record IndexTree(TreeDescriptor Descriptor, ClusterTree Tree);
