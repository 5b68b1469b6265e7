using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>What an operator needs from its attribute, and from an attribute that it refers to.</summary>
internal static class FilterRequirements
{
    public static void Check(AttributeDefinition attribute, FilterOperator @operator)
    {
        CheckIndex(attribute, @operator);
        switch (@operator)
        {
            case FilterOperator.Contains or FilterOperator.NotContains or FilterOperator.ContainsAny or FilterOperator.NotContainsAny
                or FilterOperator.AnyLt or FilterOperator.AnyLte or FilterOperator.AnyGt or FilterOperator.AnyGte:
                Require(attribute, @operator, attribute.Type.IsArray, "an array attribute");
                break;
            case FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte:
                Require(attribute, @operator, attribute.Type.IsScalar, "a scalar attribute (for arrays there are AnyLt, AnyLte, AnyGt and AnyGte)");
                break;
            case FilterOperator.Glob or FilterOperator.NotGlob or FilterOperator.IGlob or FilterOperator.NotIGlob
                or FilterOperator.Regex or FilterOperator.Fuzzy:
                Require(attribute, @operator, attribute.Type.Kind is TypeKind.String or TypeKind.StringArray, "a string or []string attribute");
                break;
        }
    }

    public static bool IsPattern(FilterOperator @operator) => @operator is FilterOperator.Glob or FilterOperator.NotGlob or FilterOperator.IGlob
        or FilterOperator.NotIGlob or FilterOperator.Regex or FilterOperator.Fuzzy;

    /// <summary>The incoming row's value must be of the type that a literal operand would have.</summary>
    public static void CheckReference(AttributeDefinition attribute, FilterOperator @operator, AttributeDefinition reference)
    {
        var type = attribute.Type;
        bool fits = @operator switch
        {
            FilterOperator.In or FilterOperator.NotIn => IsListOf(reference, type) || (type.IsArray && reference.Type.Kind == type.ElementKind),
            FilterOperator.ContainsAny or FilterOperator.NotContainsAny => IsListOf(reference, type),
            FilterOperator.Contains or FilterOperator.NotContains
                or FilterOperator.AnyLt or FilterOperator.AnyLte or FilterOperator.AnyGt or FilterOperator.AnyGte => reference.Type.Kind == type.ElementKind,
            FilterOperator.Eq or FilterOperator.NotEq
                or FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte => reference.Type.Kind == type.Kind,
            _ => throw FilterErrors.Invalid(attribute.Name, $"{@operator} takes a pattern, not a $ref_new"),
        };
        if (!fits)
        {
            throw FilterErrors.Invalid(
                attribute.Name, $"type mismatch, {@operator} on a {type} cannot take $ref_new of attribute \"{reference.Name}\", which is a {reference.Type}");
        }
    }

    public static bool NeedsText(FilterOperator @operator) =>
        @operator is FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken or FilterOperator.ContainsTokenSequence;

    private static bool IsListOf(AttributeDefinition reference, AttributeType type) =>
        reference.Type.IsArray && (reference.Type.Kind == TypeKind.UnknownArray || reference.Type.ElementKind == type.ElementKind);

    private static void CheckIndex(AttributeDefinition attribute, FilterOperator @operator)
    {
        switch (@operator)
        {
            case FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken or FilterOperator.ContainsTokenSequence when attribute.FullText is null:
                throw FilterErrors.Unavailable(attribute, @operator, "full_text_search: true");
            case FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken or FilterOperator.ContainsTokenSequence:
                return;
            case FilterOperator.Regex when !attribute.Regex:
                throw FilterErrors.Unavailable(attribute, @operator, "regex: true");
            case FilterOperator.Fuzzy when !attribute.Fuzzy:
                throw FilterErrors.Unavailable(attribute, @operator, "fuzzy: true");
            case FilterOperator.Regex or FilterOperator.Fuzzy:
                return;
            case FilterOperator.Glob or FilterOperator.NotGlob or FilterOperator.IGlob or FilterOperator.NotIGlob when attribute.Glob:
                return;
            default:
                Require(attribute, @operator, attribute.Filterable, "a filterable attribute; declare it with filterable: true");
                return;
        }
    }

    private static void Require(AttributeDefinition attribute, FilterOperator @operator, bool condition, string what)
    {
        if (!condition)
        {
            throw FilterErrors.Invalid(attribute.Name, $"{@operator} needs {what}; the attribute is a {attribute.Type}");
        }
    }
}
