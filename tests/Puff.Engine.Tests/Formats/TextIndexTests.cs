using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>The part `text`: what is written is read, damage is refused and never ends in anything but an error that says so.</summary>
public sealed unsafe class TextIndexTests
{
    [Theory]
    [InlineData(0, 1, 300)]
    [InlineData(1, 2, 300)]
    [InlineData(127, 3, 300)]
    [InlineData(3_000, 4, 300)]
    [InlineData(9_000, 5, 20_000)]
    public void What_was_written_is_read(int documents, int seed, int words)
    {
        var texts = TextSamples.Documents(documents, seed, words);
        using var encoded = new EncodedText(TextSamples.Attribute, texts);
        Assert.Equal(Expected(texts), Read(encoded.Index));
        TextVerifier.Walk(encoded.Index);
        Assert.Equal(TextAnalysis.Of(TextSamples.Attribute.FullText!), encoded.Index.Facts.Analysis);
        Assert.Equal((texts.Count(t => t is not null), texts.Sum(t => t?.Count(w => w is not null) ?? 0)), encoded.Index.Totals);
        Assert.All(Enumerable.Range(0, documents), d => Assert.Equal(texts[d]?.Count(w => w is not null) ?? -1, encoded.Index.LengthOf(d)));
        Assert.Null(encoded.Index.Find("no such word"u8));
        Assert.Null(encoded.Index.Find(""u8));
        Assert.Null(encoded.Index.Find("~"u8));
        foreach (var term in EncodedText.Postings(texts).GroupBy(p => p.Term))
        {
            Assert.Equal(term.Count(), encoded.Index.Find(System.Text.Encoding.UTF8.GetBytes(term.Key))?.Documents);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("w")]
    [InlineData("w1")]
    [InlineData("a longer")]
    [InlineData("zzz")]
    [InlineData("A")]
    public void Prefixes_find_all_terms_that_begin_so(string prefix)
    {
        var texts = TextSamples.Documents(2_000, 8, words: 3_000);
        using var encoded = new EncodedText(TextSamples.Attribute, texts);
        var lists = new List<PostingList>();
        encoded.Index.FindPrefix(System.Text.Encoding.UTF8.GetBytes(prefix), lists);
        var expected = EncodedText.Postings(texts).GroupBy(p => p.Term).Where(g => g.Key.StartsWith(prefix, StringComparison.Ordinal));
        Assert.Equal(expected.OrderBy(g => g.Key, EncodedText.ByBytes).Select(g => g.Count()), lists.Select(l => l.Documents));
    }

    [Fact]
    public void Version_1_is_read_and_written_unchanged()
    {
        byte[] today = Sample();
        byte[] file = GoldenFiles.Read("text/v2/one-attribute.bin", today);
        Assert.Equal(file, today);
        using var opened = new Opened(file);
        Assert.Equal(Expected(SampleTexts()), Read(opened.Index!));
    }

    [Fact]
    public void Attributes_do_not_meet()
    {
        var other = TextSamples.Attribute with { Id = 8 };
        using var part = new PartEncoder(PartKind.Text);
        var left = TextSamples.Documents(300, 1);
        var right = TextSamples.Documents(300, 2);
        EncodedText.Encode(part, TextSamples.Attribute, left);
        EncodedText.Encode(part, other, right);
        part.Finish(300);
        var reader = new PartReader(part.Buffer.Written, PartKind.Text);
        Assert.Equal(Expected(left), Read(TextIndex.Open(reader, TextSamples.Attribute.Id)!));
        Assert.Equal(Expected(right), Read(TextIndex.Open(reader, other.Id)!));
        Assert.Null(TextIndex.Open(reader, 9));
    }

    [Fact]
    public void Impacts_bound_what_they_stand_for()
    {
        var random = new Xorshift(4);
        for (int i = 0; i < 20_000; i++)
        {
            int frequency = 1 + random.Next(1 << random.Next(20));
            int length = random.Next(1 << random.Next(24));
            ushort code = TextImpact.Encode(frequency, length);
            Assert.True(code < TextImpact.Codes && TextImpact.FrequencyOf(code) >= frequency && TextImpact.LengthOf(code) <= length, $"{frequency} {length}");
            Assert.True(length >= 507_904 || TextImpact.LengthOf(code) * 17L / 16 >= length - 1, $"{length} is bounded by {TextImpact.LengthOf(code)}");
        }
    }

    [Fact]
    public void Four_impacts_bound_any_number()
    {
        var random = new Xorshift(5);
        for (int i = 0; i < 2_000; i++)
        {
            var frontier = default(TextImpactFrontier);
            var added = new List<ushort>();
            for (int left = 1 + random.Next(40); left > 0; left--)
            {
                added.Add(TextImpact.Encode(1 + random.Next(1 << random.Next(9)), random.Next(400)));
                frontier.Add(added[^1]);
            }

            ulong word = frontier.ToWord();
            ushort[] kept = [.. Enumerable.Range(0, 4).Select(k => (ushort)(word >> (k * 16)))];
            Assert.All(added, a => Assert.Contains(kept, k => k >> 8 >= a >> 8 && (byte)k <= (byte)a));
        }
    }

    /// <summary>Frequent terms of a large set have bounds of ranges; a change to one of them, behind valid checksums, is found by walking if it matters.</summary>
    [Fact]
    public void Bounds_of_ranges_are_those_of_their_postings()
    {
        using var encoded = new EncodedText(TextSamples.Attribute, TextSamples.Documents(TextRanges.MinDocuments + 77, 5, words: 400, tokens: 6));
        TextVerifier.Walk(encoded.Index);
        var frequent = encoded.Index.Find("w0"u8)!;
        Assert.Null(encoded.Index.Find("w399"u8)?.Ranges);
        var ranges = frequent.Ranges!.Value;
        long table;
        using (var opened = new Opened(encoded.Bytes))
        {
            table = (byte*)opened.Index!.Find("w0"u8)!.Ranges!.Value.Table - opened.Start;
        }

        Assert.Contains(Enumerable.Range(0, 1_024), r => ranges.At(r) == 0);
        var random = new Xorshift(8);
        int refused = 0;
        for (int i = 0; i < 60; i++)
        {
            byte[] damaged = encoded.Bytes;
            damaged[table + random.Next((int)TextRanges.Bytes(encoded.Index.Documents))] ^= (byte)(1 << random.Next(8));
            PartBytes.Reseal(damaged);

            // Another code that promises enough is as good.
            refused += Record.Exception(() => Walk(damaged)) is CorruptDataException ? 1 : 0;
        }

        Assert.InRange(refused, 35, 60);
    }

    [Fact]
    public void Terms_and_documents_out_of_order_are_refused()
    {
        using var part = new PartEncoder(PartKind.Text);
        using var encoder = new TextEncoder(part, TextSamples.Attribute, [3, 3, 0]);
        encoder.BeginTerm("b"u8);
        encoder.Add(1, 1, [0]);
        Assert.Throws<CorruptDataException>(() => encoder.Add(1, 1, [0]));
        Assert.Throws<CorruptDataException>(() => encoder.Add(0, 1, [0]));
        Assert.Throws<CorruptDataException>(() => encoder.Add(2, 1, [0]));
        Assert.Throws<CorruptDataException>(() => encoder.Add(3, 1, [0]));
        encoder.EndTerm();
        Assert.Throws<CorruptDataException>(() => encoder.BeginTerm("b"u8));
        Assert.Throws<CorruptDataException>(() => encoder.BeginTerm("a"u8));
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
        int refused = 0, read = 0, verified = 0;
        foreach (byte[] damaged in InSections(Sample()))
        {
            try
            {
                using var opened = new Opened(damaged);
                if (opened.Index is { } index)
                {
                    Read(index);
                    read++;
                    TextVerifier.Walk(index);
                    verified++;
                }
            }
            catch (CorruptDataException)
            {
                refused++;
            }
        }

        Assert.True(refused > 300 && read > 150 && verified < read, $"{refused} refused, {read} read, {verified} verified");
    }

    /// <summary>Changes to each section, so that those of the tables do not drown in the postings.</summary>
    private static IEnumerable<byte[]> InSections(byte[] whole)
    {
        using var opened = new Opened(whole);
        var random = new Xorshift(6);
        foreach (var entry in opened.Part!.Entries)
        {
            for (int i = 0; i < 300; i++)
            {
                byte[] damaged = whole.ToArray();
                int at = (int)entry.Offset + random.Next((int)entry.Length);
                damaged[at] = random.Next(2) == 0 ? (byte)(damaged[at] ^ 1 << random.Next(8)) : (byte)random.Next(256);
                PartBytes.Reseal(damaged);
                yield return damaged;
            }
        }
    }

    /// <summary>Long and short lists, bit sets and packed blocks.</summary>
    private static string?[]?[] SampleTexts() => TextSamples.Documents(500, 1, words: 80, tokens: 24);

    private static byte[] Sample()
    {
        using var encoded = new EncodedText(TextSamples.Attribute, SampleTexts());
        return encoded.Bytes;
    }

    private static void Walk(byte[] bytes)
    {
        using var opened = new Opened(bytes);
        TextVerifier.Walk(opened.Index!);
    }

    private static string[] Expected(string?[]?[] documents) =>
    [
        .. EncodedText.Postings(documents).OrderBy(p => p.Term, EncodedText.ByBytes).ThenBy(p => p.Document)
            .Select(p => $"{p.Term} {p.Document} {string.Join(',', p.Positions)}"),
    ];

    private static string[] Read(TextIndex index)
    {
        var postings = new List<string>();
        int* documents = stackalloc int[PostingList.BlockLength];
        int* frequencies = stackalloc int[PostingList.BlockLength];
        int* lengths = stackalloc int[PostingList.BlockLength];
        var positions = new List<int>();
        for (var terms = index.Terms(); terms.Next();)
        {
            string term = System.Text.Encoding.UTF8.GetString(terms.Term);
            var list = terms.Postings();
            int last = -1;
            for (int block = 0; block < list.BlockCount; block++)
            {
                int count = list.Read(block, documents, frequencies);
                Assert.Equal(documents[count - 1], list.LastDocumentOf(block));
                index.ReadLengths(documents, count, lengths);
                for (int i = 0; i < PostingList.BlockLength; i++)
                {
                    Assert.True(i < count
                        ? documents[i] > last && documents[i] < index.Documents && frequencies[i] > 0
                        : documents[i] == int.MaxValue);
                    last = documents[i];
                }

                last = documents[count - 1];
                list.ReadPositions(block, new ReadOnlySpan<int>(frequencies, count), positions);
                int at = 0;
                for (int i = 0; i < count; i++)
                {
                    Assert.Equal(index.LengthOf(documents[i]), lengths[i]);
                    postings.Add($"{term} {documents[i]} {string.Join(',', positions.Skip(at).Take(frequencies[i]))}");
                    at += frequencies[i];
                }
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
                Part = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Text);
                Index = TextIndex.Open(Part, TextSamples.Attribute.Id);
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

        public byte* Start => memory.Pointer;

        public PartReader? Part { get; }

        public TextIndex? Index { get; }

        public void Dispose() => memory.Release();
    }
}
