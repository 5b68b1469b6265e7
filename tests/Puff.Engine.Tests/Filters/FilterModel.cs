using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.TestKit.Queries;

namespace Puff.Engine.Tests.Filters;

/// <summary>
/// The filter table of turbopuffer-api 4.4 written down naively: every operator spelled out with its own rule for null, nothing derived from another operator.
/// Works on operands that already have the kind of their column.
/// </summary>
internal static class FilterModel
{
    public static bool Matches(Filter filter, Func<string, Value> row) => filter switch
    {
        AndFilter and => and.Operands.All(operand => Matches(operand, row)),
        OrFilter or => or.Operands.Any(operand => Matches(operand, row)),
        NotFilter not => !Matches(not.Operand, row),
        AttributeFilter attribute => Matches(attribute.Operator, row(attribute.Attribute), attribute.Operand.Value),
        _ => throw new InvalidOperationException(),
    };

    private static bool Matches(FilterOperator @operator, Value value, Value operand) => @operator switch
    {
        FilterOperator.Eq => Same(value, operand),
        FilterOperator.NotEq => !Same(value, operand),
        FilterOperator.In => In(value, operand),
        FilterOperator.NotIn => !In(value, operand),
        FilterOperator.Contains => Elements(value).Any(e => Same(e, operand)),
        FilterOperator.NotContains => !Elements(value).Any(e => Same(e, operand)),
        FilterOperator.ContainsAny => Elements(value).Any(e => Elements(operand).Any(o => Same(e, o))),
        FilterOperator.NotContainsAny => !Elements(value).Any(e => Elements(operand).Any(o => Same(e, o))),
        FilterOperator.Lt => !operand.IsNull && (value.IsNull || Order(value, operand) < 0),
        FilterOperator.Lte => value.IsNull || (!operand.IsNull && Order(value, operand) <= 0),
        FilterOperator.Gt => !value.IsNull && (operand.IsNull || Order(value, operand) > 0),
        FilterOperator.Gte => operand.IsNull || (!value.IsNull && Order(value, operand) >= 0),
        FilterOperator.AnyLt => Elements(value).Any(e => Order(e, operand) < 0),
        FilterOperator.AnyLte => Elements(value).Any(e => Order(e, operand) <= 0),
        FilterOperator.AnyGt => Elements(value).Any(e => Order(e, operand) > 0),
        FilterOperator.AnyGte => Elements(value).Any(e => Order(e, operand) >= 0),
        FilterOperator.Glob => Strings(value).Any(s => Glob(s, operand)),
        FilterOperator.NotGlob => !Strings(value).Any(s => Glob(s, operand)),
        FilterOperator.Regex => Strings(value).Any(s => System.Text.RegularExpressions.Regex.IsMatch(s, operand.AsString)),
        _ => throw new InvalidOperationException($"{@operator} is not in the model"),
    };

    private static bool In(Value value, Value list) => !value.IsNull && (value.IsArray
        ? Elements(value).Any(e => Elements(list).Any(o => Same(e, o)))
        : Elements(list).Any(o => Same(value, o)));

    private static bool Glob(string text, Value pattern) => System.Text.RegularExpressions.Regex.IsMatch(text, GlobModel.ToRegex(pattern.AsString)!);

    private static IEnumerable<string> Strings(Value value) => value.Kind == ValueKind.String ? [value.AsString] : Elements(value).Select(e => e.AsString);

    private static IEnumerable<Value> Elements(Value value) => value.IsNull || value.IsArray ? PlainValues.Elements(value) : [value];

    private static bool Same(Value left, Value right) => PlainValues.AreEqual(left, right);

    private static int Order(Value left, Value right) => PlainValues.Compare(left, right);
}
