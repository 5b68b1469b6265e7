using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>The texts of filter errors; clients' tests match the type mismatch (turbopuffer-api 1.7).</summary>
internal static class FilterErrors
{
    public static PuffException Invalid(string key, string what) => PuffException.Invalid($"filter error in key `{key}`: {what}");

    public static PuffException Mismatch(string key, FilterOperator @operator, string expected, in Value operand) =>
        Invalid(key, $"type mismatch, {@operator} expects {expected}, but got {ValueNames.Of(operand)}");

    public static PuffException Unavailable(AttributeDefinition attribute, FilterOperator @operator, string option) =>
        Invalid(attribute.Name, $"{@operator} needs {option}; declare it in the schema of the attribute");
}
