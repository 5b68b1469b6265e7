using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes one dense vector attribute into the part `vectors`: the vectors of the documents that have one, in document order, contiguous at the column's
/// width; then the runs of documents they belong to, as pairs of u32: first document, count.
/// </summary>
internal sealed class VectorsEncoder : IDisposable
{
    private readonly PartEncoder part;
    private readonly AttributeDefinition attribute;
    private readonly ByteWriter runs = new();
    private int runStart;
    private int runLength;
    private int count;

    public VectorsEncoder(PartEncoder part, AttributeDefinition attribute)
    {
        this.part = part;
        this.attribute = attribute;
        part.BeginSection();
    }

    public void Dispose() => runs.Dispose();

    /// <summary>Documents come in ascending order; those without a vector are left out.</summary>
    public void Add(int document, ReadOnlySpan<byte> vector)
    {
        if (vector.Length != attribute.Type.VectorBytes)
        {
            throw PuffException.Internal($"a vector of {vector.Length} bytes for attribute \"{attribute.Name}\" of type {attribute.Type}");
        }

        if (runLength > 0 && document != runStart + runLength)
        {
            EndRun();
        }

        if (runLength == 0)
        {
            runStart = document;
        }

        part.Buffer.Bytes(vector);
        runLength++;
        count++;
    }

    public void Finish()
    {
        EndRun();
        part.EndSection(PartSection.Vectors, attribute.Id, attribute.Type.Kind, count);
        part.Section(PartSection.VectorBlocks, runs.Written, attribute.Id);
    }

    private void EndRun()
    {
        if (runLength > 0)
        {
            runs.UInt32((uint)runStart);
            runs.UInt32((uint)runLength);
            runLength = 0;
        }
    }
}

/// <summary>Documents FirstDocument .. FirstDocument + Count - 1 own the vectors from FirstRow on.</summary>
internal readonly record struct VectorRun(int FirstDocument, int Count, int FirstRow);

/// <summary>One dense vector attribute of the part `vectors`.</summary>
internal sealed class VectorsReader
{
    private readonly PartReader part;
    private readonly PartEntry vectors;
    private readonly VectorRun[] runs;

    private VectorsReader(PartReader part, AttributeDefinition attribute, PartEntry vectors)
    {
        this.part = part;
        this.vectors = vectors;
        RowBytes = attribute.Type.VectorBytes;
        if (vectors.Type != attribute.Type.Kind || vectors.Count > part.Documents || vectors.Length != vectors.Count * RowBytes)
        {
            throw new CorruptDataException($"{vectors.Length} bytes are not {vectors.Count} vectors of type {attribute.Type}");
        }

        runs = ReadRuns(part, attribute.Id, vectors.Count);
    }

    public int RowBytes { get; }

    public IReadOnlyList<VectorRun> Runs => runs;

    /// <summary>The attribute's vectors; null when no document has one.</summary>
    public static VectorsReader? Open(PartReader part, AttributeDefinition attribute) =>
        part.TryFind(PartSection.Vectors, attribute.Id, out var entry) && entry.Count > 0 ? new VectorsReader(part, attribute, entry) : null;

    /// <summary>Which documents have a vector.</summary>
    public static BitSet DocumentsWithVector(PartReader part, int attribute)
    {
        var documents = new BitSet(part.Documents);
        if (part.TryFind(PartSection.Vectors, attribute, out var entry))
        {
            foreach (var run in ReadRuns(part, attribute, entry.Count))
            {
                for (int i = 0; i < run.Count; i++)
                {
                    documents[run.FirstDocument + i] = true;
                }
            }
        }

        return documents;
    }

    /// <summary>All vectors, row after row, verified.</summary>
    public MemoryRegion ReadAll() => part.Read(vectors);

    /// <summary>Adds a document's vector to a batch.</summary>
    public void Plan(int document, IReadBatch batch)
    {
        long row = RowOf(document);
        part.Plan(vectors, row * RowBytes, row < 0 ? 0 : RowBytes, batch);
    }

    /// <summary>Adds all vectors to a batch.</summary>
    public void PlanAll(IReadBatch batch) => part.Plan(vectors, batch);

    /// <summary>Whether single vectors are better copied than read in place.</summary>
    public bool PrefersCopies => part.PrefersCopies;

    /// <summary>The vector of one document, verified; empty when it has none.</summary>
    public MemoryRegion Read(int document)
    {
        long row = RowOf(document);
        return row < 0 ? default : part.Slice(vectors, row * RowBytes, RowBytes);
    }

    /// <summary>Copies the vector of one document, verified. False when it has none.</summary>
    /// <param name="document">Its number.</param>
    /// <param name="destination"><see cref="RowBytes"/> bytes.</param>
    public bool TryCopy(int document, Span<byte> destination)
    {
        long row = RowOf(document);
        if (row < 0)
        {
            return false;
        }

        part.Copy(vectors, row * RowBytes, destination[..RowBytes]);
        return true;
    }

    /// <summary>The row of a document's vector; -1 when it has none.</summary>
    private long RowOf(int document)
    {
        int low = 0;
        int high = runs.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >> 1;
            if (runs[middle].FirstDocument <= document)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        int index = document - runs[low].FirstDocument;
        return index >= 0 && index < runs[low].Count ? runs[low].FirstRow + (long)index : -1;
    }

    private static VectorRun[] ReadRuns(PartReader part, int attribute, long vectors)
    {
        var entry = part.Find(PartSection.VectorBlocks, attribute);
        var table = part.Read(entry).AsSpan();
        var result = new VectorRun[table.Length / 8];
        long end = 0;
        long row = 0;
        for (int i = 0; i < result.Length; i++)
        {
            uint first = BinaryPrimitives.ReadUInt32LittleEndian(table[(i * 8)..]);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(table[(i * 8 + 4)..]);
            if (first < end || count == 0 || first + (long)count > part.Documents)
            {
                throw new CorruptDataException($"a run of {count} vectors at document {first} does not fit");
            }

            result[i] = new VectorRun((int)first, (int)count, (int)row);
            end = first + (long)count;
            row += count;
        }

        return row == vectors && table.Length % 8 == 0
            ? result
            : throw new CorruptDataException($"the runs of attribute {attribute} have {row} vectors instead of {vectors}");
    }
}
