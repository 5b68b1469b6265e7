using Puff.Engine.Schema;

namespace Puff.Sync.Documents;

/// <summary>One row cannot become a document: the policy for errors of rows decides what happens. Never retried by itself; the row must change.</summary>
/// <param name="code">Of the failure catalogue: negative_id, id_too_long, value_too_long, not_finite, array_null, vector_dimension …</param>
/// <param name="message">Names column or attribute and what is wrong; no values.</param>
/// <param name="remedy">What to change in the mapping; null when only the row can change.</param>
internal sealed class RowException(string code, string message, string? remedy = null) : Exception(message)
{
    public string Code { get; } = code;

    public string? Remedy { get; } = remedy;

    /// <summary>The document's id; null when the row has none.</summary>
    public Value? Id { get; set; }

    /// <summary>A document to delete although the row failed: its key has changed.</summary>
    public DocumentAction? Gone { get; set; }
}
