using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Namespaces;

/// <summary>The live documents of a frozen tail as the content of a new segment, in the order they were written.</summary>
internal sealed unsafe class TailSource : ISegmentSource
{
    private readonly TailDocumentSet tail;
    private readonly int[] documents;

    public TailSource(TailDocumentSet tail)
    {
        this.tail = tail;
        documents = new int[tail.LiveCount];
        int next = 0;
        for (int document = tail.Live.NextSet(0); document >= 0; document = tail.Live.NextSet(document + 1))
        {
            documents[next++] = document;
        }
    }

    public int Count => documents.Length;

    public DocumentId GetId(int document) => tail.GetId(documents[document]);

    public ReadOnlySpan<byte> GetRow(int document) => tail.GetRow(documents[document]);

    public byte* GetVector(int document, AttributeDefinition attribute) => tail.GetVector(documents[document], attribute);
}
