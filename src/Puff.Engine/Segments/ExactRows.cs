using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// The vectors of one attribute of a segment, for the last stage of a search, which reads few of them, from all over the part: in place, each would take up
/// sixteen pages of memory. Damage is reported with the object's key.
/// </summary>
internal sealed unsafe class ExactRows(VectorsReader vectors, MappedPart part) : IExactRows
{
    public void Plan(int document, IReadBatch batch) => vectors.Plan(document, batch);

    public bool AreInPlace => !vectors.PrefersCopies;

    public byte* Row(int document, byte* buffer)
    {
        try
        {
            return AreInPlace ? vectors.Read(document).Pointer : vectors.TryCopy(document, new Span<byte>(buffer, vectors.RowBytes)) ? buffer : null;
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }
}
