using Puff.Engine.Schema;

namespace Puff.Engine.Text;

/// <summary>A term of a query and how often the query has it.</summary>
/// <param name="Bytes">As the index has it.</param>
/// <param name="Count">At least 1.</param>
internal readonly record struct QueryTerm(byte[] Bytes, int Count)
{
    /// <summary>The term of the query that this one is nearly; -1 for one of the query itself.</summary>
    public int NearlyOf { get; init; } = -1;

    /// <summary>What its score is multiplied with: 1 for a term of the query itself.</summary>
    public double Discount { get; init; } = 1;

    public override string ToString() => System.Text.Encoding.UTF8.GetString(Bytes);
}

/// <summary>A word of a query with its place: for phrases.</summary>
/// <param name="Term">Index among the terms; -1 for the prefix.</param>
/// <param name="Offset">Positions behind the first word.</param>
internal readonly record struct QueryWord(int Term, int Offset);

/// <summary>What a query asks of one text attribute, analysed like the documents.</summary>
internal sealed class TextQuery
{
    private TextQuery(IReadOnlyList<QueryTerm> terms, byte[]? prefix, IReadOnlyList<QueryWord> words)
    {
        Terms = terms;
        Prefix = prefix;
        Words = words;
    }

    /// <summary>Different terms in the order of the query, without the prefix.</summary>
    public IReadOnlyList<QueryTerm> Terms { get; }

    /// <summary>The beginning of a term (`last_as_prefix`); null when there is none.</summary>
    public byte[]? Prefix { get; }

    /// <summary>All words in order, the prefix last.</summary>
    public IReadOnlyList<QueryWord> Words { get; }

    public bool IsEmpty => Words.Count == 0;

    /// <summary>A text that is to be analysed.</summary>
    public static TextQuery Parse(FullTextSettings settings, string text, bool lastAsPrefix)
    {
        var tokens = new TokenBuffer();
        var analyzer = TextAnalyzer.For(settings);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        bool hasPrefix = false;
        if (lastAsPrefix)
        {
            hasPrefix = analyzer.AnalyzeWithPrefix(bytes, tokens);
        }
        else
        {
            analyzer.Analyze(bytes, tokens);
        }

        return Create(tokens, hasPrefix);
    }

    /// <summary>Terms as they are in the index.</summary>
    public static TextQuery Of(IEnumerable<byte[]> terms, bool lastAsPrefix)
    {
        var tokens = new TokenBuffer();
        foreach (byte[] term in terms)
        {
            int from = tokens.BytesUsed;
            term.CopyTo(tokens.BytesAt(from, term.Length));
            tokens.BytesUsed = from + term.Length;
            tokens.Add(from, term.Length, 0, term.Length);
            tokens.Positions++;
        }

        return Create(tokens, lastAsPrefix && tokens.Count > 0);
    }

    /// <summary>The same query with terms that are nearly its own behind them.</summary>
    public TextQuery With(IEnumerable<QueryTerm> more) => new([.. Terms, .. more], Prefix, Words);

    public override string ToString() => string.Join(' ', Terms.Select(t => t.Count > 1 ? $"{t}^{t.Count}" : t.ToString()))
        + (Prefix is null ? string.Empty : $" {System.Text.Encoding.UTF8.GetString(Prefix)}*");

    private static TextQuery Create(TokenBuffer tokens, bool hasPrefix)
    {
        var terms = new List<QueryTerm>();
        var words = new List<QueryWord>();
        int whole = tokens.Count - (hasPrefix ? 1 : 0);
        int first = tokens.Count > 0 ? tokens.Position(0) : 0;
        for (int i = 0; i < whole; i++)
        {
            byte[] bytes = tokens.Term(i).ToArray();
            int known = terms.FindIndex(t => t.Bytes.AsSpan().SequenceEqual(bytes));
            if (known < 0)
            {
                known = terms.Count;
                terms.Add(new QueryTerm(bytes, 0));
            }

            terms[known] = terms[known] with { Count = terms[known].Count + 1 };
            words.Add(new QueryWord(known, tokens.Position(i) - first));
        }

        byte[]? prefix = hasPrefix ? tokens.Term(whole).ToArray() : null;
        if (hasPrefix)
        {
            words.Add(new QueryWord(-1, tokens.Position(whole) - first));
        }

        return new TextQuery(terms, prefix, words);
    }
}
