using Puff.Engine.Schema;
using Puff.Engine.Text;
using Xunit;

namespace Puff.Engine.Tests.Text;

public class TextAnalyzerTests
{
    [Theory]
    [InlineData("word_v4", "see example.com, won't 3.14!", "see example.com won't 3.14")]
    [InlineData("word_v3", "e-mail U.S.A. foo_bar ___ ...", "e mail u.s.a foo_bar")]
    [InlineData("word_v4", "日本語 ひらがな カタカナ ー 👍🏽", "日 本 語 ひ ら が な カタカナ 👍🏽")]
    [InlineData("word_v4", "Straße ΟΔΟΣ İx Ünïcode", "straße οδοσ i̇x ünïcode")]
    [InlineData("word_v4", "1,000;5 a,b a:b c.d. 1:2 x'y'", "1,000;5 a b a:b c.d 1 2 x'y")]
    [InlineData("word_v4", "½ ² © ™ € 🇩🇪🇫🇷", "½ ² © ™")]
    [InlineData("word_v2", "example.com won't foo_bar 日本語 👍🏽 1️⃣ 🇩🇪 カタ", "example com won t foo bar 日 本 語 👍🏽 1️⃣ 🇩🇪 カタ")]
    [InlineData("word_v1", "日本語 👍🏽x é1", "日本語 👍🏽 x é1")]
    [InlineData("word_v0", "日本語 👍🏽x é1", "日本語 x é1")]
    public void Tokenizers_cut_as_the_contract_says(string tokenizer, string text, string tokens) =>
        Assert.Equal(tokens.Split(' '), Tokens.Of(text, new FullTextSettings { Tokenizer = tokenizer }));

    [Fact]
    public void A_token_of_forty_characters_is_dropped_and_keeps_its_position()
    {
        var buffer = Tokens.Analyze(System.Text.Encoding.UTF8.GetBytes($"a {new string('b', 40)} {new string('c', 39)} {new string('é', 39)} {new string('é', 40)} z"));
        Assert.Equal([0, 2, 3, 5], Enumerable.Range(0, buffer.Count).Select(buffer.Position));
        Assert.Equal(6, buffer.Positions);
    }

    [Fact]
    public void Elements_of_an_array_form_one_stream_with_places_of_their_own()
    {
        var analyzer = TextAnalyzer.For(new FullTextSettings());
        var buffer = new TokenBuffer();
        analyzer.Analyze("one two"u8, buffer);
        analyzer.Analyze("drei"u8, buffer);
        Assert.Equal(["one", "two", "drei"], Enumerable.Range(0, 3).Select(i => System.Text.Encoding.UTF8.GetString(buffer.Term(i))));
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 3).Select(buffer.Position));
        Assert.Equal([0, 0, 1], Enumerable.Range(0, 3).Select(buffer.Element));
        Assert.Equal([0, 4, 0], Enumerable.Range(0, 3).Select(buffer.Start));
        Assert.Equal([3, 7, 4], Enumerable.Range(0, 3).Select(buffer.End));
        buffer.Clear();
        Assert.Equal((0, 0, 0), (buffer.Count, buffer.Positions, buffer.Elements));
    }

    [Fact]
    public void Case_is_kept_if_asked_for() =>
        Assert.Equal(["Fox", "ÉTÉ"], Tokens.Of("Fox ÉTÉ", new FullTextSettings { CaseSensitive = true }));

    [Fact]
    public void Pretokenized_elements_are_tokens_as_they_are()
    {
        var settings = new FullTextSettings { Tokenizer = FullTextDeclaration.PreTokenized, CaseSensitive = true };
        Assert.Equal(["Two words, ONE token"], Tokens.Of("Two words, ONE token", settings));
        Assert.True(TextAnalyzer.For(settings).IsPreTokenized);
    }

    [Theory]
    [InlineData("word_v0")]
    [InlineData("word_v1")]
    [InlineData("word_v2")]
    [InlineData("word_v4")]
    public void Random_texts_give_the_same_tokens_by_blocks_as_by_segments(string tokenizer)
    {
        string[] pieces = ["a", "B", "7", " ", ".", "'", ",", ":", "_", "-", "é", "ß", "日", "ー", "\u0301", "\u200D", "👍", "🇩", "\uFE0F\u20E3", "א", "\"", "Ж", "\r", "\n", "#"];
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            int asciiShare = random.Next(1, 12);
            var text = new System.Text.StringBuilder();
            int count = random.Next(1, 200);
            for (int i = 0; i < count; i++)
            {
                text.Append(pieces[random.Next(12) < asciiShare ? random.Next(10) : random.Next(pieces.Length)]);
            }

            SegmentReference.AssertSame(System.Text.Encoding.UTF8.GetBytes(text.ToString()), tokenizer, random.Next(1, 40));
        }
    }

    [Fact]
    public void Any_bytes_give_tokens_with_places_inside_the_text()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            byte[] text = new byte[random.Next(200)];
            random.NextBytes(text);
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = random.Next(seed % 4 + 1) == 0 ? text[i] : (byte)random.Next(32, 127);
            }

            SegmentReference.AssertSame(text, seed % 2 == 0 ? "word_v4" : "word_v2");
        }
    }

    [Fact]
    public void Valid_text_is_cut_between_characters_only()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var runes = Enumerable.Range(0, 100).Select(_ => random.Next(3) == 0 ? random.Next(0x20, 0x7F) : random.Next(0x20, 0xD800));
            byte[] text = System.Text.Encoding.UTF8.GetBytes(string.Concat(runes.Select(char.ConvertFromUtf32)));
            var buffer = Tokens.Analyze(text);
            for (int i = 0; i < buffer.Count; i++)
            {
                Assert.NotEqual(0x80, text[buffer.Start(i)] & 0xC0);
                Assert.True(buffer.End(i) == text.Length || (text[buffer.End(i)] & 0xC0) != 0x80);
            }
        }
    }

    [Fact]
    public void Stop_words_leave_gaps()
    {
        var buffer = Tokens.Analyze("The cat is on the mat"u8.ToArray(), new FullTextSettings { RemoveStopwords = true });
        Assert.Equal([1, 5], Enumerable.Range(0, buffer.Count).Select(buffer.Position));
        Assert.Equal(6, buffer.Positions);
    }

    [Theory]
    [InlineData("english", "The fox and the HOUND", "fox hound")]
    [InlineData("german", "Der Hund und die Katze", "hund katze")]
    [InlineData("russian", "кошка и собака", "кошка собака")]
    [InlineData("finnish", "minä olen kissa", "kissa")]
    public void Stop_words_go(string language, string text, string tokens) =>
        Assert.Equal(tokens.Split(' '), Tokens.Of(text, new FullTextSettings { Language = language, RemoveStopwords = true }));

    /// <summary>The schema refuses the others.</summary>
    [Fact]
    public void Thirteen_languages_have_stop_words() =>
        Assert.Equal(13, StemmerTests.Languages.Count(language => StopWordLists.Find(language.Data) is not null));

    [Theory]
    [InlineData("Café Ångström œuvre ﬁn", "cafe angstrom oeuvre fin")]
    [InlineData("ʙig Straße Ж１２", "big strasse ж12")]
    public void Folding_leaves_ascii(string text, string tokens) =>
        Assert.Equal(tokens.Split(' '), Tokens.Of(text, new FullTextSettings { AsciiFolding = true }));

    [Fact]
    public void Folding_comes_after_stemming() =>
        Assert.Equal(["chaton"], Tokens.Of("châtons", new FullTextSettings { Language = "french", Stemming = true, AsciiFolding = true }));

    [Fact]
    public void The_beginning_of_a_word_is_neither_stemmed_nor_dropped()
    {
        var analyzer = TextAnalyzer.For(new FullTextSettings { Stemming = true, RemoveStopwords = true, AsciiFolding = true });
        var buffer = new TokenBuffer();
        Assert.True(analyzer.AnalyzeWithPrefix("the jumping fishés"u8, buffer));
        Assert.Equal(["jump", "fishes"], Enumerable.Range(0, buffer.Count).Select(i => System.Text.Encoding.UTF8.GetString(buffer.Term(i))));
        buffer.Clear();
        Assert.True(analyzer.AnalyzeWithPrefix("jumping the"u8, buffer));
        Assert.Equal(["jump", "the"], Enumerable.Range(0, buffer.Count).Select(i => System.Text.Encoding.UTF8.GetString(buffer.Term(i))));
        buffer.Clear();
        Assert.False(analyzer.AnalyzeWithPrefix("!"u8, buffer));
    }

    [Fact]
    public void A_warm_buffer_allocates_nothing()
    {
        var analyzer = TextAnalyzer.For(new FullTextSettings { Stemming = true, RemoveStopwords = true, AsciiFolding = true });
        var buffer = new TokenBuffer();
        byte[] text = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("The quick brown fox jümps over 日本 ", 200)));
        analyzer.Analyze(text, buffer);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
        {
            buffer.Clear();
            analyzer.Analyze(text, buffer);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
