using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>The attributes whose columns and indexes a query reads: what is fetched ahead of them.</summary>
internal static class ScannedAttributes
{
    /// <summary>Of a query that was found good.</summary>
    public static IReadOnlyList<AttributeDefinition> Of(NamespaceSchema schema, QueryRequest request)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        Add(request.Filters, names);
        Add(request.RankBy, names);
        foreach (string? name in (request.AggregateBy ?? []).Select(a => a.Attribute).Concat((request.GroupBy ?? []).Select(g => g.Attribute)))
        {
            names.Add(name ?? "");
        }

        names.UnionWith(request.LimitPer?.Attributes ?? []);
        return [.. names.Select(schema.Find).OfType<AttributeDefinition>()];
    }

    private static void Add(RankBy? rank, HashSet<string> names)
    {
        switch (rank)
        {
            case OrderRank order:
                names.UnionWith([.. order.Keys.Select(k => k.Attribute), "id"]);
                break;
            case ScoreRank score:
                Add(score.Expression, names);
                break;
        }
    }

    private static void Add(ScoreExpression expression, HashSet<string> names)
    {
        switch (expression)
        {
            case SumScore sum:
                sum.Terms.ToList().ForEach(t => Add(t, names));
                break;
            case MaxScore max:
                max.Terms.ToList().ForEach(t => Add(t, names));
                break;
            case ProductScore product:
                Add(product.Term, names);
                break;
            case SaturateScore saturate:
                Add(saturate.Term, names);
                break;
            case DecayScore decay:
                Add(decay.Term, names);
                break;
            case FilterScore filter:
                Add(filter.Filter, names);
                break;
            case AttributeScore attribute:
                names.Add(attribute.Attribute);
                break;
            case DistScore distance:
                names.Add(distance.Attribute);
                break;
        }
    }

    private static void Add(Filter? filter, HashSet<string> names)
    {
        switch (filter)
        {
            case AndFilter and:
                and.Operands.ToList().ForEach(o => Add(o, names));
                break;
            case OrFilter or:
                or.Operands.ToList().ForEach(o => Add(o, names));
                break;
            case NotFilter not:
                Add(not.Operand, names);
                break;
            case AttributeFilter attribute:
                names.Add(attribute.Attribute);
                break;
        }
    }
}
