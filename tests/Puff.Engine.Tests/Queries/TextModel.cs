using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Tests.Queries;

/// <summary>BM25 and token filters computed from nothing but the documents' tokens (turbopuffer-api 6.5, 4.4), document by document.</summary>
internal sealed class TextModel(IReadOnlyDictionary<ulong, IReadOnlyDictionary<string, Value>> documents, Func<string, FullTextSettings> settingsOf)
{
    private readonly Dictionary<(string Attribute, ulong Id), List<(string Term, int Position)>?> analysed = [];

    /// <summary>The rows of a ranking: highest score first, equal ones by id.</summary>
    public List<(ulong Id, double Score)> Rank(ScoreExpression expression, Filter? filter) =>
    [
        .. documents.Keys.Where(id => filter is null || Matches(filter, id)).Select(id => (Id: id, Score: Score(expression, id)))
            .Where(r => r.Score > 0 || HasAttribute(expression)).OrderByDescending(r => r.Score).ThenBy(r => r.Id),
    ];

    public bool Matches(Filter filter, ulong id) => filter switch
    {
        AndFilter and => and.Operands.All(f => Matches(f, id)),
        NotFilter not => !Matches(not.Operand, id),
        AttributeFilter attribute => Matches(attribute, id),
        _ => throw new NotSupportedException(),
    };

    /// <summary>Documents without a score stay in a ranking by an attribute.</summary>
    private static bool HasAttribute(ScoreExpression expression) => expression switch
    {
        SumScore sum => sum.Terms.Any(HasAttribute),
        MaxScore max => max.Terms.Any(HasAttribute),
        ProductScore product => HasAttribute(product.Term),
        SaturateScore saturate => HasAttribute(saturate.Term),
        AttributeScore or DistScore => true,
        _ => false,
    };

    private double Score(ScoreExpression expression, ulong id) => expression switch
    {
        Bm25Score text => Bm25(text, id),
        SumScore sum => sum.Terms.Sum(t => Score(t, id)),
        MaxScore max => max.Terms.Max(t => Score(t, id)),
        ProductScore product => product.Weight * Score(product.Term, id),
        FilterScore filter => Matches(filter.Filter, id) ? 1 : 0,
        SaturateScore saturate => Saturated(Score(saturate.Term, id), saturate.Midpoint.Number, saturate.Exponent),
        DecayScore decay => 1 - Saturated(Score(decay.Term, id), decay.Midpoint.Number, decay.Exponent),
        AttributeScore attribute => documents[id].GetValueOrDefault(attribute.Attribute) is { IsNull: false } value ? value.AsInt : 0,
        DistScore dist => Math.Abs(documents[id][dist.Attribute].AsInt - dist.Origin.AsInt),
        _ => throw new NotSupportedException(),
    };

    private static double Saturated(double score, double midpoint, double exponent) =>
        Math.Pow(score, exponent) / (Math.Pow(score, exponent) + Math.Pow(midpoint, exponent));

    private double Bm25(Bm25Score query, ulong id)
    {
        var settings = settingsOf(query.Attribute);
        var words = Words(settings, query.Text, query.Tokens);
        string? prefix = query.LastAsPrefix && words.Count > 0 ? words[^1].Term : null;
        if (Tokens(query.Attribute, id) is not { } tokens)
        {
            return 0;
        }

        var texts = documents.Keys.Select(d => Tokens(query.Attribute, d)).OfType<List<(string Term, int Position)>>().ToArray();
        double mean = texts.Average(t => t.Count);
        double score = prefix is not null && tokens.Any(t => t.Term.StartsWith(prefix, StringComparison.Ordinal)) ? 1 : 0;
        foreach (var term in words.SkipLast(prefix is null ? 0 : 1).GroupBy(w => w.Term))
        {
            int f = tokens.Count(t => t.Term == term.Key);
            int df = texts.Count(t => t.Any(w => w.Term == term.Key));
            double idf = Math.Log(1 + (texts.Length - df + 0.5) / (df + 0.5));
            double tf = f * (settings.K1 + 1) / (f + settings.K1 * (1 - settings.B + settings.B * tokens.Count / mean));
            score += idf * tf * (settings.K3 + 1) * term.Count() / (settings.K3 + term.Count());
        }

        return score;
    }

    private bool Matches(AttributeFilter filter, ulong id)
    {
        if (filter.Operator == FilterOperator.Eq)
        {
            return documents[id].GetValueOrDefault(filter.Attribute).Equals(filter.Operand.Value);
        }

        var operand = filter.Operand.Value;
        var words = Words(
            settingsOf(filter.Attribute), operand.Kind == ValueKind.String ? operand.AsString : null,
            operand.Kind == ValueKind.String ? null : [.. operand.AsBytesArray.Select(System.Text.Encoding.UTF8.GetString)]);
        if (Tokens(filter.Attribute, id) is not { } tokens)
        {
            return false;
        }

        bool Is(int word, string term) => filter.LastAsPrefix && word == words.Count - 1
            ? term.StartsWith(words[word].Term, StringComparison.Ordinal) : term == words[word].Term;
        return filter.Operator switch
        {
            FilterOperator.ContainsAllTokens => Enumerable.Range(0, words.Count).All(w => tokens.Any(t => Is(w, t.Term))),
            FilterOperator.ContainsAnyToken => Enumerable.Range(0, words.Count).Any(w => tokens.Any(t => Is(w, t.Term))),
            _ => words.Count == 0 || tokens.Any(first => Enumerable.Range(0, words.Count).All(
                w => tokens.Any(t => t.Position - first.Position == words[w].Position - words[0].Position && Is(w, t.Term)))),
        };
    }

    private List<(string Term, int Position)>? Tokens(string attribute, ulong id)
    {
        if (!analysed.TryGetValue((attribute, id), out var tokens))
        {
            var value = documents[id].GetValueOrDefault(attribute);
            tokens = value.IsNull ? null : value.Kind == ValueKind.String
                ? Analyze(settingsOf(attribute), [value.AsString])
                : Analyze(settingsOf(attribute), value.ElementCount == 0 ? [] : value.AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
            analysed.Add((attribute, id), tokens);
        }

        return tokens;
    }

    private static List<(string Term, int Position)> Words(FullTextSettings settings, string? text, IReadOnlyList<string>? tokens) =>
        text is null ? [.. tokens!.Select((t, i) => (t, i))] : Analyze(settings, [text]);

    private static List<(string Term, int Position)> Analyze(FullTextSettings settings, IEnumerable<string> texts)
    {
        var buffer = new TokenBuffer();
        foreach (string text in texts)
        {
            TextAnalyzer.For(settings).Analyze(System.Text.Encoding.UTF8.GetBytes(text), buffer);
        }

        return [.. Enumerable.Range(0, buffer.Count).Select(i => (System.Text.Encoding.UTF8.GetString(buffer.Term(i)), buffer.Position(i)))];
    }
}
