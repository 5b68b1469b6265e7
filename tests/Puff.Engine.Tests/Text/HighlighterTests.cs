using Puff.Engine.Schema;
using Puff.Engine.Text;
using Xunit;

namespace Puff.Engine.Tests.Text;

public class HighlighterTests
{
    private static readonly FullTextSettings Settings = new() { Stemming = true };

    [Theory]
    [InlineData("One fox. Two dogs! Three? Yes.", "One fox.|Two dogs!|Three?|Yes.")]
    [InlineData("It cost 3.14 at example.com, e.g. there. Done", "It cost 3.14 at example.com, e.g. there.|Done")]
    [InlineData("He said \"Stop.\" She did.", "He said \"Stop.\"|She did.")]
    [InlineData("first line\nsecond line\r\n\r\nthird", "first line|second line|third")]
    [InlineData("東京です。京都です。", "東京です。|京都です。")]
    [InlineData("  ...  ", "...")]
    [InlineData("   ", "")]
    public void Sentences_are_cut(string text, string sentences) => Assert.Equal(sentences, Split(text, FragmentKind.Sentence));

    [Fact]
    public void Paragraphs_end_with_their_line() => Assert.Equal("a. b.|c", Split("a. b.\n\n c \n", FragmentKind.Paragraph));

    [Fact]
    public void Only_fragments_with_a_match_come_back_best_first()
    {
        var found = Find(["A whale sings. A fox is a fox. Foxes and a whale and a dog run.\nNothing"], "fox whale", FragmentKind.Sentence, 10);
        Assert.Equal(["A fox is a fox.", "A whale sings.", "Foxes and a whale and a dog run."], found.Select(f => f.Text).Order(StringComparer.Ordinal));
        Assert.Equal(found.OrderByDescending(f => f.Score).Select(f => f.Text), found.Select(f => f.Text));
        Assert.Equal(["Foxes", "whale"], found.Single(f => f.Text.StartsWith("Foxes", StringComparison.Ordinal)).Matches);
    }

    /// <summary>The reference values of turbopuffer-api 4.6: idf ln 2, mean length 1.</summary>
    [Theory]
    [InlineData("fugu", 0.693147)]
    [InlineData("fugu fugu", 0.7438652)]
    [InlineData("fugu whale sea", 0.38123095)]
    public void A_whole_text_scores_without_a_corpus(string text, double score) =>
        Assert.Equal(score, Find([text], "fugu", FragmentKind.Whole, 1).Single().Score, 1e-6);

    [Fact]
    public void Equal_words_of_a_text_are_merged()
    {
        var found = Find(["fox Fox fox", "fox"], "fox", FragmentKind.Word, 10);
        Assert.Equal([("fox", 0, 2), ("Fox", 0, 1), ("fox", 1, 1)], found.Select(f => (f.Text, f.Element, f.Matches.Length)));
    }

    [Fact]
    public void The_limit_keeps_the_best()
    {
        var found = Find(["Fox and many other words here. Fox. Fox fox."], "fox", FragmentKind.Sentence, 2);
        Assert.Equal(["Fox fox.", "Fox."], found.Select(f => f.Text));
    }

    [Fact]
    public void A_prefix_matches_and_adds_one()
    {
        var query = TextQuery.Parse(Settings, "lazy wal", lastAsPrefix: true);
        byte[][] texts = ["The walrus slept. The walnut fell. A dog."u8.ToArray()];
        var found = new Highlighter(Settings, [query], FragmentKind.Sentence, 5).Find(texts);
        Assert.Equal([1.0, 1.0], found.Select(f => f.Score));
        Assert.Equal([0, 18], found.Select(f => f.Start));
    }

    [Fact]
    public void Any_bytes_give_fragments_inside_the_text()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            byte[] text = new byte[random.Next(300)];
            random.NextBytes(text);
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = random.Next(4) == 0 ? text[i] : (byte)" ab.a\n"[random.Next(6)];
            }

            var query = TextQuery.Parse(Settings, "a b", lastAsPrefix: false);
            foreach (var kind in Enum.GetValues<FragmentKind>())
            {
                foreach (var fragment in new Highlighter(Settings, [query], kind, 1024).Find([text]))
                {
                    Assert.True(fragment.Start >= 0 && fragment.Start < fragment.End && fragment.End <= text.Length);
                    Assert.NotEmpty(fragment.Matches);
                    Assert.All(kind == FragmentKind.Word ? [] : fragment.Matches, m => Assert.True(m.Start >= fragment.Start && m.End <= fragment.End));
                }
            }
        }
    }

    private static string Split(string text, FragmentKind kind)
    {
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(text);
        var places = new List<(int Start, int End)>();
        FragmentSplitter.Split(utf8, kind, places);
        return string.Join('|', places.Select(place => System.Text.Encoding.UTF8.GetString(utf8.AsSpan(place.Start, place.End - place.Start))));
    }

    private static List<(string Text, int Element, double Score, string[] Matches)> Find(string[] texts, string query, FragmentKind kind, int limit)
    {
        byte[][] utf8 = Array.ConvertAll(texts, System.Text.Encoding.UTF8.GetBytes);
        var found = new Highlighter(Settings, [TextQuery.Parse(Settings, query, lastAsPrefix: false)], kind, limit).Find(utf8);
        return [.. found.Select(f => (Show(utf8, f.Element, (f.Start, f.End)), f.Element, f.Score, f.Matches.Select(m => Show(utf8, f.Element, m)).ToArray()))];
    }

    private static string Show(byte[][] texts, int element, (int Start, int End) place) =>
        System.Text.Encoding.UTF8.GetString(texts[element].AsSpan(place.Start, place.End - place.Start));
}
