namespace Puff.Engine.Vectors;

/// <summary>The stored vectors of a set of documents, for the last stage of a search.</summary>
internal unsafe interface IExactRows
{
    /// <summary>The verified vector of one document at the column's width; null when it has none. Valid as long as the snapshot.</summary>
    byte* Row(int document);
}
