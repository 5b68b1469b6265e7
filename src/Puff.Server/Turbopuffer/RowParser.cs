using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Documents in row form. It reuses its buffers, so one thread at a time.</summary>
internal sealed class RowParser(AttributeNames names)
{
    private readonly List<KeyValuePair<string, Value>> attributes = [];

    /// <summary>At the array of rows.</summary>
    public void ReadRows(ref JsonCursor cursor, string field, List<DocumentRow> rows)
    {
        JsonShape.ExpectArray(ref cursor, field);
        for (int i = 0; cursor.ReadElement(); i++)
        {
            JsonShape.ExpectObject(ref cursor, field);
            var id = ReadObject(ref cursor);
            if (id.IsNull)
            {
                throw PuffException.Invalid($"{field}: row {i} has no id");
            }

            rows.Add(new DocumentRow(id, attributes.ToArray()));
        }
    }

    /// <summary>At an object of attributes that may not contain an id.</summary>
    public IReadOnlyList<KeyValuePair<string, Value>> ReadPatch(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectObject(ref cursor, field);
        return ReadObject(ref cursor).IsNull ? attributes.ToArray() : throw PuffException.Invalid($"{field}: the id of a document cannot be patched");
    }

    /// <summary>Fills <see cref="attributes"/> and returns the id, or Null when there was none. Of repeated keys the last counts.</summary>
    private Value ReadObject(ref JsonCursor cursor)
    {
        var id = Value.Null;
        AttributeName? name = null;
        attributes.Clear();
        int row = names.NextRow();
        while (cursor.ReadName())
        {
            name = names.Resolve(ref cursor, name);
            cursor.Read();
            if (name.IsId)
            {
                id = ValueParser.ReadId(ref cursor, name.Text);
                continue;
            }

            var attribute = KeyValuePair.Create(name.Text, ValueParser.Read(ref cursor, name.Text, name.Hint));
            if (name.Row == row)
            {
                attributes[name.Position] = attribute;
                continue;
            }

            name.Row = row;
            name.Position = attributes.Count;
            attributes.Add(attribute);
        }

        return id;
    }
}
