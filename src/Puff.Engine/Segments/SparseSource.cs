using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Segments;

/// <summary>The inverted index of one sparse vector attribute of a document set, and what its damage is called.</summary>
/// <param name="index">The index. What is thrown while it is read goes through <paramref name="damaged"/>.</param>
/// <param name="damaged">Names the object.</param>
internal sealed class SparseSource(SparseIndex index, Func<CorruptDataException, PuffException> damaged)
{
    public SparseIndex Index { get; } = index;

    /// <summary>Null when the part was written without the attribute.</summary>
    public static SparseSource? Open(MappedPart part, int attribute)
    {
        try
        {
            return SparseIndex.Open(part.Reader, attribute) is { } index ? new SparseSource(index, part.Damaged) : null;
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }

    public PuffException Damaged(CorruptDataException damage) => damaged(damage);
}
