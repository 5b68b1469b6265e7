using Puff.Engine.Encoding;

namespace Puff.Engine.Vectors;

/// <summary>The stored vectors of a set of documents, for the last stage of a search. Any number of threads may read at once.</summary>
internal unsafe interface IExactRows
{
    /// <summary>Adds a document's vector to a batch.</summary>
    void Plan(int document, IReadBatch batch)
    {
    }

    /// <summary>Whether vectors are read where they are, so that asking the processor for one ahead of time is of use.</summary>
    bool AreInPlace { get; }

    /// <summary>The verified vector of one document at the column's width; null when it has none.</summary>
    /// <param name="document">Its number.</param>
    /// <param name="buffer">Room for a vector, filled unless vectors are read in place.</param>
    /// <returns><paramref name="buffer"/>, or an address that is valid as long as the snapshot.</returns>
    byte* Row(int document, byte* buffer);
}
