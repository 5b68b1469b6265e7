using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The texts of a string or []string attribute as a row holds them, one after the other, in place.</summary>
internal ref struct TextElements
{
    private readonly bool isArray;
    private ByteReader reader;
    private int left;

    public TextElements(AttributeType type, ReadOnlySpan<byte> payload)
    {
        reader = new ByteReader(payload);
        isArray = type.IsArray;
        left = isArray ? reader.ElementCount(TypeKind.String) : 1;
    }

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly TextElements GetEnumerator() => this;

    public bool MoveNext()
    {
        if (left == 0)
        {
            return false;
        }

        left--;
        Current = isArray ? reader.Block() : reader.Bytes(reader.Remaining);
        return true;
    }

    /// <summary>The payload of an attribute in a row; false when the row has no value for it.</summary>
    public static bool TryFind(ReadOnlySpan<byte> row, AttributeDefinition attribute, out ReadOnlySpan<byte> payload)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (entry.Number == attribute.Id && !entry.IsNull)
            {
                payload = entry.Payload;
                return true;
            }

            if (entry.Number >= attribute.Id)
            {
                break;
            }
        }

        payload = default;
        return false;
    }
}
