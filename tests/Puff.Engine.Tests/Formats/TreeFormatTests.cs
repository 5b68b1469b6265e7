using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>Tree objects come back as written; damaged ones are refused.</summary>
public sealed class TreeFormatTests
{
    private static readonly TreeHeader Header = new(0xABCDEF, 77, DistanceMetric.CosineDistance, 3, 0.25f);

    public static TheoryData<string> Names => new("whole", "added");

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_written_is_read(string name)
    {
        var (first, parents) = Sample(name);
        var nodes = TreeFormat.Read(Write(Header, first, parents));
        Assert.Equal((Header, first, parents.Length), (nodes.Header, nodes.FirstNode, nodes.Count));
        Assert.Equal(parents, nodes.Parents);
        Assert.Equal(Centroids(Header, parents.Length), nodes.Centroids);
        Assert.Equal(nodes.Centroids[64..128], nodes.Centroid(1).ToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Version_1_is_read_and_written_unchanged(string name)
    {
        var (first, parents) = Sample(name);
        byte[] today = Write(Header, first, parents);
        byte[] file = GoldenFiles.Read($"tree/v1/{name}.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(parents, TreeFormat.Read(file).Parents);
        Assert.Equal(TreeFormat.BytesOf(parents.Length, Header.PaddedDimensions), file.Length);
    }

    [Fact]
    public void Every_truncation_and_every_flipped_bit_is_refused()
    {
        byte[] whole = Write(Header, 0, [-1, 0, 0]);
        foreach (byte[] damaged in Damage.Truncations(whole).Concat(Damage.FlippedBits(whole)).Append([.. whole, 0]))
        {
            Assert.Throws<CorruptDataException>(() => TreeFormat.Read(damaged));
        }
    }

    [Fact]
    public void Changes_behind_a_valid_checksum_are_refused_or_make_another_tree()
    {
        int refused = 0;
        foreach (byte[] damaged in Damage.Resealed(Write(Header, 2, [0, 1, 2, 1]), Damage.ResealEnvelope, 5000, 1))
        {
            try
            {
                var nodes = TreeFormat.Read(damaged);
                for (int i = 0; i < nodes.Count; i++)
                {
                    Assert.InRange(nodes.Parents[i], 0, nodes.FirstNode + i - 1);
                    Assert.All(nodes.Centroid(i).ToArray(), c => Assert.True(Half.IsFinite(c)));
                }
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 500, 4900);
    }

    [Fact]
    public void Impossible_contents_are_refused()
    {
        foreach (byte[] impossible in new[]
        {
            Write(Header with { TreeId = 0 }, 0, [-1]),
            Write(Header with { Metric = 0 }, 0, [-1]),
            Write(Header with { Metric = (DistanceMetric)3 }, 0, [-1]),
            Write(Header with { Dimensions = 20_000 }, 0, [-1]),
            Write(Header with { CentroidScale = 0 }, 0, [-1]),
            Write(Header with { CentroidScale = -1 }, 0, [-1]),
            Write(Header with { CentroidScale = 3 }, 0, [-1]),
            Write(Header with { CentroidScale = float.NaN }, 0, [-1]),
            Write(Header with { CentroidScale = float.PositiveInfinity }, 0, [-1]),
            Write(Header, 0, []),
            Write(Header, 0, [0]),
            Write(Header, 0, [-1, 1]),
            Write(Header, 5, [-1]),
            Write(Header, 5, [6, 2]),
            Write(Header, int.MaxValue, [6]),
        })
        {
            Assert.Throws<CorruptDataException>(() => TreeFormat.Read(impossible));
        }
    }

    [Fact]
    public void A_centroid_must_be_finite()
    {
        using var writer = new ByteWriter();
        var centroids = new Half[64];
        centroids[3] = Half.NaN;
        TreeFormat.Write(writer, Header, 0, [-1], centroids);
        Assert.Throws<CorruptDataException>(() => TreeFormat.Read(writer.Written.AsSpan()));
    }

    private static (int First, int[] Parents) Sample(string name) => name == "whole" ? (0, [-1, 0, 0, 1, 1]) : (5, [2, 2, 5]);

    private static byte[] Write(TreeHeader header, int first, int[] parents)
    {
        using var writer = new ByteWriter();
        TreeFormat.Write(writer, header, first, parents, Centroids(header, parents.Length));
        return writer.Written.AsSpan().ToArray();
    }

    private static Half[] Centroids(TreeHeader header, int nodes) =>
        [.. Enumerable.Range(0, nodes * header.PaddedDimensions).Select(i => (Half)((i * 37 % 101 / 16f) - 3))];
}
