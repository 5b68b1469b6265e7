using System.IO.Compression;
using Puff.Engine.Schema;
using Puff.Engine.Text;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.Text;

public class StemmerTests
{
    private static readonly Lazy<ILookup<string, (string Word, string Stem)>> References = new(Read);

    public static TheoryData<string> Languages =>
    [
        "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian",
        "italian", "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
    ];

    [Theory]
    [MemberData(nameof(Languages))]
    public void Every_reference_word_has_its_stem(string language)
    {
        var stemmer = Stemmer.For(language);
        var word = new StemWord();
        var wrong = new List<string>();
        foreach (var (text, stem) in References.Value[language])
        {
            word.Set(System.Text.Encoding.UTF8.GetBytes(text));
            stemmer.Stem(word);
            if (!word.Text.SequenceEqual(stem))
            {
                wrong.Add($"{text}: {word.Text}, not {stem}");
            }
        }

        Assert.Equal(1000, References.Value[language].Count());
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>Words of any letters, of any length, never make a stemmer fail.</summary>
    [Theory]
    [MemberData(nameof(Languages))]
    public void Any_word_can_be_stemmed(string language)
    {
        var stemmer = Stemmer.For(language);
        var word = new StemWord();
        string[] parts = [.. References.Value[language].SelectMany(one => new[] { one.Word[..1], one.Word[^1..], one.Stem }), "a", "'", "1", "😀", "é"];
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            string text = string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => parts[random.Next(parts.Length)]));
            word.Set(System.Text.Encoding.UTF8.GetBytes(text));
            stemmer.Stem(word);
            Assert.True(word.Length <= text.Length + 8, text);
        }
    }

    [Fact]
    public void An_analyzer_gives_the_same_stems_with_its_cache_as_without()
    {
        var analyzer = TextAnalyzer.For(new FullTextSettings { Stemming = true });
        string[] words = [.. References.Value["english"].Select(one => one.Word).Where(word => !word.Contains('\''))];
        byte[] text = System.Text.Encoding.UTF8.GetBytes(string.Join(' ', words));
        var buffer = new TokenBuffer();
        var stems = new List<string>();
        for (int round = 0; round < 4; round++)
        {
            buffer.Clear();
            analyzer.Analyze(text, buffer);
            stems.Add(string.Join(' ', Enumerable.Range(0, buffer.Count).Select(i => System.Text.Encoding.UTF8.GetString(buffer.Term(i)))));
        }

        Assert.Equal(string.Join(' ', References.Value["english"].Where(one => !one.Word.Contains('\'')).Select(one => one.Stem)), stems[0]);
        Assert.All(stems, one => Assert.Equal(stems[0], one));
    }

    private static ILookup<string, (string Word, string Stem)> Read()
    {
        using var file = new GZipStream(File.OpenRead(Repository.Resolve("tests/data/snowball/stems.tsv.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
            .ToLookup(fields => fields[0], fields => (fields[1], fields[2]));
    }
}
