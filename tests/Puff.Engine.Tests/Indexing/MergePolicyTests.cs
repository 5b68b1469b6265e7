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
    [InlineData("10 10 10", "", 50)]
    public void IdleSegmentsAreMergedUnlessTheLargestIsFourTimesTheRest(string documents, string chosen, int smallest) =>
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

    private static long[] Numbers(string text) => Array.ConvertAll(text.Split(' '), long.Parse);

    private static SegmentDescriptor[] Segments(string documents) => Array.ConvertAll(
        Numbers(documents), d => new SegmentDescriptor { KeyBase = $"segment{d}", Documents = (int)d, LogicalBytes = d, Parts = [new SegmentPart("rows", d)] });
}
