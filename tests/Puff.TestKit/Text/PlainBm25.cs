using System.Text.RegularExpressions;

namespace Puff.TestKit.Text;

/// <summary>
/// BM25 written down from its formula, over tokens in plain dictionaries: what an engine's ranking is compared with. Words are runs of letters, digits and
/// underscores in lower case.
/// </summary>
internal sealed partial class PlainBm25
{
    private const double K1 = 1.2;
    private const double B = 0.75;

    private readonly Dictionary<string, List<(int Document, int Frequency)>> postings = new(StringComparer.Ordinal);
    private readonly int[] lengths;
    private readonly double meanLength;

    /// <param name="documents">The words of each.</param>
    public PlainBm25(IReadOnlyList<string[]> documents)
    {
        lengths = [.. documents.Select(d => d.Length)];
        meanLength = lengths.Average();
        for (int document = 0; document < documents.Count; document++)
        {
            foreach (var word in documents[document].GroupBy(w => w, StringComparer.Ordinal))
            {
                if (!postings.TryGetValue(word.Key, out var list))
                {
                    postings.Add(word.Key, list = []);
                }

                list.Add((document, word.Count()));
            }
        }
    }

    public static string[] WordsOf(string text) => [.. Word().Matches(text).Select(m => m.Value.ToLowerInvariant())];

    /// <summary>The best documents, equal scores by number.</summary>
    public IReadOnlyList<(int Document, double Score)> Rank(IEnumerable<string> query, int count)
    {
        var scores = new Dictionary<int, double>();
        foreach (string word in query.Distinct(StringComparer.Ordinal))
        {
            if (!postings.TryGetValue(word, out var list))
            {
                continue;
            }

            double idf = Math.Log(1 + (lengths.Length - list.Count + 0.5) / (list.Count + 0.5));
            foreach (var (document, frequency) in list)
            {
                double part = idf * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * lengths[document] / meanLength));
                scores[document] = scores.GetValueOrDefault(document) + part;
            }
        }

        return [.. scores.Select(s => (s.Key, s.Value)).OrderByDescending(s => s.Value).ThenBy(s => s.Key).Take(count)];
    }

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
