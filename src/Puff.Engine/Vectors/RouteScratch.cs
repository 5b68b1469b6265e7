using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>What <see cref="ClusterTree.Route"/> works with: pooled by callers, so that routing allocates nothing. For one thread at a time.</summary>
internal sealed class RouteScratch
{
    private float[] distances = [];
    private int[] nodes = [];

    // Exact distances of one query to nodes of one tree: a search that goes on asks for more and more leaves, and most of them it had already.
    private Marked[] known = [];
    private int mark;
    private (long Query, long Tree) knownOf;

    /// <summary>Nodes that codes say are near.</summary>
    public NodeSieve Near { get; } = new();

    /// <summary>Sections of codes by distance.</summary>
    public int[] Sections { get; private set; } = [];

    public float[] SectionDistances { get; private set; } = [];

    /// <summary>Upper nodes that are followed, and their distances.</summary>
    public int[] Upper { get; private set; } = [];

    public float[] UpperDistances { get; private set; } = [];

    public void EnsureUpper(int count)
    {
        if (Upper.Length < count)
        {
            Upper = new int[count];
            UpperDistances = new float[count];
        }
    }

    public void EnsureSections(int count)
    {
        if (Sections.Length < count)
        {
            Sections = new int[count];
            SectionDistances = new float[count];
        }
    }

    /// <summary>Writes the nearest of some nodes by exact distance, then number, and returns how many.</summary>
    public unsafe int Nearest(ClusterTree tree, CodeQuery query, ReadOnlySpan<int> candidates, Span<int> nearest, Span<float> squaredDistances)
    {
        if (nodes.Length < candidates.Length)
        {
            distances = new float[candidates.Length];
            nodes = new int[candidates.Length];
        }

        Know(query, tree);
        for (int i = 0; i < candidates.Length; i++)
        {
            ref var distance = ref known[candidates[i]];
            if (distance.Mark != mark)
            {
                float computed = tree.SquaredDistance(query.Rotated, candidates[i]);
                distance = new Marked { Mark = mark, Value = float.IsNaN(computed) ? float.PositiveInfinity : computed };
            }

            distances[i] = distance.Value;
            nodes[i] = candidates[i];
        }

        Array.Sort(distances, nodes, 0, candidates.Length);
        OrderTies(candidates.Length);
        int taken = Math.Min(candidates.Length, nearest.Length);
        nodes.AsSpan(0, taken).CopyTo(nearest);
        distances.AsSpan(0, taken).CopyTo(squaredDistances);
        return taken;
    }

    /// <summary>Forgets the distances of another query, or to another tree.</summary>
    private void Know(CodeQuery query, ClusterTree tree)
    {
        if (known.Length < tree.NodeCount)
        {
            Array.Resize(ref known, tree.NodeCount);
        }

        if (knownOf == (query.Preparation, tree.Instance))
        {
            return;
        }

        knownOf = (query.Preparation, tree.Instance);
        if (++mark == int.MaxValue)
        {
            Array.Clear(known);
            mark = 1;
        }
    }

    /// <summary>Sorting by distance leaves equal ones in any order.</summary>
    private void OrderTies(int length)
    {
        for (int start = 0; start < length;)
        {
            int end = start + 1;
            while (end < length && distances[end] == distances[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                Array.Sort(nodes, start, end - start);
            }

            start = end;
        }
    }
}
