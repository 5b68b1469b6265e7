using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes the index of one attribute into the part `attributes`: from each different value, in order, to the documents that have it. Holds the different values
/// and a few numbers a document in memory, bounded by <see cref="AttributeFormat.MaxPostings"/>; an attribute beyond the bounds gets no index.
/// </summary>
internal sealed unsafe class AttributeIndexEncoder : IDisposable
{
    private const int NoDocument = -1;

    private readonly PartEncoder part;
    private readonly AttributeDefinition attribute;
    private readonly TypeKind elementKind;
    private readonly bool isArray;
    private readonly bool isBytes;
    private readonly int documents;
    private readonly AttributeValues values;

    /// <summary>The number of each row's value plus 1, 0 for none. A row is a document or, in arrays, an element.</summary>
    private readonly ByteWriter rows = new();

    /// <summary>Of arrays: the document of each row.</summary>
    private readonly ByteWriter owners = new();

    private readonly List<(int Count, int LastDocument, int FirstRow)> facts = [];
    private int next;
    private int postings;
    private bool isAbandoned;

    public AttributeIndexEncoder(PartEncoder part, AttributeDefinition attribute, int documents)
    {
        this.part = part;
        this.attribute = attribute;
        this.documents = documents;
        elementKind = attribute.Type.ElementKind;
        isArray = attribute.Type.IsArray;
        isBytes = AttributeFormat.IsBytes(elementKind);
        values = new AttributeValues(isBytes);
        isAbandoned = documents > AttributeFormat.MaxPostings;
    }

    public void Dispose()
    {
        values.Dispose();
        rows.Dispose();
        owners.Dispose();
    }

    /// <summary>The value of a document, encoded; documents come in ascending order, those without a value are left out.</summary>
    public void Add(int document, ReadOnlySpan<byte> payload)
    {
        if (isAbandoned || elementKind == TypeKind.UnknownArray)
        {
            return;
        }

        var reader = new ByteReader(payload);
        if (isArray)
        {
            for (int left = reader.ElementCount(elementKind); left > 0; left--)
            {
                AddRow(document, ref reader);
            }
        }
        else
        {
            SkipTo(document);
            next++;
            if (isBytes)
            {
                AddRow(document, values.Add(payload));
            }
            else
            {
                AddRow(document, ref reader);
            }
        }
    }

    /// <summary>All values of a column of the attribute.</summary>
    public void Add(Column column)
    {
        if (column is ArrayColumn array)
        {
            for (int document = 0; document < array.Count && !isAbandoned; document++)
            {
                var (start, end) = array.GetRange(document);
                for (int row = start; row < end; row++)
                {
                    AddRow(document, NumberOf(array.Elements, row));
                }
            }

            return;
        }

        for (int document = column.Present.NextSet(0); document >= 0 && !isAbandoned; document = column.Present.NextSet(document + 1))
        {
            SkipTo(document);
            next++;
            AddRow(document, NumberOf(column, document));
        }
    }

    /// <summary>Writes the sections; none when no document has a value or there are too many.</summary>
    public void Finish()
    {
        if (isAbandoned || values.Count == 0)
        {
            return;
        }

        if (!isArray)
        {
            SkipTo(documents);
        }

        int[] order = values.Order();
        var ranks = new int[order.Length];
        for (int rank = 0; rank < order.Length; rank++)
        {
            ranks[order[rank]] = rank;
        }

        var starts = WriteStarts(order);
        var lists = (uint*)NativeMemory.Alloc((nuint)postings, sizeof(uint));
        try
        {
            FillLists(ranks, starts, lists);
            if (!AttributeFormat.HasBitmapsOnly(isArray, order.Length))
            {
                part.Section(PartSection.AttributeDocuments, new MemoryRegion((byte*)lists, postings * 4L), attribute.Id, count: postings);
            }

            WriteBitmaps(starts, lists);
        }
        finally
        {
            NativeMemory.Free(lists);
        }

        WriteFirstRows(order);
        WriteOrdinals(ranks);
        if (AttributeFormat.HasGrams(attribute, order.Length))
        {
            new GramEncoder(part, attribute.Id, values, order).Write();
        }
    }

    private void AddRow(int document, ref ByteReader reader) => AddRow(document, isBytes
        ? values.Add(reader.ElementBytes(elementKind))
        : values.Add(ScalarOrder.SortableBits(elementKind, reader.ScalarBits(elementKind))));

    private int NumberOf(Column column, int row) => column is BytesColumn bytes
        ? values.Add(bytes.Get(row))
        : values.Add(ScalarOrder.SortableBits(elementKind, ((ScalarColumn)column).Values[row]));

    private void AddRow(int document, int number)
    {
        if (number == facts.Count)
        {
            facts.Add((0, NoDocument, (int)(rows.Length / 4)));
        }

        ref var fact = ref CollectionsMarshal.AsSpan(facts)[number];
        if (fact.LastDocument != document)
        {
            fact.LastDocument = document;
            fact.Count++;
            postings++;
        }

        rows.UInt32((uint)number + 1);
        if (isArray)
        {
            owners.UInt32((uint)document);
        }

        isAbandoned = rows.Length / 4 > AttributeFormat.MaxPostings || values.ByteCount > AttributeFormat.MaxValueBytes;
    }

    private void SkipTo(int document)
    {
        for (; next < document; next++)
        {
            rows.UInt32(0);
        }
    }

    private uint[] WriteStarts(int[] order)
    {
        var starts = new uint[order.Length + 1];
        for (int rank = 0; rank < order.Length; rank++)
        {
            starts[rank + 1] = starts[rank] + (uint)facts[order[rank]].Count;
        }

        bool isIdentity = postings == order.Length;
        fixed (uint* pointer = starts)
        {
            var table = new MemoryRegion((byte*)pointer, isIdentity ? 0 : starts.Length * 4L);
            part.Section(PartSection.AttributeStarts, table, attribute.Id, attribute.Type.Kind, order.Length);
        }

        return starts;
    }

    /// <summary>Documents value by value, ascending within each.</summary>
    private void FillLists(int[] ranks, uint[] starts, uint* lists)
    {
        var ends = starts[..^1];
        var numbers = (uint*)rows.Written.Pointer;
        var documentOf = (uint*)owners.Written.Pointer;
        long count = rows.Length / 4;
        for (long row = 0; row < count; row++)
        {
            if (numbers[row] == 0)
            {
                continue;
            }

            int rank = ranks[(int)numbers[row] - 1];
            uint document = isArray ? documentOf[row] : (uint)row;
            ref uint end = ref ends[rank];
            if (end == starts[rank] || lists[end - 1] != document)
            {
                lists[end++] = document;
            }
        }
    }

    private void WriteBitmaps(uint[] starts, uint* lists)
    {
        int count = AttributeFormat.BitmapCount(isArray, documents, starts.Length - 1, postings);
        if (count == 0)
        {
            return;
        }

        bool byValue = AttributeFormat.HasBitmapsOnly(isArray, starts.Length - 1);
        long block = AttributeFormat.BlockPostings(documents, postings);
        var bits = new BitSet(documents);
        part.BeginSection();
        for (int i = 0; i < count; i++)
        {
            long from = byValue ? starts[i] : i * block;
            long to = byValue ? starts[i + 1] : Math.Min((i + 1) * block, postings);
            if (isArray)
            {
                bits.ClearAll();
            }

            for (long position = from; position < to; position++)
            {
                bits[(int)lists[position]] = true;
            }

            part.Buffer.Bytes(MemoryMarshal.AsBytes(bits.Words));
        }

        part.EndSection(PartSection.AttributeBitmaps, attribute.Id, count: count);
    }

    /// <summary>For each value a row that has it, unless the lists tell.</summary>
    private void WriteFirstRows(int[] order)
    {
        if (!isArray && !AttributeFormat.HasBitmapsOnly(isArray, order.Length))
        {
            return;
        }

        part.BeginSection();
        foreach (int number in order)
        {
            part.Buffer.UInt32((uint)facts[number].FirstRow);
        }

        part.EndSection(PartSection.AttributeRows, attribute.Id);
    }

    private void WriteOrdinals(int[] ranks)
    {
        int width = AttributeFormat.OrdinalWidth(ranks.Length);
        if (width == 0)
        {
            return;
        }

        var numbers = (uint*)rows.Written.Pointer;
        int count = (int)(rows.Length / 4);
        part.BeginSection();
        var target = part.Buffer.Reserve(count * width);
        for (int row = 0; row < count; row++)
        {
            int ordinal = numbers[row] == 0 ? 0 : ranks[(int)numbers[row] - 1] + 1;
            if (width == 1)
            {
                target[row] = (byte)ordinal;
            }
            else
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(target[(row * 2)..], (ushort)ordinal);
            }
        }

        part.EndSection(PartSection.AttributeOrdinals, attribute.Id, count: width);
    }
}
