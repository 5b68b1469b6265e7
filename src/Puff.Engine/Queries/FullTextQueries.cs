namespace Puff.Engine.Queries;

/// <summary>The one place that answers for clauses that need a full-text index.</summary>
internal static class FullTextQueries
{
    /// <param name="clause">"BM25", "Highlight".</param>
    public static PuffException NotAvailable(string clause, string attribute) =>
        PuffException.Invalid($"{clause} on attribute \"{attribute}\" needs a full-text index, and full-text indexes are not available in this version");
}
