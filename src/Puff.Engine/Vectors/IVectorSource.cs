namespace Puff.Engine.Vectors;

/// <summary>
/// Vectors by number, as training and assignment read them: many times, in any order, from several threads at once. Under cosine distance the numbers
/// handed out have been scaled to unit length (a zero vector stays zero).
/// </summary>
internal unsafe interface IVectorSource
{
    int Count { get; }

    /// <summary>Writes vector <paramref name="index"/> in single precision, before any rotation, as many numbers as the attribute has dimensions.</summary>
    void Read(int index, float* destination);
}
