using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.TestKit.Segments;

/// <summary>Builds segments of model documents, and compares every way to read one with the model.</summary>
internal static class SegmentChecks
{
    public static async Task<Puff.Engine.Formats.SegmentDescriptor> BuildAsync(
        IObjectStore store, string keyBase, NamespaceSchema schema, IReadOnlyList<ModelDocument> documents, CancellationToken cancellation)
    {
        using var source = new ModelSource(schema, documents);
        return await SegmentBuilder.BuildAsync(store, keyBase, schema, source, cancellation);
    }

    /// <summary>The first difference between a segment and the model, or null. Reads everything; what a damaged object throws passes through.</summary>
    public static string? Difference(SegmentReader segment, NamespaceSchema schema, IReadOnlyList<ModelDocument> documents)
    {
        if (segment.Count != documents.Count)
        {
            return $"{segment.Count} documents instead of {documents.Count}";
        }

        for (int i = 0; i < documents.Count; i++)
        {
            if (segment.GetId(i) != documents[i].Id || segment.Find(documents[i].Id) != i)
            {
                return $"document {i} has id {segment.GetId(i)} instead of {documents[i].Id}, or it is not found";
            }
        }

        return schema.Attributes.Append(schema.IdAttribute).Select(a => Difference(segment, a, documents)).FirstOrDefault(d => d != null);
    }

    private static string? Difference(SegmentReader segment, AttributeDefinition attribute, IReadOnlyList<ModelDocument> documents)
    {
        bool any = documents.Any(d => !d.Get(attribute).IsNull);
        var column = attribute.Filterable ? segment.GetColumn(attribute) : null;
        if (attribute.Filterable && any != (column != null))
        {
            return $"attribute {attribute.Name}: a column exists: {column != null}, values exist: {any}";
        }

        for (int i = 0; i < documents.Count; i++)
        {
            string expected = ValueText.Of(documents[i].Get(attribute));
            string read = ValueText.Of(segment.GetValue(i, attribute));
            string inColumn = attribute.Filterable ? ValueText.Of(ValueText.ValueAt(column, i)) : expected;
            if (read != expected || inColumn != expected)
            {
                return $"document {i}, attribute {attribute.Name}: {expected} was written, the row has {read}, the column {inColumn}";
            }
        }

        return attribute.Type.IsDenseVector ? VectorDifference(segment, attribute, documents) : null;
    }

    private static unsafe string? VectorDifference(SegmentReader segment, AttributeDefinition attribute, IReadOnlyList<ModelDocument> documents)
    {
        var found = new Dictionary<int, string>();
        foreach (var block in segment.GetVectors(attribute)?.Blocks ?? [])
        {
            for (int i = 0; i < block.Count; i++)
            {
                var vector = new ReadOnlySpan<byte>(block.Pointer + i * attribute.Type.VectorBytes, attribute.Type.VectorBytes);
                found.Add(block.FirstDocument + i, Convert.ToHexString(vector));
            }
        }

        for (int i = 0; i < documents.Count; i++)
        {
            var vector = segment.GetVector(i, attribute);
            string expected = vector.Length == 0 ? "" : Convert.ToHexString(vector.AsSpan());
            if (expected != found.GetValueOrDefault(i, "") || documents[i].Get(attribute).IsNull != (expected.Length == 0))
            {
                return $"document {i}, attribute {attribute.Name}: the block has {found.GetValueOrDefault(i)} instead of {expected}";
            }
        }

        return null;
    }
}
