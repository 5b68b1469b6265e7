using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Segments;

/// <summary>
/// The live documents of several segments, one segment after the other, in their old order. The caller keeps references on the segments during the build.
/// Vectors are verified as they are read, a block at a time.
/// </summary>
internal sealed unsafe class MergeSource : ISegmentSource
{
    private readonly SegmentReader[] segments;
    // Documents of one input lie together, so one entry for many of them is enough to find any.
    private const int HintShift = 10;

    private readonly int[][] documents;
    private readonly int[] starts;
    private readonly int[] hints;

    public MergeSource(IReadOnlyList<(SegmentReader Segment, BitSet Live)> inputs)
    {
        segments = inputs.Select(i => i.Segment).ToArray();
        documents = inputs.Select(i => Numbers(i.Live)).ToArray();
        starts = new int[segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            starts[i] = Count;
            Count = checked(Count + documents[i].Length);
        }

        hints = new int[(Count >> HintShift) + 1];
        for (int i = 0, input = 0; i < hints.Length; i++)
        {
            while (input + 1 < starts.Length && starts[input + 1] <= i << HintShift)
            {
                input++;
            }

            hints[i] = input;
        }
    }

    public int Count { get; }

    /// <summary>The inputs.</summary>
    public IReadOnlyList<SegmentReader> Segments => segments;

    public DocumentId GetId(int document)
    {
        var (segment, number) = Locate(document);
        return segment.GetId(number);
    }

    public ReadOnlySpan<byte> GetRow(int document)
    {
        var (segment, number) = Locate(document);
        return segment.GetRow(number);
    }

    public byte* GetVector(int document, AttributeDefinition attribute)
    {
        var (segment, number) = Locate(document);
        var vector = segment.GetVector(number, attribute);
        return vector.Length == 0 ? null : vector.Pointer;
    }

    private static int[] Numbers(BitSet live)
    {
        var numbers = new int[live.PopCount()];
        int next = -1;
        for (int i = 0; i < numbers.Length; i++)
        {
            next = live.NextSet(next + 1);
            numbers[i] = next;
        }

        return numbers;
    }

    /// <summary>Where a document comes from.</summary>
    /// <param name="document">A number of this source.</param>
    /// <returns>Index of the input, and the number there.</returns>
    public (int Input, int Number) OriginOf(int document)
    {
        // Of inputs that begin with the same document, all but the last are empty.
        int index = hints[document >> HintShift];
        while (index + 1 < starts.Length && starts[index + 1] <= document)
        {
            index++;
        }

        return (index, documents[index][document - starts[index]]);
    }

    private (SegmentReader Segment, int Number) Locate(int document)
    {
        var (input, number) = OriginOf(document);
        return (segments[input], number);
    }
}
