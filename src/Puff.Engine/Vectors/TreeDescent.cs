using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>Finds nodes for a chunk of vectors at a time. For one thread.</summary>
internal sealed unsafe class TreeDescent(ClusterTree tree, TreeGroups groups, IVectorSource source, int capacity) : IDisposable
{
    /// <summary>Nodes of a level that are followed.</summary>
    private const int Width = 6;

    private readonly int padded = tree.PaddedDimensions;
    private readonly RotatedReader reader = new(source, tree.Rotation);
    private readonly FloatBuffer rows = new((long)capacity * tree.PaddedDimensions);
    private readonly FloatBuffer gathered = new((long)capacity * tree.PaddedDimensions);
    private readonly int[] nearest = new int[capacity * Width];
    private readonly int[] bestEnd = new int[capacity];
    private readonly float[] bestDistance = new float[capacity];
    private readonly List<long> visits = new(capacity * Width);
    private readonly int[] nextGroups = new int[capacity * Width];
    private readonly float[] nextDistances = new float[capacity * Width];

    /// <summary>Finds a node for each of the vectors from <paramref name="first"/> on.</summary>
    public void Run(int first, Span<int> nodeOf)
    {
        for (int i = 0; i < nodeOf.Length; i++)
        {
            reader.Read(first + i, Row(i));
        }

        Array.Fill(bestEnd, -1, 0, nodeOf.Length);
        Array.Fill(bestDistance, float.PositiveInfinity, 0, nodeOf.Length);
        visits.Clear();
        for (int i = 0; i < nodeOf.Length; i++)
        {
            visits.Add(Visit(0, i));
        }

        while (visits.Count > 0)
        {
            VisitLevel(nodeOf.Length);
        }

        bestEnd.AsSpan(0, nodeOf.Length).CopyTo(nodeOf);
    }

    public void Dispose()
    {
        reader.Dispose();
        rows.Dispose();
        gathered.Dispose();
    }

    private static long Visit(int group, int row) => ((long)group << 32) | (uint)row;

    private float* Row(int row) => rows.Pointer + (long)row * padded;

    /// <summary>Makes all visits, those to the same group together, and collects those of the next level.</summary>
    private void VisitLevel(int count)
    {
        Array.Fill(nextGroups, -1, 0, count * Width);
        visits.Sort();
        for (int start = 0; start < visits.Count;)
        {
            int group = (int)(visits[start] >> 32);
            int end = start + 1;
            while (end < visits.Count && (int)(visits[end] >> 32) == group)
            {
                end++;
            }

            VisitGroup(group, start, end - start);
            start = end;
        }

        visits.Clear();
        for (int i = 0; i < count * Width; i++)
        {
            if (nextGroups[i] >= 0)
            {
                visits.Add(Visit(nextGroups[i], i / Width));
            }
        }
    }

    private void VisitGroup(int group, int start, int count)
    {
        float* x = Gather(start, count);
        int[] members = groups.Members(group);
        var packed = groups.Packed(group);
        int wanted = groups.HasOnlyEnds(group) ? 1 : Math.Min(Width, members.Length);
        fixed (int* found = nearest)
        {
            if (wanted == 1)
            {
                Gemm.Nearest(x, count, padded, packed, found, null);
            }
            else
            {
                Gemm.NearestMany(x, count, padded, packed, wanted, found);
            }
        }

        for (int i = 0; i < count; i++)
        {
            int row = (int)(uint)visits[start + i];
            for (int z = 0; z < wanted; z++)
            {
                Consider(row, members[nearest[i * wanted + z]]);
            }
        }
    }

    /// <summary>The rows of some visits one after the other; where they lie if they already do.</summary>
    private float* Gather(int start, int count)
    {
        int first = (int)(uint)visits[start];
        if ((int)(uint)visits[start + count - 1] - first == count - 1)
        {
            return Row(first);
        }

        for (int i = 0; i < count; i++)
        {
            new ReadOnlySpan<float>(Row((int)(uint)visits[start + i]), padded).CopyTo(new Span<float>(gathered.Pointer + (long)i * padded, padded));
        }

        return gathered.Pointer;
    }

    private void Consider(int row, int node)
    {
        float distance = tree.SquaredDistance(Row(row), node);
        if (groups.IsEnd(node))
        {
            if (bestEnd[row] < 0 || distance < bestDistance[row] || (distance == bestDistance[row] && node < bestEnd[row]))
            {
                bestEnd[row] = node;
                bestDistance[row] = distance;
            }

            return;
        }

        int hole = row * Width + Width;
        while (hole > row * Width && (nextGroups[hole - 1] < 0 || distance < nextDistances[hole - 1]))
        {
            hole--;
            if (hole + 1 < row * Width + Width)
            {
                nextGroups[hole + 1] = nextGroups[hole];
                nextDistances[hole + 1] = nextDistances[hole];
            }
        }

        if (hole < row * Width + Width)
        {
            nextGroups[hole] = node;
            nextDistances[hole] = distance;
        }
    }
}
