using System.Text;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>One-dimensional arrays of scalars.</summary>
/// <param name="column">For messages.</param>
/// <param name="delimiter">Of the element type: `;` for boxes, `,` for all others.</param>
/// <param name="element">Makes the kind that the array has.</param>
/// <param name="kind">Of the attribute's type.</param>
internal sealed class ArrayConverter(
    string column, byte delimiter, ValueConverter element, TypeKind kind, ArrayNullPolicy nulls, ConversionCounters counters) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        var reader = new ArrayReader(text, column, delimiter);
        if (reader.HasBounds || reader.Read() != ArrayToken.Begin)
        {
            throw WrongShape();
        }

        var values = new List<Value>();
        int dropped = 0;
        while (reader.Read() is var token && token != ArrayToken.End)
        {
            var value = token switch
            {
                ArrayToken.Element => element.Convert(reader.Element),
                ArrayToken.Null => Value.Null,
                _ => throw WrongShape(),
            };
            if (value.IsNull)
            {
                dropped++;
            }
            else
            {
                values.Add(value);
            }
        }

        if (dropped > 0 && nulls == ArrayNullPolicy.Fail)
        {
            throw new RowException("array_null", $"an array of column \"{column}\" contains null", "use [attributes] array_nulls = \"drop\"");
        }

        if (dropped > 0)
        {
            counters.CountArrayNulls(dropped);
        }

        return Gather(values, kind);
    }

    /// <summary>An array value of scalars of one kind.</summary>
    public static Value Gather(List<Value> values, TypeKind kind) => kind switch
    {
        TypeKind.IntArray => Value.Array(Each(values, v => v.AsInt)),
        TypeKind.UIntArray => Value.Array(Each(values, v => v.AsUInt)),
        TypeKind.FloatArray => Value.Array(Each(values, v => v.AsFloat)),
        TypeKind.BoolArray => Value.Array(Each(values, v => v.AsBool)),
        TypeKind.UuidArray => Value.UuidArray(Each(values, v => v.AsBytes)),
        TypeKind.DateTimeArray => Value.DateTimeArray(Each(values, v => v.AsDateTime)),
        _ => Value.StringArray(Each(values, v => v.AsBytes)),
    };

    private static T[] Each<T>(List<Value> values, Func<Value, T> read)
    {
        var array = new T[values.Count];
        for (int i = 0; i < array.Length; i++)
        {
            array[i] = read(values[i]);
        }

        return array;
    }

    private RowException WrongShape() => new(
        "array_shape", $"an array of column \"{column}\" has several dimensions or does not begin with 1",
        $"use [attributes] types = {{ {column} = \"string\" }}");
}

/// <summary>int2vector and oidvector: "1 2 3".</summary>
internal sealed class IntVectorConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        var values = new List<long>();
        foreach (var range in text.Split((byte)' '))
        {
            var part = text[range];
            if (part.Length > 0)
            {
                values.Add(System.Buffers.Text.Utf8Parser.TryParse(part, out long value, out int used) && used == part.Length
                    ? value
                    : throw Unreadable(column, "list of integers"));
            }
        }

        return Value.Array(values.ToArray());
    }
}

/// <summary>Dense vectors: `[1,2,3]` of the vector types and of JSON, `{1,2,3}` of arrays.</summary>
internal sealed class VectorConverter(string column, string attribute, int dimensions) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2 || (text[0], text[^1]) is not (((byte)'[', (byte)']') or ((byte)'{', (byte)'}')))
        {
            throw Unreadable(column, "vector");
        }

        float[] vector = new float[dimensions];
        int count = 0;
        var inner = text[1..^1].Trim((byte)' ');
        foreach (var range in inner.Split((byte)','))
        {
            var part = inner[range].Trim((byte)' ');
            if (part.Length == 0 && inner.Length == 0)
            {
                break;
            }

            if (!float.TryParse(part, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out float value)
                || !float.IsFinite(value))
            {
                throw Unreadable(column, "vector of finite numbers");
            }

            if (count < dimensions)
            {
                vector[count] = value;
            }

            count++;
        }

        return count == dimensions
            ? Value.Vector(vector)
            : throw new RowException("vector_dimension", $"attribute \"{attribute}\" has {dimensions} dimensions, got {count}");
    }
}

/// <summary>Sparse vectors: `{1:0.5,7:2}/100`, the index from 1 as the key.</summary>
internal sealed class SparseConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'}');
        if (end < 1 || text[0] != '{')
        {
            throw Unreadable(column, "sparse vector");
        }

        var entries = new SortedDictionary<string, float>(StringComparer.Ordinal);
        var inner = text[1..end];
        foreach (var range in inner.Split((byte)','))
        {
            var part = inner[range].Trim((byte)' ');
            if (part.Length == 0)
            {
                continue;
            }

            int colon = part.IndexOf((byte)':');
            if (colon < 1 || !float.TryParse(
                part[(colon + 1)..], System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out float weight))
            {
                throw Unreadable(column, "sparse vector");
            }

            entries[Encoding.ASCII.GetString(part[..colon])] = weight;
        }

        return entries.Count > SparseVector.MaxEntries
            ? throw new RowException(
                "sparse_entries", $"a sparse vector of column \"{column}\" has {entries.Count} entries, the limit is {SparseVector.MaxEntries}")
            : Value.Sparse(new SparseVector([.. entries.Keys.Select(Encoding.UTF8.GetBytes)], [.. entries.Values]));
    }
}
