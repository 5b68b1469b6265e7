using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>The part `sparse`: what is written is read, damage is refused and never ends in anything but an error that says so.</summary>
public sealed unsafe class SparseIndexTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(127, 3)]
    [InlineData(3_000, 4)]
    [InlineData(20_000, 5)]
    public void What_was_written_is_read(int documents, int seed)
    {
        var values = SparseSamples.Documents(documents, seed);
        using var encoded = new EncodedSparse(SparseSamples.Attribute, values);
        Assert.Equal(Expected(values), Read(encoded.Index));
        SparseVerifier.Walk(encoded.Index);
        Assert.Equal(values.Where(v => !v.IsNull).Sum(v => v.AsSparse.Keys.Length), encoded.Index.Postings);
        Assert.Equal(-1, encoded.Index.Find("no such key"u8));
        Assert.Equal(-1, encoded.Index.Find(""u8));
        Assert.Equal(-1, encoded.Index.Find("~"u8));
        Assert.All(Enumerable.Range(0, encoded.Index.Dimensions), d => Assert.Equal(d, encoded.Index.Find(encoded.Index.KeyAt(d))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    public void The_number_of_passes_changes_nothing(int postings)
    {
        var values = SparseSamples.Documents(2_000, 9);
        using var one = new EncodedSparse(SparseSamples.Attribute, values);
        using var many = new EncodedSparse(SparseSamples.Attribute, values, postings);
        Assert.Equal(one.Bytes, many.Bytes);
    }

    [Fact]
    public void Version_1_is_read_and_written_unchanged()
    {
        byte[] today = Sample();
        byte[] file = GoldenFiles.Read("sparse/v2/one-attribute.bin", today);
        Assert.Equal(file, today);
        using var opened = new Opened(file);
        Assert.Equal(Expected(SparseSamples.Documents(400, 1, dimensions: 60)), Read(opened.Index!));
    }

    [Fact]
    public void Attributes_do_not_meet()
    {
        var other = SparseSamples.Attribute with { Id = 8 };
        using var part = new PartEncoder(PartKind.Sparse);
        var left = SparseSamples.Documents(300, 1);
        var right = SparseSamples.Documents(300, 2);
        EncodedSparse.Encode(part, SparseSamples.Attribute, left);
        EncodedSparse.Encode(part, other, right);
        part.Finish(300);
        var reader = new PartReader(part.Buffer.Written, PartKind.Sparse);
        Assert.Equal(Expected(left), Read(SparseIndex.Open(reader, SparseSamples.Attribute.Id)!));
        Assert.Equal(Expected(right), Read(SparseIndex.Open(reader, other.Id)!));
        Assert.Null(SparseIndex.Open(reader, 9));
    }

    [Fact]
    public void A_repeated_dimension_is_refused()
    {
        var broken = Value.Sparse(new SparseVector(["a"u8.ToArray(), "a"u8.ToArray()], [1, 2]));
        Assert.Throws<CorruptDataException>(() => new EncodedSparse(SparseSamples.Attribute, [broken]));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] whole = Sample();
        for (int length = 0; length < whole.Length; length += length < whole.Length - 800 ? 37 : 1)
        {
            Assert.Throws<CorruptDataException>(() => Walk(whole[..length]));
        }
    }

    [Fact]
    public void Flipped_bits_are_refused()
    {
        byte[] bytes = Sample();
        var random = new Xorshift(3);
        for (int i = 0; i < 1_500; i++)
        {
            int bit = random.Next(bytes.Length * 8);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            using (var opened = new Opened(bytes, tolerant: true))
            {
                Assert.True(opened.Part is null || opened.Part.FindDamagedBlocks().Count > 0, $"bit {bit}");
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>With the checksums mended, numbers may differ, but reading ends in numbers within their ranges or in a refusal.</summary>
    [Fact]
    public void Changes_behind_valid_checksums_do_no_harm()
    {
        int refused = 0, read = 0;
        foreach (byte[] damaged in InSections(Sample()))
        {
            try
            {
                using var opened = new Opened(damaged);
                if (opened.Index is { } index)
                {
                    Read(index);
                    SparseVerifier.Walk(index);
                }

                read++;
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.True(refused > 500 && read > 500, $"{refused} refused, {read} read");
    }

    /// <summary>Changes to each section: a thousand, so that those of the tables do not drown in the postings.</summary>
    private static IEnumerable<byte[]> InSections(byte[] whole)
    {
        using var opened = new Opened(whole);
        var random = new Xorshift(6);
        foreach (var entry in opened.Part!.Entries)
        {
            for (int i = 0; i < 1000; i++)
            {
                byte[] damaged = whole.ToArray();
                int at = (int)entry.Offset + random.Next((int)entry.Length);
                damaged[at] = random.Next(2) == 0 ? (byte)(damaged[at] ^ 1 << random.Next(8)) : (byte)random.Next(256);
                PartBytes.Reseal(damaged);
                yield return damaged;
            }
        }
    }

    private static byte[] Sample()
    {
        using var encoded = new EncodedSparse(SparseSamples.Attribute, SparseSamples.Documents(400, 1, dimensions: 60));
        return encoded.Bytes;
    }

    private static void Walk(byte[] bytes)
    {
        using var opened = new Opened(bytes);
        SparseVerifier.Walk(opened.Index!);
    }

    private static string[] Expected(Value[] documents) =>
    [
        .. documents.SelectMany((value, document) => value.IsNull
                ? [] : value.AsSparse.Keys.Select((key, i) => (Key: key, Document: document, Weight: value.AsSparse.Weights[i])))
            .OrderBy(p => p.Key, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right))).ThenBy(p => p.Document)
            .Select(p => $"{System.Text.Encoding.UTF8.GetString(p.Key)} {p.Document} {p.Weight}"),
    ];

    private static string[] Read(SparseIndex index)
    {
        var postings = new List<string>();
        int* documents = stackalloc int[PackedIntegers.BlockLength];
        float* weights = stackalloc float[PackedIntegers.BlockLength];
        for (int dimension = 0; dimension < index.Dimensions; dimension++)
        {
            string key = System.Text.Encoding.UTF8.GetString(index.KeyAt(dimension));
            var list = index.GetList(dimension);
            int last = -1;
            for (int block = 0; block < list.BlockCount; block++)
            {
                int count = index.Read(list, block, documents, weights);
                for (int i = 0; i < PackedIntegers.BlockLength; i++)
                {
                    Assert.True(i < count ? documents[i] > last && documents[i] < index.Documents : documents[i] == int.MaxValue && weights[i] == 0);
                    last = documents[i];
                    if (i < count)
                    {
                        postings.Add($"{key} {documents[i]} {weights[i]}");
                    }
                }

                last = documents[count - 1];
            }
        }

        return [.. postings];
    }

    private sealed class Opened : IDisposable
    {
        private readonly NativeObjectMemory memory;

        public Opened(byte[] bytes, bool tolerant = false)
        {
            memory = NativeObjectMemory.CopyOf(bytes);
            try
            {
                Part = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Sparse);
                Index = SparseIndex.Open(Part, SparseSamples.Attribute.Id);
            }
            catch (CorruptDataException) when (tolerant)
            {
            }
            catch
            {
                memory.Release();
                throw;
            }
        }

        public PartReader? Part { get; }

        public SparseIndex? Index { get; }

        public void Dispose() => memory.Release();
    }
}
