using System.Collections.Immutable;
using Puff.Engine.Filters;

namespace Puff.TestKit.Simulation;

/// <summary>A comparison of one attribute with a constant, or with the incoming document's.</summary>
/// <param name="Attribute">An attribute every document has.</param>
/// <param name="Operator">Eq, Lt or Gte.</param>
/// <param name="Operand">A long or a string; ignored with <paramref name="WithIncoming"/>.</param>
/// <param name="WithIncoming">Compare with the same attribute of the incoming document.</param>
internal sealed record ModelCondition(string Attribute, FilterOperator Operator, object Operand, bool WithIncoming = false)
{
    public Filter ToFilter() => new AttributeFilter(
        Attribute, Operator, WithIncoming ? new FilterOperand(default, Attribute) : new FilterOperand(ModelState.ToValue(Operand)));

    public bool Holds(ImmutableSortedDictionary<string, object> document, ImmutableSortedDictionary<string, object>? incoming = null)
    {
        object? right = WithIncoming ? incoming!.GetValueOrDefault(Attribute) : Operand;
        return document.TryGetValue(Attribute, out object? left) && right is not null && Operator switch
        {
            FilterOperator.Eq => left.Equals(right),
            FilterOperator.Lt => (long)left < (long)right,
            FilterOperator.Gte => (long)left >= (long)right,
            _ => throw new InvalidOperationException($"{Operator}"),
        };
    }
}
