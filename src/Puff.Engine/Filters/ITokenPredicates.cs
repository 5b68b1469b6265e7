using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>
/// Makes the predicates of `ContainsAllTokens`, `ContainsAnyToken` and `ContainsTokenSequence`: they need text analysis, which filters know nothing of.
/// </summary>
internal interface ITokenPredicates
{
    /// <param name="attribute">Has a full-text index.</param>
    /// <param name="filter">Its operator and options.</param>
    /// <param name="operand">As it was written.</param>
    Predicate Bind(AttributeDefinition attribute, AttributeFilter filter, in Value operand);
}
