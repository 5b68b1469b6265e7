using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Formats;

namespace Puff.TestKit.Columns;

/// <summary>Columns of documents given as values, and their indexes unless unwanted, through the same encoders and readers that segments use.</summary>
internal sealed class EncodedColumns(int count, Func<int, AttributeDefinition, Value> values, bool hasIndexes = true) : IColumnSource, IDisposable
{
    private readonly Dictionary<(int Id, TypeKind Kind), Column?> columns = [];
    private readonly Dictionary<(int Id, TypeKind Kind), EncodedAttribute?> indexes = [];
    private readonly List<PartEncoder> parts = [];
    private readonly Dictionary<(int Id, TypeKind Kind), PartReader> readers = [];

    public int Count => count;

    public Column? GetColumn(AttributeDefinition attribute)
    {
        var key = (attribute.Id, attribute.Type.Kind);
        if (!columns.TryGetValue(key, out var column))
        {
            columns[key] = column = Encode(attribute);
        }

        return column;
    }

    /// <summary>The part that has just the column of the attribute, which was asked for before.</summary>
    public PartReader PartOf(AttributeDefinition attribute) => readers[(attribute.Id, attribute.Type.Kind)];

    public AttributeIndex? GetIndex(AttributeDefinition attribute)
    {
        var key = (attribute.Id, attribute.Type.Kind);
        if (hasIndexes && !indexes.ContainsKey(key))
        {
            indexes[key] = GetColumn(attribute) is { Kind: not TypeKind.UnknownArray } column ? new EncodedAttribute(attribute, column) : null;
        }

        return indexes.GetValueOrDefault(key)?.Index;
    }

    public void Dispose()
    {
        foreach (var index in indexes.Values)
        {
            index?.Dispose();
        }

        foreach (var part in parts)
        {
            part.Dispose();
        }
    }

    private Column? Encode(AttributeDefinition attribute)
    {
        var part = new PartEncoder(PartKind.Columns);
        parts.Add(part);
        using var encoder = new ColumnEncoder(part, attribute, count);
        using var payload = new ByteWriter();
        for (int document = 0; document < count; document++)
        {
            var value = values(document, attribute);
            if (!value.IsNull)
            {
                payload.Clear();
                PayloadFormat.Write(payload, attribute.Type, value);
                encoder.Add(document, payload.Written.AsSpan());
            }
        }

        encoder.Finish();
        part.Finish(count);
        var reader = new PartReader(part.Buffer.Written, PartKind.Columns);
        readers[(attribute.Id, attribute.Type.Kind)] = reader;
        return new ColumnsPartReader(reader).GetColumn(attribute);
    }
}
