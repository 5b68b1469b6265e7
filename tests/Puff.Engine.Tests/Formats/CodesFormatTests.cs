using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>The part `codes`: what is written is read, damage is refused and never ends in anything but an error that says so.</summary>
public sealed class CodesFormatTests
{
    private static readonly int[] Attributes = [CodesSamples.GroupedAttribute, CodesSamples.FlatAttribute, CodesSamples.AbsentAttribute];

    [Fact]
    public void What_was_written_is_read()
    {
        using var opened = new Opened(CodesSamples.Write());
        var grouped = CodesReader.Open(opened.Part, CodesSamples.GroupedAttribute)!;
        Assert.Equal(CodesSamples.Grouped, new CodesHeader(grouped.TreeId, grouped.RotationSeed, grouped.PaddedDimensions, grouped.IsAligned));
        Assert.Equal(CodesSamples.Groups, grouped.Groups.ToArray().Select(g => (g.Node, g.Count)));
        Assert.Equal(CodesSamples.Groups.Sum(g => g.Count), grouped.Slots);
        Assert.All(grouped.Groups.ToArray(), g => Assert.Equal(0, g.Offset % 64));
        for (int group = 0; group < grouped.Groups.Length; group++)
        {
            var (node, count) = CodesSamples.Groups[group];
            Assert.Equal(CodesSamples.ContentOf(node, count), grouped.ReadGroup(group).AsSpan().ToArray());
        }

        Assert.Equal(70, grouped.DocumentOf(70));
        Assert.Throws<ArgumentOutOfRangeException>(() => grouped.DocumentOf(71));
        var flat = CodesReader.Open(opened.Part, CodesSamples.FlatAttribute)!;
        Assert.True(flat.IsFlat && !flat.IsAligned);
        Assert.Equal(CodesSamples.FlatDocuments, Enumerable.Range(0, flat.Slots).Select(flat.DocumentOf));
        Assert.Equal(CodesSamples.Centroid, flat.ReadCentroid());
        Assert.Null(CodesReader.Open(opened.Part, CodesSamples.AbsentAttribute));
    }

    [Fact]
    public void Version_1_is_read_and_written_unchanged()
    {
        byte[] today = CodesSamples.Write();
        byte[] file = GoldenFiles.Read("codes/v2/two-attributes.bin", today);
        Assert.Equal(file, today);
        Assert.Equal(ReadAll(today), ReadAll(file));
    }

    [Fact]
    public void Blocks_and_rows_have_the_sizes_the_format_promises()
    {
        Assert.Equal((256 + (4 * 768), 296), (CodesFormat.BlockBytes(768), CodesFormat.RowBytes(768)));
        Assert.Equal(0, CodesFormat.BlockBytes(CodesFormat.MaxPaddedDimensions) % 64);
        Assert.Equal((2 * CodesFormat.BlockBytes(64)) + (33 * CodesFormat.RowBytes(64)), CodesFormat.BytesOf(33, 64));
        Assert.Equal((64, 64, 128), (CodesFormat.Pad(1), CodesFormat.Pad(64), CodesFormat.Pad(65)));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] whole = CodesSamples.Write();
        for (int length = 0; length < whole.Length; length += length < whole.Length - 800 ? 37 : 1)
        {
            Assert.Throws<CorruptDataException>(() => ReadAll(whole[..length]));
        }
    }

    [Fact]
    public void Flipped_bits_are_refused()
    {
        byte[] whole = CodesSamples.Write();
        var random = new Xorshift(3);
        var bits = Enumerable.Range(0, 1500).Select(_ => random.Next(whole.Length * 8)).Concat(Enumerable.Range((whole.Length - 400) * 8, 400 * 8));
        foreach (int bit in bits.Concat(Enumerable.Range(0, 64)))
        {
            byte[] damaged = whole.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                // A flipped bit may make an attribute's section unfindable or lie in what no attribute reads, but never reads as something else.
                using var opened = new Opened(damaged);
                Assert.NotEmpty(opened.Part.FindDamagedBlocks());
                ReadAll(damaged);
            }
            catch (CorruptDataException)
            {
            }
        }
    }

    [Fact]
    public void Changes_behind_valid_checksums_do_no_harm()
    {
        byte[] whole = CodesSamples.Write();
        string right = ReadAll(whole);
        int refused = 0;
        int changed = 0;
        foreach (byte[] damaged in InTables(whole))
        {
            try
            {
                changed += ReadAll(damaged) == right ? 0 : 1;
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.True(refused > 1000 && changed > 1000, $"{refused} refused, {changed} changed");
    }

    [Fact]
    public void The_writer_refuses_what_no_reader_would_take()
    {
        using var part = new PartEncoder(PartKind.Codes);
        using var grouped = new CodesEncoder(part, 1, CodesSamples.Grouped);
        Assert.Throws<ArgumentOutOfRangeException>(() => grouped.AddGroup(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => grouped.AddGroup(0, 0));
        Assert.Throws<PuffException>(() => grouped.Finish(CodesSamples.Centroid));
        using var flat = new CodesEncoder(part, 2, CodesSamples.Flat);
        flat.AddGroup(0, 2);
        flat.AddDocument(1);
        Assert.Throws<PuffException>(() => flat.Finish(CodesSamples.Centroid));
    }

    /// <summary>Changes to each section: a thousand, so that those of the tables do not drown in the codes.</summary>
    private static IEnumerable<byte[]> InTables(byte[] whole)
    {
        using var opened = new Opened(whole);
        var random = new Xorshift(6);
        foreach (var entry in opened.Part.Entries)
        {
            for (int i = 0; i < 1000; i++)
            {
                byte[] damaged = whole.ToArray();
                damaged[(int)entry.Offset + random.Next((int)entry.Length)] ^= (byte)(1 << random.Next(8));
                PartBytes.Reseal(damaged);
                yield return damaged;
            }
        }
    }

    private static string ReadAll(byte[] content)
    {
        using var opened = new Opened(content);
        return string.Join('\n', Attributes.Select(a => CodesSamples.Text(CodesReader.Open(opened.Part, a))));
    }

    private sealed unsafe class Opened : IDisposable
    {
        private readonly NativeObjectMemory memory;

        public Opened(byte[] content)
        {
            memory = NativeObjectMemory.CopyOf(content);
            try
            {
                Part = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Codes);
            }
            catch
            {
                memory.Release();
                throw;
            }
        }

        public PartReader Part { get; }

        public void Dispose() => memory.Release();
    }
}
