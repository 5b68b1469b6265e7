using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.TestKit.Columns;

/// <summary>Columns of documents given as values, through the same encoder and reader that segments use.</summary>
internal sealed class EncodedColumns(int count, Func<int, AttributeDefinition, Value> values) : IColumnSource, IDisposable
{
    private readonly Dictionary<(int Id, TypeKind Kind), Column?> columns = [];
    private readonly List<PartEncoder> parts = [];

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

    public void Dispose()
    {
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
        return new ColumnsPartReader(new PartReader(part.Buffer.Written, PartKind.Columns)).GetColumn(attribute);
    }
}
