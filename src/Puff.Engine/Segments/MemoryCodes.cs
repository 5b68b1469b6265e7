using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// Codes of a few documents that no segment holds yet, made and laid out in memory as a segment would store them. The documents keep their order. Disposing
/// frees the codes, which no search may be using then.
/// </summary>
internal sealed class MemoryCodes : IDisposable
{
    private readonly PartEncoder part = new(PartKind.Codes);
    private readonly Dictionary<int, CodedVectors> indexes = [];

    private MemoryCodes()
    {
    }

    /// <param name="source">The documents; read while this is made, not later.</param>
    /// <param name="schema">Of the namespace.</param>
    /// <param name="trees">Open trees, of each attribute the newest last; the caller keeps references on them for as long as this is used.</param>
    /// <param name="settings">Of the engine.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static MemoryCodes Create(
        ISegmentSource source, NamespaceSchema schema, IReadOnlyList<IndexTree> trees, VectorIndexSettings settings, CancellationToken cancellation)
    {
        var codes = new MemoryCodes();
        try
        {
            codes.Fill(source, FlushLayout.Group(source, schema, trees, settings), settings.Threads, cancellation);
            return codes;
        }
        catch
        {
            codes.Dispose();
            throw;
        }
    }

    public long Bytes => part.Buffer.Length;

    /// <summary>The codes of an attribute; null when too few of the documents have a vector.</summary>
    public CodedVectors? Find(AttributeDefinition attribute) => indexes.GetValueOrDefault(attribute.Id);

    public void Dispose() => part.Dispose();

    private void Fill(ISegmentSource source, List<VectorGrouping> groupings, int threads, CancellationToken cancellation)
    {
        int[] numbers = [.. Enumerable.Range(0, source.Count)];
        foreach (var grouping in groupings)
        {
            using var writer = new CodesWriter(part, CodedAttribute.Unaligned(grouping, numbers), threads, cancellation);
            while (writer.WriteBatch())
            {
            }

            writer.Finish();
        }

        part.Finish(source.Count);
        var reader = new PartReader(part.Buffer.Written, PartKind.Codes);
        foreach (var grouping in groupings)
        {
            var attribute = grouping.Vectors.Attribute;
            indexes.Add(attribute.Id, new CodedVectors(CodesReader.Open(reader, attribute.Id)!, grouping.Tree, attribute.Type.Dimensions, source.Count));
        }
    }
}
