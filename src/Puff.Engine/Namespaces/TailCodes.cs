using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Provisional codes of the tail's vectors, a chunk of documents at a time, from the first on. They are made in the background, and only once a search has
/// asked for them: a tail that is indexed before anybody searches it is coded once, in its segment. What a chunk holds never changes, since rows of the tail
/// do not; that documents die is for whoever masks them.
/// </summary>
internal sealed class TailCodes
{
    private CodedChunk[] chunks = [];
    private bool isWanted;
    private bool hasFailed;

    /// <summary>Of all chunks.</summary>
    public long Bytes => Volatile.Read(ref chunks).Sum(c => c.Codes.Bytes);

    /// <summary>Whether a chunk should be made of a tail with so many documents.</summary>
    public bool Wants(int documents, VectorIndexSettings settings) =>
        Volatile.Read(ref isWanted) && !Volatile.Read(ref hasFailed) && documents - Coded(Volatile.Read(ref chunks)) >= settings.TailChunk;

    /// <summary>What cannot be coded is scanned.</summary>
    public void GiveUp() => Volatile.Write(ref hasFailed, true);

    /// <summary>Adds the next chunk. One caller at a time.</summary>
    /// <returns>Null while the tail has too few documents after the last chunk.</returns>
    public CodedChunk? CodeNext(TailDocumentSet tail, IReadOnlyList<IndexTree> trees, VectorIndexSettings settings, CancellationToken cancellation)
    {
        int first = Coded(chunks);
        if (tail.Count - first < settings.TailChunk)
        {
            return null;
        }

        var source = new ChunkSource(tail, first, settings.TailChunk);
        var chunk = new CodedChunk(first, source.Count, MemoryCodes.Create(source, tail.Schema, trees, settings, cancellation));
        Volatile.Write(ref chunks, [.. chunks, chunk]);
        return chunk;
    }

    /// <summary>The coded documents among the first of the tail.</summary>
    /// <param name="tail">As far as it is frozen.</param>
    /// <param name="attribute">A dense vector attribute.</param>
    public List<CodedRange> Of(TailDocumentSet tail, AttributeDefinition attribute)
    {
        Volatile.Write(ref isWanted, true);
        var ranges = new List<CodedRange>();
        foreach (var chunk in Volatile.Read(ref chunks))
        {
            if (chunk.End > tail.Count)
            {
                break;
            }

            if (chunk.Codes.Find(attribute) is { } index)
            {
                ranges.Add(new CodedRange(chunk.First, index, new TailRows(tail, attribute, chunk.First)));
            }
        }

        return ranges;
    }

    private static int Coded(CodedChunk[] chunks) => chunks.Length == 0 ? 0 : chunks[^1].End;

    /// <summary>Documents of the tail, dead ones included: a snapshot that was taken before they died may still search them.</summary>
    private sealed unsafe class ChunkSource(TailDocumentSet tail, int first, int count) : ISegmentSource
    {
        public int Count => count;

        public DocumentId GetId(int document) => tail.GetId(first + document);

        public ReadOnlySpan<byte> GetRow(int document) => tail.GetRow(first + document);

        public byte* GetVector(int document, AttributeDefinition attribute) => tail.GetVector(first + document, attribute);
    }

    private sealed unsafe class TailRows(TailDocumentSet tail, AttributeDefinition attribute, int first) : IExactRows
    {
        public bool AreInPlace => true;

        public byte* Row(int document, byte* buffer) => tail.GetVector(first + document, attribute);
    }
}

/// <summary>Codes of consecutive documents of a tail.</summary>
internal sealed record CodedChunk(int First, int Count, MemoryCodes Codes)
{
    public int End => First + Count;
}
