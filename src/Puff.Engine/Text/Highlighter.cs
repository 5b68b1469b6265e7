using Puff.Engine.Schema;

namespace Puff.Engine.Text;

/// <summary>
/// Finds the parts of texts that match queries and ranks them by BM25 without corpus statistics (turbopuffer-api 4.6). Immutable, for any number of threads.
/// </summary>
internal sealed class Highlighter
{
    private readonly TextAnalyzer analyzer;
    private readonly FragmentKind kind;
    private readonly int limit;
    private readonly Bm25 formula;
    private readonly byte[][] terms;
    private readonly double[] weights;
    private readonly byte[][] prefixes;
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> numbers;

    /// <param name="settings">Of the attribute.</param>
    /// <param name="queries">Their scores are added.</param>
    /// <param name="limit">Fragments of one document, at most.</param>
    public Highlighter(FullTextSettings settings, IReadOnlyList<TextQuery> queries, FragmentKind kind, int limit)
    {
        analyzer = TextAnalyzer.For(settings);
        formula = Bm25.WithoutCorpus(settings);
        this.kind = kind;
        this.limit = limit;
        prefixes = [.. queries.Where(query => query.Prefix is not null).Select(query => query.Prefix!)];
        var found = new Dictionary<byte[], int>(TermComparer.Instance);
        var sums = new List<double>();
        foreach (var term in queries.SelectMany(query => query.Terms))
        {
            if (!found.TryGetValue(term.Bytes, out int number))
            {
                found.Add(term.Bytes, number = sums.Count);
                sums.Add(0);
            }

            sums[number] += formula.Weight(0, term.Count);
        }

        terms = [.. found.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        weights = [.. sums];
        numbers = found.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The matching fragments of a document's texts, best first; equal scores in the order of the texts.</summary>
    public Fragment[] Find(ReadOnlySpan<byte[]> texts)
    {
        var tokens = new TokenBuffer();
        var places = new List<(int Start, int End)>();
        var found = new List<Fragment>();
        for (int element = 0; element < texts.Length; element++)
        {
            tokens.Clear();
            analyzer.Analyze(texts[element], tokens);
            if (kind == FragmentKind.Word)
            {
                FindWords(texts[element], element, tokens, found);
            }
            else if (HasMatch(tokens))
            {
                FragmentSplitter.Split(texts[element], kind, places);
                FindFragments(element, tokens, places, found);
            }
        }

        if (kind == FragmentKind.Word)
        {
            found = Merge(texts, found);
        }

        // A stable sort: equal scores stay in the order of the text.
        return [.. found.OrderByDescending(fragment => fragment.Score).Take(limit)];
    }

    private bool HasMatch(TokenBuffer tokens)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            if (IsMatch(tokens.Term(i), out _))
            {
                return true;
            }
        }

        return false;
    }

    private void FindWords(byte[] text, int element, TokenBuffer tokens, List<Fragment> found)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            if (IsMatch(tokens.Term(i), out int number))
            {
                double score = number >= 0 ? formula.Score(weights[number], 1, 1) : 0;
                score += HasPrefix(tokens.Term(i)) ? 1 : 0;
                found.Add(new Fragment(element, tokens.Start(i), tokens.End(i), score, [(tokens.Start(i), tokens.End(i))]));
            }
        }
    }

    private void FindFragments(int element, TokenBuffer tokens, List<(int Start, int End)> places, List<Fragment> found)
    {
        int[] frequencies = new int[terms.Length];
        int token = 0;
        foreach (var (start, end) in places)
        {
            Array.Clear(frequencies);
            var matches = new List<(int Start, int End)>();
            int length = 0;
            bool hasPrefix = false;
            for (; token < tokens.Count && tokens.Start(token) < end; token++)
            {
                length++;
                if (IsMatch(tokens.Term(token), out int number))
                {
                    frequencies[Math.Max(number, 0)] += number >= 0 ? 1 : 0;
                    hasPrefix |= HasPrefix(tokens.Term(token));
                    matches.Add((tokens.Start(token), tokens.End(token)));
                }
            }

            if (matches.Count > 0)
            {
                found.Add(new Fragment(element, start, end, Score(frequencies, length) + (hasPrefix ? 1 : 0), matches));
            }
        }
    }

    private double Score(int[] frequencies, int length)
    {
        double score = 0;
        for (int i = 0; i < frequencies.Length; i++)
        {
            score += frequencies[i] > 0 ? formula.Score(weights[i], frequencies[i], length) : 0;
        }

        return score;
    }

    /// <summary>Words that are written alike in one text become one fragment, which keeps the places of all.</summary>
    private static List<Fragment> Merge(ReadOnlySpan<byte[]> texts, List<Fragment> words)
    {
        var merged = new Dictionary<(int, string), int>();
        var result = new List<Fragment>();
        foreach (var word in words)
        {
            string written = System.Text.Encoding.UTF8.GetString(texts[word.Element].AsSpan(word.Start, word.End - word.Start));
            if (merged.TryAdd((word.Element, written), result.Count))
            {
                result.Add(word with { Matches = new List<(int Start, int End)>(word.Matches) });
            }
            else
            {
                ((List<(int Start, int End)>)result[merged[(word.Element, written)]].Matches).AddRange(word.Matches);
            }
        }

        return result;
    }

    /// <param name="number">Of the term; -1 if only a prefix matches.</param>
    private bool IsMatch(ReadOnlySpan<byte> term, out int number)
    {
        bool isTerm = numbers.TryGetValue(term, out number);
        number = isTerm ? number : -1;
        return isTerm || HasPrefix(term);
    }

    private bool HasPrefix(ReadOnlySpan<byte> term)
    {
        foreach (byte[] prefix in prefixes)
        {
            if (term.StartsWith(prefix))
            {
                return true;
            }
        }

        return false;
    }
}
