namespace Puff.Engine.Vectors;

/// <summary>Items by the group they are in, each group's in ascending order (a counting sort).</summary>
internal sealed class ClusterMembers
{
    private readonly int[] starts;
    private readonly int[] items;

    /// <param name="groupOf">The group of each item; negative: in none.</param>
    /// <param name="sizes">How many items each group has.</param>
    public ClusterMembers(ReadOnlySpan<int> groupOf, ReadOnlySpan<int> sizes)
    {
        starts = new int[sizes.Length + 1];
        for (int j = 0; j < sizes.Length; j++)
        {
            starts[j + 1] = starts[j] + sizes[j];
        }

        int[] next = [.. starts];
        items = new int[starts[^1]];
        for (int i = 0; i < groupOf.Length; i++)
        {
            if (groupOf[i] >= 0)
            {
                items[next[groupOf[i]]++] = i;
            }
        }
    }

    public ReadOnlySpan<int> Of(int group) => items.AsSpan(starts[group]..starts[group + 1]);

    public static int[] Count(ReadOnlySpan<int> groupOf, int groups)
    {
        var sizes = new int[groups];
        foreach (int group in groupOf)
        {
            if (group >= 0)
            {
                sizes[group]++;
            }
        }

        return sizes;
    }
}
