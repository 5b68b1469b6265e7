using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Brings operands to the kind of their column, by the rules for stored values.</summary>
internal static class OperandCoercion
{
    /// <param name="attribute">The attribute compared with.</param>
    /// <param name="operator">For the message.</param>
    /// <param name="type">What the operand has to be.</param>
    /// <param name="operand">Not null.</param>
    public static Value Coerce(AttributeDefinition attribute, FilterOperator @operator, AttributeType type, in Value operand)
    {
        // Not filterable, because the limit on the size of filterable values is no limit on operands.
        var expected = new AttributeDefinition(attribute.Id, attribute.Name, type);
        try
        {
            return ValueCoercion.Coerce(expected, operand);
        }
        catch (PuffException error) when (error.Kind == ErrorKind.Invalid)
        {
            string detail = IsPlainMismatch(type, operand) ? "" : $" ({error.Message})";
            throw FilterErrors.Invalid(
                attribute.Name, $"type mismatch, {@operator} expects {type}, but got {ValueNames.Of(operand)}{detail}");
        }
    }

    /// <summary>False when the kinds could fit and only the content did not, such as a string that is no datetime: then the cause is worth telling.</summary>
    private static bool IsPlainMismatch(AttributeType type, in Value operand) => type.ElementKind switch
    {
        TypeKind.Uuid or TypeKind.DateTime => operand.Kind is not (ValueKind.String or ValueKind.StringArray),
        TypeKind.Int or TypeKind.UInt => operand.Kind is not (ValueKind.Int or ValueKind.UInt or ValueKind.IntArray or ValueKind.UIntArray),
        _ => true,
    };
}
