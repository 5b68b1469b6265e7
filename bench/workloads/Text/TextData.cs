using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Puff.Workloads.Text;

/// <summary>
/// Passages and queries of the text workload. A passage is five titles of questions from `samples/stackexchange`, chosen by chance, and two words chosen by
/// Zipf's law out of 300,000 that no title has: so frequent words follow each other as they do in English, and most words of the dictionary are rare.
/// Queries of 1 to 5 words are pieces of titles, in every second of which one word is a rare one; queries of 13 words are the questions people asked.
/// </summary>
internal sealed class TextData
{
    private const int TitlesOfPassage = 5;
    private const int RareWords = 300_000;
    private const int LongQueryWords = 13;

    private readonly string[] titles = Read("documents");
    private readonly double[] cumulative = new double[RareWords];
    private readonly int seed;

    public TextData(int documents, int queries, int seed)
    {
        this.seed = seed;
        Documents = documents;
        double sum = 0;
        for (int rank = 0; rank < RareWords; rank++)
        {
            cumulative[rank] = sum += 1.0 / (rank + 10);
        }

        Short = [.. Enumerable.Range(0, queries).Select(q => ShortQuery(q, 1 + q % 5))];
        Three = [.. Enumerable.Range(0, queries).Select(q => ShortQuery(q + queries, 3))];
        string words = string.Join(' ', Read("queries"));
        Long = [.. words.Split(' ').Chunk(LongQueryWords).Where(c => c.Length == LongQueryWords).Take(queries).Select(c => string.Join(' ', c))];
    }

    public int Documents { get; }

    /// <summary>1 to 5 words.</summary>
    public IReadOnlyList<string> Short { get; }

    public IReadOnlyList<string> Three { get; }

    /// <summary>13 words.</summary>
    public IReadOnlyList<string> Long { get; }

    public string Document(int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        var text = new StringBuilder();
        for (int i = 0; i < TitlesOfPassage; i++)
        {
            text.Append(titles[random.Next(titles.Length)]).Append(' ');
        }

        return text.Append(RareWord(random)).Append(' ').Append(RareWord(random)).Append('.').ToString();
    }

    private string ShortQuery(int number, int words)
    {
        var random = new Random(unchecked(-seed * 1_000_003 - number - 1));
        string[] title = titles[random.Next(titles.Length)].Split(' ');
        int first = random.Next(Math.Max(1, title.Length - words + 1));
        string[] chosen = title.Skip(first).Take(words).ToArray();
        if (random.Next(2) == 0)
        {
            chosen[random.Next(chosen.Length)] = RareWord(random);
        }

        return string.Join(' ', chosen);
    }

    /// <summary>Not too long, and with nothing that another word begins with too often.</summary>
    private string RareWord(Random random)
    {
        int found = Array.BinarySearch(cumulative, random.NextDouble() * cumulative[^1]);
        uint mixed = (uint)Math.Min(found < 0 ? ~found : found, RareWords - 1) * 2_654_435_761;
        return string.Create(7, mixed, static (span, value) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = (i & 1) == 0 ? "bdfgklmnprstvz"[(int)(value % 14)] : "aeiou"[(int)(value % 5)];
                value /= (i & 1) == 0 ? 14u : 5u;
            }
        });
    }

    private static string[] Read(string file)
    {
        using var content = File.OpenRead(Path.Combine(Repository.Root, "samples", "stackexchange", $"{file}.ndjson.gz"));
        using var reader = new StreamReader(new GZipStream(content, CompressionMode.Decompress));
        var titles = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            using var row = JsonDocument.Parse(line);
            titles.Add(row.RootElement.GetProperty("title").GetString()!);
        }

        return [.. titles];
    }
}
