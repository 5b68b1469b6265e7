namespace Puff.Engine.Vectors;

/// <summary>
/// Splits leaves that have become too large: k-means among their vectors (two centres for one a little too large), the centroids becoming their children, and
/// then a new look at the vectors of the split leaves and of the leaves around them (see <see cref="NodeReassigner"/>).
/// </summary>
internal static class LeafSplitter
{
    // A second look may fill a neighbour beyond its limit; what is too large after the last round waits for the next merge.
    private const int Rounds = 3;
    private const int Neighbours = 8;
    private const long BufferBytes = 64L << 20;

    /// <summary>Splits all leaves with more than <see cref="VectorIndexSettings.LeafMax"/> vectors, as far as their vectors differ.</summary>
    /// <param name="tree">The newest version of the tree. Stays as it is, and referenced.</param>
    /// <param name="source">The vectors.</param>
    /// <param name="nodeOf">The leaf of each vector; receives the new leaves.</param>
    /// <param name="settings">When to split, and how large leaves should be.</param>
    /// <param name="seed">Of the random choices.</param>
    /// <returns>A new version and what was added to it; null if nothing was split.</returns>
    public static SplitTree? Split(ClusterTree tree, IVectorSource source, int[] nodeOf, VectorIndexSettings settings, ulong seed)
    {
        var run = new Run(tree, source, nodeOf, settings, seed);
        try
        {
            for (int round = 0; round < Rounds && run.SplitOnce(); round++)
            {
            }

            return run.Finish();
        }
        catch
        {
            run.Abandon();
            throw;
        }
    }

    private sealed class Run
    {
        private readonly ClusterTree first;
        private readonly IVectorSource source;
        private readonly int[] nodeOf;
        private readonly VectorIndexSettings settings;
        private readonly ulong seed;
        private readonly NodeListBuilder added;
        private readonly HashSet<int> whole = []; // leaves whose vectors k-means could not tell apart
        private ClusterTree tree;

        public Run(ClusterTree first, IVectorSource source, int[] nodeOf, VectorIndexSettings settings, ulong seed)
        {
            this.first = first;
            this.source = source;
            this.nodeOf = nodeOf;
            this.settings = settings;
            this.seed = seed;
            tree = first;
            added = new NodeListBuilder(first.Shape.CentroidScale);
        }

        /// <summary>False if no leaf was too large, or none could be split.</summary>
        public bool SplitOnce()
        {
            int[] sizes = ClusterMembers.Count(nodeOf.AsSpan(0, source.Count), tree.NodeCount);
            int[] large = [.. tree.Leaves.ToArray().Where(leaf => sizes[leaf] > settings.LeafMax && !whole.Contains(leaf))];
            if (large.Length == 0)
            {
                return false;
            }

            int before = added.Count;
            var members = new ClusterMembers(nodeOf.AsSpan(0, source.Count), sizes);
            int slice = 8 * settings.Threads;
            for (int start = 0; start < large.Length; start += slice)
            {
                SplitSlice(large.AsSpan(start, Math.Min(slice, large.Length - start)).ToArray(), members);
            }

            if (added.Count == before)
            {
                return false;
            }

            Advance(before);
            LookAgain([.. large.Where(leaf => !whole.Contains(leaf))], members, sizes);
            return true;
        }

        public SplitTree? Finish() => added.Count == 0 ? null : new SplitTree(tree, added.Build());

        public void Abandon()
        {
            if (!ReferenceEquals(tree, first))
            {
                tree.Release();
            }
        }

        private void SplitSlice(int[] leaves, ClusterMembers members)
        {
            var trained = new TrainedGroup?[leaves.Length];
            try
            {
                int atOnce = leaves.Length >= settings.Threads ? settings.Threads : 1;
                var trainer = new GroupTrainer(source, tree.Rotation, GroupTrainer.AllDimensions, atOnce == 1 ? settings.Threads : 1, BufferBytes / atOnce);
                WorkerLoop.Run(leaves.Length, atOnce, i => trained[i] = Train(trainer, leaves[i], members.Of(leaves[i]).ToArray()));
                for (int i = 0; i < leaves.Length; i++)
                {
                    AddChildren(leaves[i], trained[i]!);
                }
            }
            finally
            {
                Array.ForEach(trained, t => t?.Dispose());
            }
        }

        private TrainedGroup Train(GroupTrainer trainer, int leaf, int[] members)
        {
            // Of a leaf that is far too large, no more children at once than other nodes have: the next round splits these.
            int centres = (int)Math.Round(members.Length / (double)settings.LeafTarget);
            int most = Math.Max(2, settings.FanOut);
            var random = SplitMix.For(seed, leaf);
            var wanted = centres <= most
                ? new ClusterSizes(settings.LeafMin, settings.LeafTarget, settings.LeafMax)
                : new ClusterSizes(settings.LeafMin, members.Length / most, 3 * (members.Length / most));
            return trainer.Train(members, Math.Clamp(centres, 2, most), wanted, ref random);
        }

        private void AddChildren(int leaf, TrainedGroup trained)
        {
            if (trained.Sizes.Count(size => size > 0) < 2)
            {
                whole.Add(leaf);
                return;
            }

            for (int cluster = 0; cluster < trained.Count; cluster++)
            {
                if (trained.Sizes[cluster] > 0)
                {
                    added.Add(leaf, trained.Centroid(cluster));
                }
            }
        }

        /// <summary>Makes the version of the tree that has the nodes added since.</summary>
        private void Advance(int firstAdded)
        {
            var next = tree.Append(added.Build(firstAdded));
            Abandon();
            tree = next;
        }

        private void LookAgain(int[] split, ClusterMembers members, int[] sizes)
        {
            var touched = new HashSet<int>(split);
            using (var groups = new TreeGroups(tree, TreeGroups.AllLevels))
            {
                foreach (int leaf in split)
                {
                    int own = tree.Children(leaf).Length;
                    touched.UnionWith(LeafNeighbours.Of(tree, groups, leaf, own + Neighbours).Where(n => n < sizes.Length));
                }
            }

            int[] chosen = [.. touched.Order().SelectMany(leaf => members.Of(leaf).ToArray())];
            int[] nodes = [.. chosen.Select(i => nodeOf[i])];
            NodeReassigner.Reassign(tree, new ChosenVectors(source, chosen), nodes, settings.Threads);
            for (int i = 0; i < chosen.Length; i++)
            {
                nodeOf[chosen[i]] = nodes[i];
            }
        }
    }
}

/// <summary>A tree after leaves were split.</summary>
/// <param name="Tree">A new version, with a reference of its own.</param>
/// <param name="Added">The nodes it has more.</param>
internal readonly record struct SplitTree(ClusterTree Tree, NodeList Added);
