using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>Releases a tree at the end of a test.</summary>
internal sealed class OwnedTree(ClusterTree tree) : IDisposable
{
    public ClusterTree Tree => tree;

    public void Dispose() => tree.Release();
}
