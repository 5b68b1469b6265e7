namespace Puff.Engine.Queries;

/// <summary>A sum that posting lists can search: each part with its factor.</summary>
internal sealed class TextSum
{
    public List<(Bm25ScoreNode Clause, double Factor)> Clauses { get; } = [];

    public List<(FilterScoreNode Filter, double Factor)> Filters { get; } = [];

    /// <summary>Parts that are computed for the documents that may still be among the best; all have a largest score.</summary>
    public List<(ScoreNode Node, double Factor)> Others { get; } = [];

    /// <summary>What all parts give together at most.</summary>
    public double Largest => Clauses.Sum(c => c.Factor * c.Clause.LargestScore) + Filters.Sum(f => f.Factor) + LargestOfOthers;

    public double LargestOfOthers => Others.Sum(o => o.Factor * o.Node.LargestScore);

    /// <summary>Null when there is nothing a list could be searched for.</summary>
    public static TextSum? Flatten(ScoreNode expression, double factor)
    {
        var sum = new TextSum();
        sum.Add(expression, factor);
        return sum.Clauses.Count + sum.Filters.Count > 0 ? sum : null;
    }

    private void Add(ScoreNode node, double factor)
    {
        switch (node)
        {
            case Bm25ScoreNode text:
                Clauses.Add((text, factor));
                break;
            case FilterScoreNode filter:
                Filters.Add((filter, factor));
                break;
            case SumScoreNode sum:
                sum.Terms.ToList().ForEach(t => Add(t, factor));
                break;
            case ProductScoreNode { Weight: > 0 } product:
                Add(product.Term, factor * product.Weight);
                break;
            default:
                Others.Add((node, factor));
                break;
        }
    }
}

/// <summary>
/// How posting lists answer a score expression: it is a sum, or the largest of several sums, and perhaps saturated. Made after the expression was prepared.
/// </summary>
internal sealed class TextPlan
{
    /// <summary>Outside of these, sums in single precision would overflow or lose their meaning.</summary>
    private const double SmallestScale = 1e-25;
    private const double LargestScale = 1e25;

    private TextPlan(IReadOnlyList<TextSum> sums, SaturateScoreNode? saturate)
    {
        Sums = sums;
        Saturate = saturate;
    }

    /// <summary>A document's score is the largest of these, apart from factors and from <see cref="Saturate"/>.</summary>
    public IReadOnlyList<TextSum> Sums { get; }

    /// <summary>What the only sum is put through; null when nothing is.</summary>
    public SaturateScoreNode? Saturate { get; }

    /// <summary>Documents that no list has may be scored.</summary>
    public bool ScoresOthers => Sums.Any(s => s.Others.Exists(o => o.Node.IsAttributeDerived));

    /// <summary>Reading a few documents' rows is less work than evaluating filters over a whole set.</summary>
    public bool PrefersRows => Sums.Any(s => s.Filters.Count > 0);

    /// <summary>Null when the expression has to be computed for every document.</summary>
    public static TextPlan? Create(ScoreNode expression)
    {
        double factor = 1;
        SaturateScoreNode? saturate = null;
        while (saturate is null)
        {
            if (expression is ProductScoreNode { Weight: > 0 } product)
            {
                factor *= product.Weight;
                expression = product.Term;
            }
            else if (expression is SaturateScoreNode mapped)
            {
                saturate = mapped;
                expression = mapped.Term;
                factor = 1;
            }
            else
            {
                break;
            }
        }

        ScoreNode[] alternatives = saturate is null && expression is MaxScoreNode { Floor: null } max ? [.. max.Terms] : [expression];
        var sums = alternatives.Select(a => TextSum.Flatten(a, factor)).ToArray();

        // What an attribute gives at most is known after a look at all of its values: only where words are searched for besides.
        return sums.All(s => s is not null) && sums.Any(s => s!.Clauses.Count > 0)
            && sums.All(s => s is { Largest: 0 or >= SmallestScale and <= LargestScale })
            ? new TextPlan([.. sums.OfType<TextSum>().OrderByDescending(s => s.Largest)], saturate)
            : null;
    }
}
