using Puff.Engine.Schema;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>Checks a highlight (turbopuffer-api 4.6) and binds it to the queries whose words it shows.</summary>
internal static class HighlightBinder
{
    private const string Fragment = "$fragment";
    private const int MaxFragments = 1_024;

    public static BoundHighlight Bind(NamespaceSchema schema, ComputedHighlight highlight, RankBy? rank)
    {
        string place = $"compute_attributes \"{highlight.Name}\"";
        var attribute = QueryBinder.Find(schema, highlight.Attribute, place);
        if (attribute.FullText is not { } settings)
        {
            throw PuffException.Invalid(
                $"{place}: Highlight needs a full-text index, and \"{attribute.Name}\" has none; declare it with full_text_search: true");
        }

        if (settings.Tokenizer == FullTextDeclaration.PreTokenized)
        {
            throw PuffException.Invalid($"{place}: \"{attribute.Name}\" holds tokens ({FullTextDeclaration.PreTokenized}), and Highlight needs text");
        }

        if (highlight.FragmentLimit is < 1 or > MaxFragments)
        {
            throw PuffException.Invalid($"{place}: fragment_limit must lie between 1 and {MaxFragments}");
        }

        var queries = Queries(highlight, rank, attribute.Name, place).Select(score => ((Bm25ScoreNode)ScoreBinder.Bind(schema, score, place)).Query);
        var highlighter = new Highlighter(settings, [.. queries], (FragmentKind)highlight.FragmentBy, highlight.FragmentLimit);
        return new BoundHighlight(attribute, highlighter, highlight.Offsets);
    }

    private static IReadOnlyList<Bm25Score> Queries(ComputedHighlight highlight, RankBy? rank, string attribute, string place)
    {
        if (highlight.RankFragmentsBy is not null)
        {
            return highlight.RankFragmentsBy is Bm25Score score && (score.Attribute == Fragment || score.Attribute == attribute)
                ? [score with { Attribute = attribute }]
                : throw PuffException.Invalid($"{place}: rank_fragments_by must be [\"{Fragment}\", \"BM25\", text] or BM25 on \"{attribute}\"");
        }

        var found = new List<Bm25Score>();
        Collect((rank as ScoreRank)?.Expression, attribute, found);
        return found.Count > 0
            ? found
            : throw PuffException.Invalid($"{place}: Highlight needs a rank_by with BM25 on \"{attribute}\", or rank_fragments_by");
    }

    private static void Collect(ScoreExpression? expression, string attribute, List<Bm25Score> found)
    {
        switch (expression)
        {
            case Bm25Score score when score.Attribute == attribute:
                found.Add(score);
                break;
            case SumScore sum:
                CollectAll(sum.Terms, attribute, found);
                break;
            case MaxScore max:
                CollectAll(max.Terms, attribute, found);
                break;
            case ProductScore product:
                Collect(product.Term, attribute, found);
                break;
            case SaturateScore saturate:
                Collect(saturate.Term, attribute, found);
                break;
            case DecayScore decay:
                Collect(decay.Term, attribute, found);
                break;
        }
    }

    private static void CollectAll(IReadOnlyList<ScoreExpression> terms, string attribute, List<Bm25Score> found)
    {
        foreach (var term in terms)
        {
            Collect(term, attribute, found);
        }
    }
}
