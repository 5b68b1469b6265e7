namespace Puff.Engine.Text;

/// <summary>How the words of a query have to occur.</summary>
internal enum TokenOperator
{
    All,
    Any,

    /// <summary>One after the other, at the distances they have in the query.</summary>
    Sequence,
}
