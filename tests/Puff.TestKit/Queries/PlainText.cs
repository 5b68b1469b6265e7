using Puff.Engine.Schema;

namespace Puff.TestKit.Queries;

/// <summary>
/// Text of lower-case ASCII words with single spaces between, whose tokens need no rules; BM25 at its default settings (turbopuffer-api
/// 6.5).
/// </summary>
internal sealed class PlainText(IEnumerable<Value> corpus)
{
    private const double K1 = 1.2, B = 0.75, K3 = 8;

    private readonly string[][] texts = [.. corpus.Where(v => !v.IsNull).Select(Tokens)];

    public static string[] Tokens(Value text) =>
        [.. (text.IsArray ? PlainValues.Elements(text) : [text]).SelectMany(t => t.AsString.Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>0 without a match.</summary>
    public double Score(Value text, IReadOnlyList<string> query, bool lastAsPrefix)
    {
        if (text.IsNull)
        {
            return 0;
        }

        string[] tokens = Tokens(text);
        bool hasPrefix = lastAsPrefix && query.Count > 0;
        double score = hasPrefix && tokens.Any(t => t.StartsWith(query[^1], StringComparison.Ordinal)) ? 1 : 0;
        foreach (var word in query.SkipLast(hasPrefix ? 1 : 0).GroupBy(w => w))
        {
            double frequency = tokens.Count(t => t == word.Key);
            double documents = texts.Count(t => t.Contains(word.Key));
            double idf = Math.Log(1 + (texts.Length - documents + 0.5) / (documents + 0.5));
            double length = tokens.Length / texts.Average(t => (double)t.Length);
            double weight = (K3 + 1) * word.Count() / (K3 + word.Count());
            score += idf * weight * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * length));
        }

        return score;
    }
}
