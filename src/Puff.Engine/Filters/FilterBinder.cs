using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Checks a filter against a schema and turns it into a predicate (turbopuffer-api 4.4). Attributes: <see cref="AttributeBinder"/>.</summary>
internal sealed class FilterBinder
{
    /// <summary>Evaluation recurses as deep as the filter is nested.</summary>
    public const int MaxNesting = 64;

    /// <summary>Connectives and comparisons of one filter; long lists are operands, not nodes.</summary>
    public const int MaxNodes = 10_000;

    /// <summary>Patterns of one filter: each may have to be tried on every value.</summary>
    public const int MaxPatterns = 256;

    /// <summary>States of all regular expressions of one filter: what an automaton holds in memory grows with them.</summary>
    public const int MaxRegexStates = 2 * RegexSize.MaxStates;

    private readonly NamespaceSchema schema;
    private readonly bool allowRefNew;
    private readonly ITokenPredicates? tokens;
    private int nodes;
    private int patterns;
    private long regexStates;

    private FilterBinder(NamespaceSchema schema, bool allowRefNew, ITokenPredicates? tokens)
    {
        this.tokens = tokens;
        this.schema = schema;
        this.allowRefNew = allowRefNew;
    }

    /// <param name="filter">As the caller wrote it.</param>
    /// <param name="schema">The schema the documents have; in a write the one that includes what the incoming rows introduce.</param>
    /// <param name="allowRefNew">True for the conditions of a write, where operands may refer to the incoming row.</param>
    /// <param name="tokens">Makes the predicates of token operators; without it those are refused.</param>
    public static Predicate Bind(Filter filter, NamespaceSchema schema, bool allowRefNew, ITokenPredicates? tokens = null) =>
        new FilterBinder(schema, allowRefNew, tokens).Bind(filter, 1);

    private Predicate Bind(Filter filter, int nesting)
    {
        if (nesting > MaxNesting)
        {
            throw PuffException.Invalid($"a filter is nested at most {MaxNesting} deep");
        }

        if (++nodes > MaxNodes)
        {
            throw PuffException.Invalid($"a filter has at most {MaxNodes} conditions; put alternatives of one attribute into a list with In");
        }

        return filter switch
        {
            AndFilter { Operands.Count: 0 } => ConstantPredicate.All,
            AndFilter and => new AndPredicate(BindAll(and.Operands, nesting)),
            OrFilter { Operands.Count: 0 } => ConstantPredicate.None,
            OrFilter or => new OrPredicate(BindAll(or.Operands, nesting)),
            NotFilter not => new NotPredicate(Bind(not.Operand, nesting + 1)),
            AttributeFilter attribute => BindAttribute(attribute),
            _ => throw PuffException.Internal($"no binding is defined for a {filter.GetType().Name}"),
        };
    }

    private Predicate[] BindAll(IReadOnlyList<Filter> operands, int nesting)
    {
        var predicates = new Predicate[operands.Count];
        for (int i = 0; i < predicates.Length; i++)
        {
            predicates[i] = Bind(operands[i], nesting + 1);
        }

        return predicates;
    }

    private Predicate BindAttribute(AttributeFilter filter)
    {
        var attribute = Find(filter.Attribute, filter.Attribute);
        FilterRequirements.Check(attribute, filter.Operator);
        CountPattern(filter);
        if (filter.Operand.RefNew is not { } referenced)
        {
            return FilterRequirements.NeedsText(filter.Operator)
                ? (tokens ?? throw FilterErrors.Invalid(attribute.Name, $"{filter.Operator} cannot be used here")).Bind(attribute, filter, filter.Operand.Value)
                : AttributeBinder.Bind(attribute, filter, filter.Operand.Value);
        }

        if (!allowRefNew)
        {
            throw FilterErrors.Invalid(filter.Attribute, "$ref_new has a meaning only in the conditions of a write");
        }

        var reference = Find(filter.Attribute, referenced);
        FilterRequirements.CheckReference(attribute, filter.Operator, reference);
        return new ReferencePredicate(attribute, filter, reference);
    }

    private void CountPattern(AttributeFilter filter)
    {
        if (!FilterRequirements.IsPattern(filter.Operator))
        {
            return;
        }

        if (++patterns > MaxPatterns)
        {
            throw FilterErrors.Invalid(filter.Attribute, $"a filter has at most {MaxPatterns} patterns; put alternatives into one, as in {{a,b}} or a|b");
        }

        if (filter.Operator == FilterOperator.Regex && filter.Operand.Value.Kind == ValueKind.String)
        {
            regexStates += RegexSize.Of(filter.Operand.Value.AsString);
        }

        if (regexStates > MaxRegexStates)
        {
            throw FilterErrors.Invalid(filter.Attribute, $"the regular expressions of a filter unfold to more than {MaxRegexStates} states together");
        }
    }

    private AttributeDefinition Find(string key, string name) =>
        schema.Find(name) ?? throw FilterErrors.Invalid(key, $"attribute \"{name}\" is not in the schema of the namespace");
}
