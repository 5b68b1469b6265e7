using Puff.Engine.Formats;
using Puff.Engine.Indexing;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

public sealed class MergePolicyTests
{
    [Theory]
    [InlineData("100", "", 50)]
    [InlineData("100 30", "0 1", 50)]
    [InlineData("100 20 4", "", 50)]
    [InlineData("100 20 5", "0 1 2", 50)]
    [InlineData("100 4 4", "1 2", 50)]
    [InlineData("4 100 4 900 4", "0 2 4", 50)]
    [InlineData("100 10 900 16", "0 1 3", 50)]
    [InlineData("10 10 10", "", 50)]
    public void IdleSegmentsAreMergedButForThoseThatAreFourTimesTheRest(string documents, string chosen, int smallest) =>
        Assert.Equal(chosen, string.Join(' ', MergePolicy.ChooseIdle(Segments(documents), smallest)));

    [Theory]
    [InlineData("60 60", "60 0", "0")]
    [InlineData("60 60", "50 0", "")]
    [InlineData("60 60 60", "30 0 30", "0 2")]
    [InlineData("60", "0", "")]
    public void FlatSegmentsAreMergedOnceTheyAreWorthATree(string documents, string flat, string chosen) =>
        Assert.Equal(chosen, string.Join(' ', MergePolicy.ChooseFlat(Segments(documents), Numbers(flat), flatLimit: 50)));

    [Theory]
    [InlineData("20 20 20", "")]
    [InlineData("20 20 20 20", "0 1 2 3")]
    [InlineData("20 2 20 1 20 20 200", "0 1 2 3 4 5")]
    [InlineData("20 2 20 2 2 20 2 20", "0 1 2 3 4 5 6 7")]
    [InlineData("20 2 20 2 2 20 2", "1 3 4 6")]
    public void SegmentsOfATierAreMergedWithTheSmallerOnes(string megabytes, string chosen) =>
        Assert.Equal(chosen, string.Join(' ', MergePolicy.Choose(Array.ConvertAll(Segments(megabytes), s => s with
        {
            Parts = [new SegmentPart("rows", (long)s.Documents << 20)],
        }), fanIn: 4)));

    [Fact]
    public void DeletedDocumentsDoNotCountForIdleMerges()
    {
        var segments = Segments("100 30");
        segments[1] = segments[1] with { Deleted = 10, DeletesVersion = 1, DeletesKey = "deletes" };
        Assert.Empty(MergePolicy.ChooseIdle(segments, smallest: 50));
    }

    /// <summary>
    /// A burst of flushes as the background lanes treat it, with a disk of any speed: flushes are of any size, and any number of them comes while a merge is under
    /// way. What is written once more is bounded by the bytes of the burst alone; only where flushes are far from full, their number makes for one merge more.
    /// </summary>
    [Theory]
    [InlineData(500, 1)]
    [InlineData(3_300, 1)]
    [InlineData(4_000, 1)]
    [InlineData(6_000, 2)]
    [InlineData(9_000, 2)]
    [InlineData(24_000, 2)]
    [InlineData(60_000, 3)]
    public void HowOftenDocumentsOfABurstAreRewrittenDependsOnItsBytes(int megabytes, double most)
    {
        foreach (int smallest in new[] { 8, 40, 64, 120 })
        {
            for (int seed = 1; seed <= 50; seed++)
            {
                var burst = new PlayedBurst(new Random(seed), smallest);
                burst.Play(megabytes);
                string facts = $"flushes from {smallest} MB on, seed {seed}: {burst.Rewritten / (double)burst.Written:F2}";
                Assert.True(burst.Rewritten <= (smallest == 8 ? most + 1 : most) * burst.Written, facts);
                Assert.True(burst.MostSegments < 200, $"{facts}, {burst.MostSegments} segments at once");
                Assert.True(burst.Segments.Count <= 4, $"{facts}, {burst.Segments.Count} segments at the end");
            }
        }
    }

    private sealed class PlayedBurst(Random random, int smallestFlush)
    {
        private const int FanIn = 8;
        private const long Fresh = 64L << 20;
        private const int MostFlushesWhileMerging = 30;

        public List<SegmentDescriptor> Segments { get; } = [];

        public long Written { get; private set; }

        public long Rewritten { get; private set; }

        public int MostSegments { get; private set; }

        public void Play(int megabytes)
        {
            while (Written < (long)megabytes << 20)
            {
                Flush();
                if (MergePolicy.OverflowsBurst(Segments, FanIn, Fresh))
                {
                    var chosen = MergePolicy.Choose(Segments, FanIn).Select(i => Segments[i]).ToList();
                    for (int flushes = random.Next(MostFlushesWhileMerging); flushes > 0 && Written < (long)megabytes << 20; flushes--)
                    {
                        Flush();
                    }

                    Merge(chosen);
                }
            }

            while (true)
            {
                var chosen = MergePolicy.ChooseIdle(Segments, 16_384);
                chosen = chosen.Count > 0 ? chosen : MergePolicy.Choose(Segments, FanIn);
                if (chosen.Count == 0)
                {
                    return;
                }

                Merge([.. chosen.Select(i => Segments[i])]);
            }
        }

        private void Flush()
        {
            long bytes = (long)random.Next(smallestFlush, 2 * smallestFlush + 1) << 20;
            Written += bytes;
            Segments.Add(Segment(bytes));
            MostSegments = Math.Max(MostSegments, Segments.Count);
        }

        private void Merge(List<SegmentDescriptor> chosen)
        {
            long bytes = chosen.Sum(s => s.TotalBytes);
            Rewritten += bytes;
            Segments.RemoveAll(chosen.Contains);
            if (bytes > 0)
            {
                Segments.Insert(0, Segment(bytes));
            }
        }

        private SegmentDescriptor Segment(long bytes) => new()
        {
            KeyBase = $"segment{random.NextInt64()}", Documents = (int)(bytes / 3_600), LogicalBytes = bytes, Parts = [new SegmentPart("rows", bytes)],
        };
    }

    private static long[] Numbers(string text) => Array.ConvertAll(text.Split(' '), long.Parse);

    private static SegmentDescriptor[] Segments(string documents) => Array.ConvertAll(
        Numbers(documents), d => new SegmentDescriptor { KeyBase = $"segment{d}", Documents = (int)d, LogicalBytes = d, Parts = [new SegmentPart("rows", d)] });
}
