using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Puff.Engine.Schema;

namespace Puff.Sync.Documents;

/// <summary>Attributes that values bring along as they come: of flattened columns. Thread-safe.</summary>
/// <param name="changed">Called with the name of each new one.</param>
internal sealed class FlattenedAttributes(Action<string> changed)
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, AttributeType> types = new(StringComparer.Ordinal);

    public IReadOnlyList<KeyValuePair<string, AttributeType>> All
    {
        get
        {
            lock (gate)
            {
                return [.. types];
            }
        }
    }

    /// <summary>False when the attribute has another type already, or is one too many.</summary>
    public bool Declare(string name, AttributeType type, int limit = int.MaxValue)
    {
        lock (gate)
        {
            if (types.TryGetValue(name, out var known))
            {
                return known == type;
            }

            if (types.Count >= limit)
            {
                return false;
            }

            types.Add(name, type);
        }

        changed(name);
        return true;
    }
}

/// <summary>Makes several attributes of one column's value.</summary>
/// <param name="attribute">Prefix of their names.</param>
internal abstract class Flattener(string attribute, string column, FlattenedAttributes declared)
{
    protected string Attribute { get; } = attribute;

    protected string Column { get; } = column;

    protected FlattenedAttributes Declared { get; } = declared;

    public abstract void Append(ReadOnlySpan<byte> text, List<KeyValuePair<string, Value>> into);

    protected void Add(List<KeyValuePair<string, Value>> into, string part, TypeKind kind, Value value)
    {
        string name = $"{Attribute}.{part}";
        if (!value.IsNull && Declared.Declare(name, new AttributeType(kind)))
        {
            into.Add(new(name, value));
        }
    }
}

/// <summary>Scalars and arrays of scalars at the top of a JSON object; numbers become floats, because the next may have a fraction.</summary>
internal sealed class JsonFlattener(string attribute, string column, FlattenedAttributes declared, ConversionCounters counters)
    : Flattener(attribute, column, declared)
{
    private const int MaxKeys = 64;

    public override void Append(ReadOnlySpan<byte> text, List<KeyValuePair<string, Value>> into)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 1000 });
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var property in document.RootElement.EnumerateObject())
        {
            var (kind, value) = Read(property.Value);
            string name = $"{Attribute}.{property.Name}";
            if (value.IsNull)
            {
                continue;
            }

            if (System.Text.Encoding.UTF8.GetByteCount(name) <= 128 && Declared.Declare(name, new AttributeType(kind), MaxKeys))
            {
                int place = into.FindIndex(a => a.Key == name);
                if (place >= 0)
                {
                    into.RemoveAt(place);
                }

                into.Add(new(name, value));
            }
            else
            {
                counters.CountFlattenedDropped();
            }
        }
    }

    private static (TypeKind Kind, Value Value) Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => (TypeKind.String, Value.String(element.GetString()!)),
        JsonValueKind.True or JsonValueKind.False => (TypeKind.Bool, Value.Bool(element.GetBoolean())),
        JsonValueKind.Number when element.TryGetDouble(out double number) && double.IsFinite(number) => (TypeKind.Float, Value.Float(number)),
        JsonValueKind.Array => ReadArray(element),
        _ => (TypeKind.String, Value.Null),
    };

    private static (TypeKind Kind, Value Value) ReadArray(JsonElement array)
    {
        var values = new List<Value>();
        TypeKind? kind = null;
        foreach (var element in array.EnumerateArray())
        {
            var (elementKind, value) = Read(element);
            if (value.IsNull || value.IsArray || (kind ?? elementKind) != elementKind)
            {
                return (TypeKind.String, Value.Null);
            }

            kind = elementKind;
            values.Add(value);
        }

        if (kind is not { } common)
        {
            return (TypeKind.String, Value.Null);
        }

        var arrayKind = (TypeKind)((byte)common + 16);
        return (arrayKind, ArrayConverter.Gather(values, arrayKind));
    }
}

/// <summary>`col.lower`, `col.upper`, `col.empty`; an infinite bound is missing.</summary>
internal sealed class RangeFlattener(string attribute, string column, FlattenedAttributes declared, AttributeType type, ValueConverter bound)
    : Flattener(attribute, column, declared)
{
    public override void Append(ReadOnlySpan<byte> text, List<KeyValuePair<string, Value>> into)
    {
        bool isEmpty = text.SequenceEqual("empty"u8);
        Add(into, "empty", TypeKind.Bool, Value.Bool(isEmpty));
        if (isEmpty || text.Length < 3)
        {
            return;
        }

        // Bounds are quoted as the fields of composite values are.
        byte[] fields = text.ToArray();
        fields[0] = (byte)'(';
        fields[^1] = (byte)')';
        var reader = new CompositeReader(fields, Column);
        foreach (string part in (string[])["lower", "upper"])
        {
            if (reader.Read() && !reader.IsNull)
            {
                Add(into, part, type.Kind, bound.Convert(reader.Field));
            }
        }
    }
}

/// <summary>`col.x` and `col.y` of "(1,2)".</summary>
internal sealed class PointFlattener(string attribute, string column, FlattenedAttributes declared) : Flattener(attribute, column, declared)
{
    public override void Append(ReadOnlySpan<byte> text, List<KeyValuePair<string, Value>> into)
    {
        var reader = new CompositeReader(text, Column);
        foreach (string part in (string[])["x", "y"])
        {
            if (reader.Read() && double.TryParse(reader.Field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
            {
                Add(into, part, TypeKind.Float, Value.Float(value));
            }
        }
    }
}

/// <summary>`col.lon` and `col.lat` of points in extended well-known binary, in hex; other shapes give nothing.</summary>
internal sealed class GeometryFlattener(string attribute, string column, FlattenedAttributes declared) : Flattener(attribute, column, declared)
{
    private const uint Point = 1;
    private const uint SridFlag = 0x2000_0000;
    private const uint DimensionFlags = 0xC000_0000;

    public override void Append(ReadOnlySpan<byte> text, List<KeyValuePair<string, Value>> into)
    {
        byte[] bytes = BytesConverter.Decode(Column, (byte[])[.. "\\x"u8, .. text]);
        if (bytes.Length < 5)
        {
            return;
        }

        bool isLittle = bytes[0] == 1;
        uint type = isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(1)) : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1));
        int at = (type & SridFlag) != 0 ? 9 : 5;
        if ((type & ~(SridFlag | DimensionFlags)) != Point || bytes.Length < at + 16)
        {
            return;
        }

        foreach (string part in (string[])["lon", "lat"])
        {
            var raw = bytes.AsSpan(at, 8);
            double value = isLittle ? BinaryPrimitives.ReadDoubleLittleEndian(raw) : BinaryPrimitives.ReadDoubleBigEndian(raw);
            at += 8;
            if (double.IsFinite(value))
            {
                Add(into, part, TypeKind.Float, Value.Float(value));
            }
        }
    }
}
