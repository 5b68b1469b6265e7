using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

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

    /// <summary>Plans something for each dimension that a query shares with the index.</summary>
    public void Plan(SparseVector query, Action<SparseIndex, int> plan)
    {
        try
        {
            for (int i = 0; i < query.Keys.Length; i++)
            {
                int dimension = query.Weights[i] == 0 ? -1 : Index.Find(query.Keys[i]);
                if (dimension >= 0)
                {
                    plan(Index, dimension);
                }
            }
        }
        catch (CorruptDataException damage)
        {
            throw Damaged(damage);
        }
    }

    public PuffException Damaged(CorruptDataException damage) => damaged(damage);
}
