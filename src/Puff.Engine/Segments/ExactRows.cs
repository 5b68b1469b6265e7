using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>The vectors of one attribute of a segment, for the last stage of a search. Damage is reported with the object's key.</summary>
internal sealed unsafe class ExactRows(VectorsReader vectors, MappedPart part) : IExactRows
{
    public byte* Row(int document)
    {
        try
        {
            return vectors.Read(document).Pointer;
        }
        catch (CorruptDataException damage)
        {
            throw part.Damaged(damage);
        }
    }
}
