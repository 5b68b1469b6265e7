using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Benchmarks;

/// <summary>
/// Goal: text becomes tokens at 400 MB/s on one core where it is ASCII and not stemmed. Method: documents of about 1 kB, made of random words with the
/// frequencies of natural text (Zipf), analysed one after the other into one warm buffer; best of several rounds.
/// </summary>
internal static class AnalyzeReport
{
    private const int Documents = 2_000;
    private const int WordsInDocument = 170;
    private const int Vocabulary = 50_000;
    private const int Rounds = 15;

    public static void Run()
    {
        byte[][] english = Texts("etaoinshrdlucmfwypvbgkjqxz");
        byte[][] german = Texts("enisrattdhulcgmobwfkzpvüäöß");
        byte[][] russian = Texts("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф");
        Console.WriteLine($"{"text",-10}{"pipeline",-44}{"MB/s",8}{"M tokens/s",12}");
        Report("english", "word_v4, lower case", english, new FullTextSettings());
        Report("english", "word_v4, case kept", english, new FullTextSettings { CaseSensitive = true });
        Report("english", "word_v2, lower case", english, new FullTextSettings { Tokenizer = "word_v2" });
        Report("english", "word_v4, stop words", english, new FullTextSettings { RemoveStopwords = true });
        Report("english", "word_v4, stemming", english, new FullTextSettings { Stemming = true });
        var all = new FullTextSettings { RemoveStopwords = true, Stemming = true, AsciiFolding = true };
        Report("english", "word_v4, stop words, stemming, folding", english, all);
        Report("german", "word_v4, lower case", german, new FullTextSettings { Language = "german" });
        Report("german", "word_v4, stemming", german, new FullTextSettings { Language = "german", Stemming = true });
        Report("russian", "word_v4, lower case", russian, new FullTextSettings { Language = "russian" });
        Report("russian", "word_v4, stemming", russian, new FullTextSettings { Language = "russian", Stemming = true });
    }

    private static void Report(string text, string pipeline, byte[][] documents, FullTextSettings settings)
    {
        var analyzer = TextAnalyzer.For(settings);
        var tokens = new TokenBuffer();
        long count = 0;
        void Analyze()
        {
            count = 0;
            foreach (byte[] document in documents)
            {
                tokens.Clear();
                analyzer.Analyze(document, tokens);
                count += tokens.Count;
            }
        }

        Measure.WarmUp(Analyze);
        double seconds = Measure.Seconds(Analyze, Rounds);
        Console.WriteLine($"{text,-10}{pipeline,-44}{documents.Sum(document => document.Length) / seconds / 1e6,8:F0}{count / seconds / 1e6,12:F1}");
    }

    /// <summary>Letters earlier in the alphabet are more frequent; every tenth word begins with a capital, every ninth ends with a mark.</summary>
    private static byte[][] Texts(string alphabet)
    {
        var random = new Random(4);
        string[] words = [.. Enumerable.Range(0, Vocabulary).Select(rank => Word(random, alphabet, rank))];
        string Next(int i) => Dress(words[(int)(Math.Pow(Vocabulary, random.NextDouble()) - 1)], i);
        string Text() => string.Join(' ', Enumerable.Range(0, WordsInDocument).Select(Next));
        return [.. Enumerable.Range(0, Documents).Select(_ => System.Text.Encoding.UTF8.GetBytes(Text()))];
    }

    private static string Word(Random random, string alphabet, int rank)
    {
        int length = 1 + (int)Math.Log2(rank + 2) / 3 + random.Next(6);
        return string.Concat(Enumerable.Range(0, length).Select(_ => alphabet[(int)(alphabet.Length * random.NextDouble() * random.NextDouble())]));
    }

    private static string Dress(string word, int i) => (i % 10 == 0 ? char.ToUpperInvariant(word[0]) + word[1..] : word) + (i % 9 == 0 ? "," : "");
}
