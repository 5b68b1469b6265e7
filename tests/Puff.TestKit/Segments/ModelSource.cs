using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.TestKit.Segments;

/// <summary>Model documents as a source for the builder.</summary>
internal sealed unsafe class ModelSource : ISegmentSource, IDisposable
{
    private readonly IReadOnlyList<ModelDocument> documents;
    private readonly byte[][] rows;
    private readonly Dictionary<(int Document, int Attribute), NativeObjectMemory> vectors = [];

    public ModelSource(NamespaceSchema schema, IReadOnlyList<ModelDocument> documents)
    {
        this.documents = documents;
        rows = documents.Select(d => Row(schema, d)).ToArray();
        foreach (var attribute in schema.DenseVectors)
        {
            for (int i = 0; i < documents.Count; i++)
            {
                if (documents[i].Values.TryGetValue(attribute.Id, out var value))
                {
                    vectors.Add((i, attribute.Id), NativeObjectMemory.CopyOf(VectorBytes(value)));
                }
            }
        }
    }

    public int Count => documents.Count;

    public static byte[] Row(NamespaceSchema schema, ModelDocument document)
    {
        using var writer = new ByteWriter();
        RowFormat.Write(writer, schema.Attributes.Where(a => !a.Type.IsDenseVector).Select(a => (a, document.Get(a))).ToArray());
        return writer.Written.AsSpan().ToArray();
    }

    public DocumentId GetId(int document) => documents[document].Id;

    public ReadOnlySpan<byte> GetRow(int document) => rows[document];

    public byte* GetVector(int document, AttributeDefinition attribute) =>
        vectors.TryGetValue((document, attribute.Id), out var vector) ? vector.Pointer : null;

    public void Dispose()
    {
        foreach (var vector in vectors.Values)
        {
            vector.Release();
        }
    }

    private static ReadOnlySpan<byte> VectorBytes(Value value) => value.Kind switch
    {
        ValueKind.VectorF32 => MemoryMarshal.AsBytes<float>(value.AsVectorF32),
        ValueKind.VectorF16 => MemoryMarshal.AsBytes<Half>(value.AsVectorF16),
        _ => MemoryMarshal.AsBytes<sbyte>(value.AsVectorI8),
    };
}
