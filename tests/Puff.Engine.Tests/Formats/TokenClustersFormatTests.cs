using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>Clusters of token vectors in the part `codes`: what is written is read; damage is refused, or at least names documents there are.</summary>
public sealed unsafe class TokenClustersFormatTests
{
    private const int Attribute = 5;
    private const int Documents = 40;

    private static readonly TreeHeader Header = new(1, 77, DistanceMetric.CosineDistance, 64, 0.5f);
    private static readonly int[] Parents = [-1, 0, 0, 1, 1, 2];
    private static readonly int[][] Lists = [[0, 3, 39], [], [1, 2, 3, 4, 5]];

    [Fact]
    public void What_was_written_is_read()
    {
        byte[] bytes = Write();
        Assert.Equal(Describe(Header, Parents, Lists), Read(bytes));
        Assert.Null(Read(bytes, attribute: 6));
    }

    [Fact]
    public void Version_1_is_read_and_written_unchanged()
    {
        byte[] today = Write();
        byte[] file = GoldenFiles.Read("codes/v2/token-clusters.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(Describe(Header, Parents, Lists), Read(file));
    }

    [Fact]
    public void Lists_that_no_writer_makes_are_refused()
    {
        foreach (int[][] lists in new int[][][] { [[0, 0], [], []], [[4, 3], [], []], [[Documents], [], []], [[-1], [], []], [[1], [2]], [[1], [2], [], []] })
        {
            Assert.Throws<CorruptDataException>(() => Read(Write(lists)));
        }
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] whole = Write();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<CorruptDataException>(() => Read(whole[..length]));
        }
    }

    [Fact]
    public void Changes_behind_valid_checksums_do_no_harm()
    {
        byte[] whole = Write();
        string right = Read(whole)!;
        var random = new Xorshift(3);
        int refused = 0, changed = 0;
        for (int i = 0; i < 6000; i++)
        {
            byte[] damaged = whole.ToArray();
            damaged[random.Next(PartBytes.DataBytes(whole))] ^= (byte)(1 << random.Next(8));
            PartBytes.Reseal(damaged);
            try
            {
                changed += Read(damaged) == right ? 0 : 1;
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        // The tree has a checksum of its own.
        Assert.True(refused > 1000 && changed > 10, $"{refused} refused, {changed} changed");
    }

    private static byte[] Write(int[][]? lists = null)
    {
        using var part = new PartEncoder(PartKind.Codes);
        var centroids = Enumerable.Range(0, Parents.Length * Header.PaddedDimensions).Select(i => (Half)(i % 31 / 8f)).ToArray();
        TokenClustersFormat.Write(part, Attribute, Header, Parents, centroids, lists ?? Lists);
        part.Finish(Documents);
        return part.Buffer.Written.AsSpan().ToArray();
    }

    private static string? Read(byte[] bytes, int attribute = Attribute)
    {
        var memory = NativeObjectMemory.CopyOf(bytes);
        try
        {
            var part = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Codes);
            return TokenClustersFormat.Read(part, attribute) is not { } read
                ? null
                : Describe(read.Nodes.Header, read.Nodes.Parents, [.. Enumerable.Range(0, read.Count).Select(l => read.DocumentsOf(l).ToArray())]);
        }
        finally
        {
            memory.Release();
        }
    }

    private static string Describe(TreeHeader header, int[] parents, int[][] lists) =>
        $"{header} {string.Join(',', parents)} {string.Join(';', lists.Select(l => string.Join(',', l)))}";
}
