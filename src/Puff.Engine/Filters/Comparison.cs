namespace Puff.Engine.Filters;

/// <summary>
/// What present values are compared for. The other comparisons are complements: null sorts below everything, so that "less" is "not greater or equal".
/// </summary>
internal enum Comparison
{
    Equal,
    Greater,
    GreaterOrEqual,
}
