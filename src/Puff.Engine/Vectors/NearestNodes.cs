using System.Numerics.Tensors;

namespace Puff.Engine.Vectors;

/// <summary>
/// Keeps the nodes with the least distances of all that are offered, of equal ones those with the smaller numbers. Between the times it tidies up it holds up
/// to twice as many, so that an offer is an append. Reusable; not for several threads at once.
/// </summary>
internal sealed class NearestNodes
{
    private float[] distances = [];
    private int[] nodes = [];
    private int wanted;
    private int count;

    /// <summary>What is farther cannot enter any more.</summary>
    public float Threshold { get; private set; }

    /// <summary>Forgets everything.</summary>
    /// <param name="capacity">Nodes wanted, at least 1.</param>
    public void Start(int capacity)
    {
        wanted = capacity;
        count = 0;
        Threshold = float.PositiveInfinity;
        if (distances.Length < 2 * capacity)
        {
            distances = new float[2 * capacity];
            nodes = new int[2 * capacity];
        }
    }

    /// <summary>Considers a node. A distance that is not a number counts as infinite.</summary>
    public void Offer(float distance, int node)
    {
        if (distance > Threshold)
        {
            return;
        }

        distances[count] = float.IsNaN(distance) ? float.PositiveInfinity : distance;
        nodes[count++] = node;
        if (count == 2 * wanted)
        {
            Select(wanted);
            Threshold = TensorPrimitives.Max(distances.AsSpan(0, wanted));
        }
    }

    /// <summary>The nodes kept, in no order.</summary>
    public ReadOnlySpan<int> Nodes()
    {
        if (count > wanted)
        {
            Select(wanted);
        }

        return nodes.AsSpan(0, count);
    }

    /// <summary>Writes the nearest of the nodes kept, ascending, and returns how many.</summary>
    public int Sorted(Span<int> nearest, Span<float> squaredDistances)
    {
        int taken = Math.Min(count, Math.Min(wanted, nearest.Length));
        if (count > taken)
        {
            Select(taken);
        }

        Array.Sort(distances, nodes, 0, taken);
        OrderTies(taken);
        nodes.AsSpan(0, taken).CopyTo(nearest);
        distances.AsSpan(0, taken).CopyTo(squaredDistances);
        return taken;
    }

    /// <summary>Hoare's quickselect: moves the <paramref name="least"/> nearest to the front and forgets the others.</summary>
    private void Select(int least)
    {
        int low = 0;
        int high = count - 1;
        while (low < high)
        {
            int middle = low + (high - low) / 2;
            (float pivot, int pivotNode) = (distances[middle], nodes[middle]);
            int i = low;
            int j = high;
            while (i <= j)
            {
                while (Before(distances[i], nodes[i], pivot, pivotNode))
                {
                    i++;
                }

                while (Before(pivot, pivotNode, distances[j], nodes[j]))
                {
                    j--;
                }

                if (i <= j)
                {
                    (distances[i], distances[j]) = (distances[j], distances[i]);
                    (nodes[i], nodes[j]) = (nodes[j], nodes[i]);
                    i++;
                    j--;
                }
            }

            if (least - 1 <= j)
            {
                high = j;
            }
            else if (least - 1 >= i)
            {
                low = i;
            }
            else
            {
                break;
            }
        }

        count = least;
    }

    private static bool Before(float distance, int node, float otherDistance, int otherNode) =>
        distance < otherDistance || (distance == otherDistance && node < otherNode);

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

            Array.Sort(nodes, start, end - start);
            start = end;
        }
    }
}
