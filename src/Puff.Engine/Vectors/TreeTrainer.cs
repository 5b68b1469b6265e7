using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Trains a cluster tree by hierarchical balanced k-means: the vectors are divided among the root's children, each child's among its own, until groups have the
/// size of a leaf. What an upper level separates wrongly no later one puts together: a natural cluster on a border of two upper nodes ends in leaves of both,
/// and queries look at all of them. So the first level is wide enough to find such clusters whole, and the only one for as long as that is affordable.
/// The same vectors, settings and seed give the same tree, whatever the number of threads.
/// </summary>
internal sealed unsafe class TreeTrainer
{
    // Samples and batches of vectors that are in memory at once; the results do not depend on it.
    private const long BufferBytes = 96L << 20;

    // Finding clusters is most of the work, and takes fewer coordinates than putting vectors into the nearest leaf, which is done in the end.
    private const int TrainingDimensions = 256;

    private const int ScaleSamples = 1_024;

    // In units of the fan-out: children of the root when these are leaves; children of the root of larger trees, or as a multiple of the square root of the
    // leaves, whichever is more.
    private const int WidestSingleLevel = 10;
    private const double WidthOfTop = 2.5;
    private const int WidestLowerLevel = 3;

    private readonly IVectorSource source;
    private readonly RandomRotation rotation;
    private readonly VectorIndexSettings settings;
    private readonly ulong seed;
    private readonly NodeListBuilder nodes;
    private readonly int[] leafOf;

    private TreeTrainer(IVectorSource source, RandomRotation rotation, VectorIndexSettings settings, ulong seed, float scale)
    {
        this.source = source;
        this.rotation = rotation;
        this.settings = settings;
        this.seed = seed;
        nodes = new NodeListBuilder(scale);
        leafOf = new int[source.Count];
        Array.Fill(leafOf, -1);
    }

    /// <summary>Trains a tree.</summary>
    /// <param name="source">At least one vector. All of them are read two or three times.</param>
    /// <param name="dimensions">Of the vectors.</param>
    /// <param name="id">Of the new tree, not 0.</param>
    /// <param name="rotationSeed">Of the new tree's rotation.</param>
    /// <param name="settings">The shape wanted.</param>
    /// <param name="seed">Of the random choices.</param>
    public static TrainedTree Train(IVectorSource source, int dimensions, ulong id, ulong rotationSeed, VectorIndexSettings settings, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(source.Count, 1);
        var rotation = new RandomRotation(dimensions, rotationSeed);
        float scale = CentroidScale.For(TypicalNorm(source, rotation));
        var trainer = new TreeTrainer(source, rotation, settings, seed, scale);
        trainer.Run();
        return new TrainedTree(new TreeShape(id, rotationSeed, dimensions, scale), trainer.nodes.Build(), trainer.leafOf);
    }

    /// <summary>Children of the root, and levels below it, for that many leaves.</summary>
    internal static (int Children, int Levels) Shape(double leaves, int fanOut)
    {
        if (leaves <= WidestSingleLevel * fanOut)
        {
            return ((int)Math.Round(leaves), 1);
        }

        double children = WidthOfTop * Math.Max(fanOut, Math.Sqrt(leaves));
        int levels = 2;
        while (Math.Pow(leaves / children, 1.0 / (levels - 1)) > WidestLowerLevel * fanOut)
        {
            levels++;
        }

        return ((int)Math.Round(children), levels);
    }

    /// <summary>The median norm of a sample: centroids are no larger than vectors, and a few vectors much larger than others must not set the scale.</summary>
    private static float TypicalNorm(IVectorSource source, RandomRotation rotation)
    {
        using var reader = new RotatedReader(source, rotation);
        using var row = new FloatBuffer(rotation.PaddedDimensions);
        var norms = new List<float>();
        int count = Math.Min(source.Count, ScaleSamples);
        for (int i = 0; i < count; i++)
        {
            if (reader.Read((int)((long)i * source.Count / count), row.Pointer))
            {
                norms.Add(TensorPrimitives.Norm(new ReadOnlySpan<float>(row.Pointer, rotation.PaddedDimensions)));
            }
        }

        norms.Sort();
        return norms.Count == 0 ? 0 : norms[norms.Count / 2];
    }

    private void Run()
    {
        int[] all = [.. Enumerable.Range(0, source.Count)];
        var (children, levels) = Shape(source.Count / (double)settings.LeafTarget, settings.FanOut);
        nodes.Add(ClusterTree.NoParent, new float[rotation.PaddedDimensions]);
        List<Group> groups = [new Group(0, all)];
        for (int left = levels; left > 0; left--)
        {
            groups = Divide(groups, left, left == levels ? children : 0);
        }

        groups.ForEach(Settle);
    }

    /// <summary>Divides all groups of a level, and returns those of the next. Large groups use all threads, many small ones a thread each.</summary>
    private List<Group> Divide(List<Group> groups, int levelsLeft, int childrenOfRoot)
    {
        int atOnce = groups.Count >= 2 * settings.Threads ? settings.Threads : 1;
        int threadsOfEach = atOnce == 1 ? settings.Threads : 1;
        var trainer = new GroupTrainer(source, rotation, TrainingDimensions, threadsOfEach, BufferBytes / atOnce)
        {
            // Borders of upper nodes are looked across in the end.
            FullPasses = levelsLeft == 1 ? GroupTrainer.PassesOfLeaves : 0,
        };
        var next = new List<Group>();

        // In slices, because a trained group holds its centroids until they are nodes.
        int slice = 8 * settings.Threads;
        for (int first = 0; first < groups.Count; first += slice)
        {
            var trained = new TrainedGroup?[Math.Min(slice, groups.Count - first)];
            try
            {
                int start = first;
                WorkerLoop.Run(trained.Length, atOnce, i => trained[i] = Train(trainer, groups[start + i], levelsLeft, childrenOfRoot));
                for (int i = 0; i < trained.Length; i++)
                {
                    AddChildren(groups[start + i], trained[i], next);
                }
            }
            finally
            {
                Array.ForEach(trained, t => t?.Dispose());
            }
        }

        return next;
    }

    private TrainedGroup? Train(GroupTrainer trainer, Group group, int levelsLeft, int childrenOfRoot)
    {
        double leaves = group.Members.Length / (double)settings.LeafTarget;
        int centres = group.Node == 0 ? childrenOfRoot : (int)Math.Round(Math.Pow(leaves, 1.0 / levelsLeft));
        if (group.Members.Length <= settings.LeafMax || centres < 2)
        {
            if (group.Node != 0)
            {
                return null;
            }

            centres = 1; // the root's centroid is wanted in any case
        }

        var random = SplitMix.For(seed, group.Node);
        int mean = group.Members.Length / centres;
        var wanted = levelsLeft == 1
            ? LeafSizes()
            : new ClusterSizes(mean / 4, mean, 3 * mean);
        return trainer.Train(group.Members, centres, wanted, ref random);
    }

    /// <summary>Tighter than the limits of leaves: when all groups are trained, vectors at their borders move to leaves of the group beside.</summary>
    private ClusterSizes LeafSizes() =>
        new(settings.LeafMin * 4 / 3, settings.LeafTarget, (settings.LeafTarget + 2 * settings.LeafMax) / 3);

    private void AddChildren(Group group, TrainedGroup? trained, List<Group> next)
    {
        if (trained != null && group.Node == 0)
        {
            nodes.Replace(0, trained.Mean());
        }

        if (trained == null || trained.Sizes.Count(size => size > 0) < 2)
        {
            Settle(group);
            return;
        }

        var members = new ClusterMembers(trained.ClusterOf, trained.Sizes);
        for (int cluster = 0; cluster < trained.Count; cluster++)
        {
            if (trained.Sizes[cluster] > 0)
            {
                next.Add(new Group(nodes.Count, Select(group.Members, members.Of(cluster))));
                nodes.Add(group.Node, trained.Centroid(cluster));
            }
        }
    }

    /// <summary>A group that is not divided any more is a leaf.</summary>
    private void Settle(Group group)
    {
        foreach (int member in group.Members)
        {
            leafOf[member] = group.Node;
        }
    }

    private static int[] Select(int[] members, ReadOnlySpan<int> positions)
    {
        var selected = new int[positions.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            selected[i] = members[positions[i]];
        }

        return selected;
    }

    private readonly record struct Group(int Node, int[] Members);
}

/// <summary>A new tree.</summary>
/// <param name="Shape">Of the tree.</param>
/// <param name="Nodes">All of them.</param>
/// <param name="LeafOf">
/// The leaf each vector was in when training ended, -1 for those that were of no use to it. Near, but not the nearest: borders between the groups of upper
/// levels were never looked across.
/// </param>
internal readonly record struct TrainedTree(TreeShape Shape, NodeList Nodes, int[] LeafOf)
{
    public ClusterTree Open() => ClusterTree.Create(Shape, Nodes);
}
