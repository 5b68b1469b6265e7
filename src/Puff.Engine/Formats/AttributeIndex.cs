using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// One attribute of the part `attributes`, or the ids: the different values in ascending order, numbered from 0 (their ordinals), and the documents of each.
/// The values themselves are read from the column, of which an ordinal knows a row. Opening verifies and checks everything but the pieces of text, so that
/// users need not. Any number of threads may read.
/// </summary>
internal sealed unsafe class AttributeIndex
{
    private readonly BitSet present;
    private readonly uint* starts;
    private readonly uint* lists;
    private readonly uint* firstRows;
    private readonly ulong* bitmaps;
    private readonly int bitmapCount;
    private readonly bool isArray;
    private readonly int block;

    private AttributeIndex(PartReader part, AttributeDefinition attribute, PartEntry entry, Column column, Func<CorruptDataException, Exception>? damaged)
    {
        isArray = column is ArrayColumn;
        present = column.Present;
        Rows = column is ArrayColumn array ? array.Elements : column;
        Documents = part.Documents;
        bool hasBitmapsOnly = AttributeFormat.HasBitmapsOnly(isArray, (int)Math.Min(entry.Count, int.MaxValue));
        if (entry.Count is <= 0 or > AttributeFormat.MaxPostings)
        {
            throw new CorruptDataException($"attribute {attribute.Id} announces {entry.Count} different values");
        }

        Values = (int)entry.Count;
        starts = ReadStarts(part, attribute.Id, entry, isArray ? Rows.Count : present.PopCount());
        Postings = starts == null ? Values : (int)starts[Values];
        block = AttributeFormat.BlockPostings(Documents, Postings);
        if (!hasBitmapsOnly)
        {
            lists = ReadNumbers(part, PartSection.AttributeDocuments, attribute.Id, Postings, Documents);
        }

        firstRows = isArray || hasBitmapsOnly ? ReadNumbers(part, PartSection.AttributeRows, attribute.Id, Values, Rows.Count) : null;
        bitmapCount = AttributeFormat.BitmapCount(isArray, Documents, Values, Postings);
        bitmaps = ReadBitmaps(part, attribute.Id);
        Ordinals = ReadOrdinals(part, attribute.Id);
        Grams = GramIndex.Open(part, attribute.Id, Values, damaged ?? (static damage => damage));
    }

    private AttributeIndex(Column ids, MemoryRegion sortedDocuments)
    {
        present = ids.Present;
        Rows = ids;
        Documents = Values = Postings = ids.Count;
        block = int.MaxValue;
        lists = Numbers(sortedDocuments, ids.Count, ids.Count);
    }

    /// <summary>Documents of the segment, with or without a value.</summary>
    public int Documents { get; }

    /// <summary>Different values.</summary>
    public int Values { get; }

    /// <summary>Pairs of a value and a document that has it.</summary>
    public int Postings { get; }

    /// <summary>The column that holds the values: one row a document, or of arrays one row an element.</summary>
    public Column Rows { get; }

    /// <summary>For each row of <see cref="Rows"/> the ordinal plus 1, 0 for none; null when there are too many different values.</summary>
    public OrdinalTable? Ordinals { get; }

    /// <summary>Null when the attribute was indexed without.</summary>
    public GramIndex? Grams { get; }

    /// <summary>Bytes of a bitmap over the documents.</summary>
    private int Words => (Documents + 63) / 64;

    /// <summary>Null when the part was written without the attribute at this type.</summary>
    /// <param name="part">The part `attributes`.</param>
    /// <param name="attribute">Which.</param>
    /// <param name="column">Its column in the same segment.</param>
    /// <param name="damaged">Names the object that damage is found in later.</param>
    public static AttributeIndex? Open(
        PartReader part, AttributeDefinition attribute, Column column, Func<CorruptDataException, Exception>? damaged = null) =>
        column.Kind != TypeKind.UnknownArray && part.TryFind(PartSection.AttributeStarts, attribute.Id, out var entry) && entry.Type == attribute.Type.Kind
            ? new AttributeIndex(part, attribute, entry, column, damaged)
            : null;

    /// <summary>The ids as an attribute of different values.</summary>
    /// <param name="ids">The column.</param>
    /// <param name="sortedDocuments">A u32 for each document, in ascending order of their ids.</param>
    public static AttributeIndex OfIds(Column ids, MemoryRegion sortedDocuments) => new(ids, sortedDocuments);

    /// <summary>A row of <see cref="Rows"/> that has the value.</summary>
    public int RowOf(int ordinal) => (int)(firstRows != null ? firstRows[ordinal] : lists[StartOf(ordinal)]);

    /// <summary>Postings of all values before an ordinal, which may be <see cref="Values"/>.</summary>
    public int StartOf(int ordinal) => starts == null ? ordinal : (int)starts[ordinal];

    /// <summary>Documents of a value in ascending order; empty when there are only bitmaps (<see cref="HasLists"/>).</summary>
    public ReadOnlySpan<uint> ListOf(int ordinal) => lists == null ? default : new(lists + StartOf(ordinal), StartOf(ordinal + 1) - StartOf(ordinal));

    public bool HasLists => lists != null;

    /// <summary>The first ordinal whose value is not less than a scalar, and whether it is equal.</summary>
    public (int Ordinal, bool IsEqual) Find(ulong sortable)
    {
        var scalars = (ScalarColumn)Rows;
        var values = scalars.Values;
        int low = 0, high = Values;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            ulong value = ScalarOrder.SortableBits(scalars.Kind, values[RowOf(middle)]);
            if (value == sortable)
            {
                return (middle, true);
            }

            (low, high) = value < sortable ? (middle + 1, high) : (low, middle);
        }

        return (low, false);
    }

    /// <summary>The first ordinal whose value is not less than a string or UUID, and whether it is equal.</summary>
    public (int Ordinal, bool IsEqual) Find(ReadOnlySpan<byte> value)
    {
        var bytes = (BytesColumn)Rows;
        int low = 0, high = Values;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            int order = bytes.Get(RowOf(middle)).SequenceCompareTo(value);
            if (order == 0)
            {
                return (middle, true);
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle);
        }

        return (low, false);
    }

    /// <summary>
    /// Counts how many of some documents have each value, by what is faster: how many there are at all, a bitmap for each value, the table of ordinals, or a
    /// bit for each posting. False when all of that is likely to take longer than looking at those documents.
    /// </summary>
    /// <param name="documents">A bit for each.</param>
    /// <param name="counts">By ordinal + 1; 0 is for documents without a value. Overwritten.</param>
    public bool TryCount(BitSet documents, Span<long> counts)
    {
        int matches = documents.PopCount();
        if (matches == Documents)
        {
            for (int ordinal = 0; ordinal < Values; ordinal++)
            {
                counts[ordinal + 1] = StartOf(ordinal + 1) - StartOf(ordinal);
            }
        }
        else if (lists == null)
        {
            CountByBitmaps(documents, counts);
        }
        else if (!isArray && Ordinals is not null)
        {
            counts.Clear();
            Ordinals.Count(documents.Words, counts);
        }
        else if (matches < Postings / 16)
        {
            return false;
        }
        else
        {
            CountByLists(documents, counts);
        }

        counts[0] = matches - documents.PopCountOfAnd(present);
        return true;
    }

    private void CountByBitmaps(BitSet documents, Span<long> counts)
    {
        long before = 0;
        for (int ordinal = 0; ordinal < Values; ordinal++)
        {
            var bitmap = ordinal < bitmapCount ? Bitmap(ordinal) : present.Words;
            var words = documents.Words;
            long count = 0;
            for (int i = 0; i < words.Length && i < bitmap.Length; i++)
            {
                count += BitOperations.PopCount(words[i] & bitmap[i]);
            }

            counts[ordinal + 1] = count - before;
            before = count;
        }
    }

    private void CountByLists(BitSet documents, Span<long> counts)
    {
        var words = documents.Words;
        for (int ordinal = 0; ordinal < Values; ordinal++)
        {
            long count = 0;
            foreach (uint document in ListOf(ordinal))
            {
                count += (long)(words[(int)(document >> 6)] >> (int)document & 1);
            }

            counts[ordinal + 1] = count;
        }
    }

    /// <summary>Collecting these values adds their documents and touches no others.</summary>
    public bool IsShort(int first, int end) => lists != null && (bitmapCount == 0 || StartOf(end) - StartOf(first) <= block);

    /// <summary>
    /// Adds the documents with a value in [<paramref name="first"/>, <paramref name="end"/>). <paramref name="result"/> holds nothing but documents of other
    /// values of the same attribute, gathered by this method.
    /// </summary>
    public void Collect(int first, int end, BitSet result)
    {
        var words = result.Words;
        int from = StartOf(first), to = StartOf(end);
        if (lists == null)
        {
            AddDifference(first, end, words);
        }
        else if (IsShort(first, end))
        {
            Set(from, to, words);
        }
        else if (isArray)
        {
            CollectBlocks(from, to, words);
        }
        else
        {
            CollectCumulative(from, to, words);
        }
    }

    /// <summary>Whole blocks by their bitmaps, what juts out document by document.</summary>
    private void CollectBlocks(int from, int to, Span<ulong> words)
    {
        int firstBlock = (from + block - 1) / block;
        int endBlock = to == Postings ? bitmapCount : to / block;
        if (firstBlock >= endBlock)
        {
            Set(from, to, words);
            return;
        }

        Set(from, firstBlock * block, words);
        for (int b = firstBlock; b < endBlock; b++)
        {
            System.Numerics.Tensors.TensorPrimitives.BitwiseOr(words, Bitmap(b), words);
        }

        Set(Math.Min((int)Math.Min((long)endBlock * block, int.MaxValue), to), to, words);
    }

    /// <summary>The difference of the nearest two cumulative bitmaps, mended at both ends. A document has one value, so mending touches no other.</summary>
    private void CollectCumulative(int from, int to, Span<ulong> words)
    {
        int lower = (from + block / 2) / block;
        int upper = Math.Min((to + block / 2) / block, bitmapCount + 1);
        if (to > bitmapCount * block + (Postings - bitmapCount * block) / 2)
        {
            upper = bitmapCount + 1;
        }

        int lowerEnd = Math.Min(lower * block, Postings);
        int upperEnd = upper > bitmapCount ? Postings : upper * block;
        AddDifference(lower, upper, words);
        Set(from, lowerEnd, words);
        Clear(lowerEnd, from, words);
        Set(upperEnd, to, words);
        Clear(to, upperEnd, words);
    }

    /// <summary>Adds what a cumulative bitmap has more than a lower one; 0 is empty, one behind the last is all documents.</summary>
    private void AddDifference(int lower, int upper, Span<ulong> words)
    {
        var more = upper > bitmapCount ? present.Words : upper == 0 ? default : Bitmap(upper - 1);
        if (more.IsEmpty || lower >= upper)
        {
            return;
        }

        if (lower == 0)
        {
            System.Numerics.Tensors.TensorPrimitives.BitwiseOr(words, more, words);
            return;
        }

        var less = Bitmap(lower - 1);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] |= more[i] & ~less[i];
        }
    }

    private ReadOnlySpan<ulong> Bitmap(int number) => new(bitmaps + (long)number * Words, Words);

    private void Set(int from, int to, Span<ulong> words)
    {
        for (int position = from; position < to; position++)
        {
            uint document = lists[position];
            words[(int)(document >> 6)] |= 1UL << (int)document;
        }
    }

    private void Clear(int from, int to, Span<ulong> words)
    {
        for (int position = from; position < to; position++)
        {
            uint document = lists[position];
            words[(int)(document >> 6)] &= ~(1UL << (int)document);
        }
    }

    /// <summary>Null when every value has one document.</summary>
    private uint* ReadStarts(PartReader part, int attribute, PartEntry entry, int maximum)
    {
        if (entry.Length == 0)
        {
            return Values <= maximum && (isArray || Values == maximum)
                ? null
                : throw new CorruptDataException($"attribute {attribute} has {Values} different values in {maximum}");
        }

        var table = part.Read(part.Find(PartSection.AttributeStarts, attribute, (Values + 1L) * 4));
        var numbers = (uint*)table.Pointer;
        for (int i = 0; i < Values; i++)
        {
            if (numbers[i + 1] <= numbers[i])
            {
                throw new CorruptDataException($"value {i} of attribute {attribute} has no documents");
            }
        }

        return numbers[0] == 0 && numbers[Values] <= (uint)maximum && (isArray || numbers[Values] == (uint)maximum)
            ? numbers
            : throw new CorruptDataException($"the values of attribute {attribute} have {numbers[0]}..{numbers[Values]} documents instead of 0..{maximum}");
    }

    private static uint* ReadNumbers(PartReader part, PartSection section, int attribute, int count, int end) =>
        Numbers(part.Read(part.Find(section, attribute, count * 4L)), count, end);

    /// <summary>Checks that all numbers are below an end.</summary>
    private static uint* Numbers(MemoryRegion region, int count, int end)
    {
        var numbers = new ReadOnlySpan<uint>(region.Slice(0, count * 4L).Pointer, count);
        uint largest = count == 0 ? 0 : System.Numerics.Tensors.TensorPrimitives.Max(numbers);
        return count == 0 || largest < (uint)end
            ? (uint*)region.Pointer
            : throw new CorruptDataException($"an index of attributes names row {largest} of {end}");
    }

    private ulong* ReadBitmaps(PartReader part, int attribute)
    {
        if (bitmapCount == 0)
        {
            return null;
        }

        var region = part.Read(part.Find(PartSection.AttributeBitmaps, attribute, (long)bitmapCount * Words * 8));
        var pointer = (ulong*)region.Pointer;
        for (int i = 0; i < bitmapCount; i++)
        {
            if ((Documents & 63) != 0 && pointer[(long)i * Words + Words - 1] >> Documents != 0)
            {
                throw new CorruptDataException($"bitmap {i} of attribute {attribute} has more than {Documents} bits");
            }
        }

        return pointer;
    }

    private OrdinalTable? ReadOrdinals(PartReader part, int attribute)
    {
        int width = AttributeFormat.OrdinalWidth(Values);
        if (width == 0)
        {
            return null;
        }

        var region = part.Read(part.Find(PartSection.AttributeOrdinals, attribute, (long)Rows.Count * width));
        int largest = Rows.Count == 0 ? 0
            : width == 1 ? System.Numerics.Tensors.TensorPrimitives.Max(region.AsSpan())
            : System.Numerics.Tensors.TensorPrimitives.Max(MemoryMarshal.Cast<byte, ushort>(region.AsSpan()));
        return largest <= Values
            ? new OrdinalTable(region, width)
            : throw new CorruptDataException($"a row of attribute {attribute} has value {largest} of {Values}");
    }
}

/// <summary>The ordinal plus 1 of each row, 0 for none.</summary>
internal sealed unsafe class OrdinalTable(MemoryRegion table, int width)
{
    private readonly byte* narrow = width == 1 ? table.Pointer : null;
    private readonly ushort* wide = (ushort*)table.Pointer;

    public int this[int row] => narrow != null ? narrow[row] : wide[row];

    /// <summary>Adds the ordinal plus 1 of each row, times a factor.</summary>
    public void AddTo(ReadOnlySpan<int> rows, int factor, Span<int> numbers)
    {
        if (narrow != null)
        {
            for (int i = 0; i < rows.Length && i < numbers.Length; i++)
            {
                numbers[i] += narrow[rows[i]] * factor;
            }
        }
        else
        {
            for (int i = 0; i < rows.Length && i < numbers.Length; i++)
            {
                numbers[i] += wide[rows[i]] * factor;
            }
        }
    }

    /// <summary>Adds to <paramref name="counts"/>, by ordinal, how many of the documents have it.</summary>
    /// <param name="documents">A bit for each.</param>
    /// <param name="counts">One more than there are values.</param>
    public void Count(ReadOnlySpan<ulong> documents, Span<long> counts)
    {
        if (width == 1)
        {
            Count(table.AsSpan(), documents, counts);
        }
        else
        {
            Count(MemoryMarshal.Cast<byte, ushort>(table.AsSpan()), documents, counts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Count<T>(ReadOnlySpan<T> ordinals, ReadOnlySpan<ulong> documents, Span<long> counts)
        where T : unmanaged, IBinaryInteger<T>
    {
        for (int w = 0; w < documents.Length; w++)
        {
            ulong word = documents[w];
            if (word == ulong.MaxValue)
            {
                foreach (var ordinal in ordinals.Slice(w << 6, 64))
                {
                    counts[int.CreateTruncating(ordinal)]++;
                }

                continue;
            }

            for (; word != 0; word &= word - 1)
            {
                counts[int.CreateTruncating(ordinals[(w << 6) + BitOperations.TrailingZeroCount(word)])]++;
            }
        }
    }
}
