using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>`compute_attributes` (turbopuffer-api 4.6).</summary>
internal static class ComputedBinder
{
    public static IReadOnlyList<BoundComputed> Bind(NamespaceSchema schema, IReadOnlyList<ComputedAttribute>? requested, RankBy? rank)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var computed = new List<BoundComputed>();
        foreach (var attribute in requested ?? [])
        {
            if (attribute.Name is "" or "id" || attribute.Name.StartsWith('$') || schema.Find(attribute.Name) is not null || !names.Add(attribute.Name))
            {
                throw PuffException.Invalid($"compute_attributes: the name \"{attribute.Name}\" is reserved or taken; choose another one");
            }

            computed.Add(BindOne(schema, attribute, rank));
        }

        return computed;
    }

    private static BoundComputed BindOne(NamespaceSchema schema, ComputedAttribute attribute, RankBy? rank) => attribute switch
    {
        ComputedVectorDistance distance =>
            new BoundComputed(attribute.Name, VectorBinder.Bind(schema, distance.Attribute, distance.Vector, "VectorDist"), null),
        ComputedScore score => new BoundComputed(attribute.Name, null, ScoreBinder.Bind(schema, score.Expression, $"compute_attributes \"{score.Name}\"")),
        ComputedHighlight highlight => new BoundComputed(attribute.Name, null, null, HighlightBinder.Bind(schema, highlight, rank)),
        _ => throw PuffException.Malformed($"compute_attributes \"{attribute.Name}\": unknown expression"),
    };
}
