using System.Numerics;
using System.Runtime.Intrinsics;
using Puff.Engine.Formats;

namespace Puff.Engine.Text;

/// <summary>A short list of a <see cref="RangeSearch"/>, unpacked and scored as a whole.</summary>
internal sealed unsafe class DecodedList(PostingList list, double weight, double largest)
{
    /// <summary>Postings for one entry of the directory, about.</summary>
    private const int Entry = 8;

    /// <summary>Of every so many documents a posting that is not behind them, and at most some before.</summary>
    private int* directory;

    /// <summary>Documents of an entry, as a power of two.</summary>
    private int shift;

    public PostingList List => list;

    /// <summary>No document gets more.</summary>
    public double Largest => largest;

    /// <summary>Ascending.</summary>
    public int* Documents { get; private set; }

    /// <summary>What each document gets.</summary>
    public float* Scores { get; private set; }

    /// <summary>Ints and floats needed for the documents of a list.</summary>
    public static int RoomFor(PostingList list) => list.BlockCount * PostingList.BlockLength + 16;

    /// <summary>Ints needed for the directory of a list.</summary>
    /// <param name="list">The list.</param>
    /// <param name="documents">Of the set.</param>
    public static int DirectoryOf(PostingList list, int documents) => (documents - 1 >> ShiftFor(list, documents)) + 1;

    /// <param name="field">Whose lengths count.</param>
    /// <param name="documents">Room for the documents.</param>
    /// <param name="scores">Room for what they get.</param>
    /// <param name="entries">Room for the directory.</param>
    public void Decode(TextField field, int* documents, float* scores, int* entries)
    {
        directory = entries;
        Documents = documents;
        Scores = scores;
        int* frequencies = stackalloc int[PostingList.BlockLength];
        int* lengths = stackalloc int[PostingList.BlockLength];
        var constant = Vector256.Create(field.Constant);
        var slope = Vector256.Create(field.Slope);
        var factor = Vector256.Create((float)weight);
        for (int block = 0; block < list.BlockCount; block++, documents += PostingList.BlockLength, scores += PostingList.BlockLength)
        {
            int count = list.Read(block, documents, frequencies);
            field.Index.ReadLengths(documents, count, lengths);
            for (int i = 0; i < count; i += Vector256<float>.Count)
            {
                var frequency = Vector256.ConvertToSingle(Vector256.Load(frequencies + i));
                var half = constant + slope * Vector256.ConvertToSingle(Vector256.Load(lengths + i));
                (factor * frequency / Vector256.Max(frequency + half, Vector256.Create(float.Epsilon))).Store(scores + i);
            }
        }

        new Span<int>(Documents + list.Documents, 2 * Vector256<int>.Count).Fill(int.MaxValue);
        FillDirectory(field.Index.Documents);
    }

    /// <summary>Adds what the documents of a range of four get.</summary>
    public void AddTo(int range, float* sums)
    {
        int first = range << RangeSums.Shift;
        int at = directory[first >> shift];
        uint before = 0xFF;
        for (var limit = Vector256.Create(first); before == 0xFF; at += BitOperations.PopCount(before))
        {
            before = Vector256.LessThan(Vector256.Load(Documents + at), limit).ExtractMostSignificantBits();
        }

        for (; Documents[at] < first + (1 << RangeSums.Shift); at++)
        {
            sums[Documents[at] & (1 << RangeSums.Shift) - 1] += Scores[at];
        }
    }

    private static int ShiftFor(PostingList list, int documents) =>
        Math.Max(BitOperations.Log2((uint)(documents / Math.Max(list.Documents / Entry, 1)) + 1), RangeSums.Shift);

    private void FillDirectory(int documents)
    {
        shift = ShiftFor(list, documents);
        int entry = 0;
        int* entries = directory;
        int* numbers = Documents;
        int count = list.Documents;
        int bits = shift;
        int before = 0;
        for (int i = 0; i < count; before = i, i += Entry)
        {
            for (int last = numbers[i] >> bits; entry <= last; entry++)
            {
                entries[entry] = before;
            }
        }

        new Span<int>(directory + entry, DirectoryOf(list, documents) - entry).Fill(before);
    }
}
