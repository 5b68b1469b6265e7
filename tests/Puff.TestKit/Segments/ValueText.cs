using System.Globalization;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.TestKit.Segments;

/// <summary>Values as text that differs whenever the values do: floats by their bits, bytes in hex.</summary>
internal static class ValueText
{
    public static string Of(in Value value) => $"{value.Kind}:" + value.Kind switch
    {
        ValueKind.Null or ValueKind.EmptyArray => "",
        ValueKind.Bool => value.AsBool.ToString(),
        ValueKind.Int => value.AsInt.ToString(CultureInfo.InvariantCulture),
        ValueKind.UInt => value.AsUInt.ToString(CultureInfo.InvariantCulture),
        ValueKind.Float => Bits(value.AsFloat),
        ValueKind.DateTime => value.AsDateTime.ToString(CultureInfo.InvariantCulture),
        ValueKind.String or ValueKind.Uuid or ValueKind.Bytes => Convert.ToHexString(value.AsBytes),
        ValueKind.BoolArray => string.Join(',', value.AsBools),
        ValueKind.IntArray or ValueKind.DateTimeArray => string.Join(',', value.AsInts),
        ValueKind.UIntArray => string.Join(',', value.AsUInts),
        ValueKind.FloatArray => string.Join(',', value.AsFloats.Select(Bits)),
        ValueKind.StringArray or ValueKind.UuidArray => string.Join(',', value.AsBytesArray.Select(Convert.ToHexString)),
        ValueKind.VectorF32 => Bits(value.AsVectorF32),
        ValueKind.VectorF16 => string.Join(',', value.AsVectorF16.Select(BitConverter.HalfToUInt16Bits)),
        ValueKind.VectorI8 => string.Join(',', value.AsVectorI8),
        ValueKind.MultiVector => $"{value.AsMultiVector.Dimensions}:{Bits(value.AsMultiVector.Data)}",
        _ => string.Join(',', value.AsSparse.Keys.Select(Convert.ToHexString)) + ":" + Bits(value.AsSparse.Weights),
    };

    /// <summary>What a column says about one document.</summary>
    public static Value ValueAt(Column? column, int document)
    {
        if (column == null || !column.Present[document])
        {
            return Value.Null;
        }

        if (column is not ArrayColumn array)
        {
            return Element(column, document);
        }

        var (start, end) = array.GetRange(document);
        var elements = Enumerable.Range(start, end - start).Select(i => Element(array.Elements, i)).ToArray();
        return column.Kind switch
        {
            _ when elements.Length == 0 => Value.EmptyArray,
            TypeKind.StringArray => Value.StringArray(elements.Select(e => e.AsBytes).ToArray()),
            TypeKind.UuidArray => Value.UuidArray(elements.Select(e => e.AsBytes).ToArray()),
            TypeKind.IntArray => Value.Array(elements.Select(e => e.AsInt).ToArray()),
            TypeKind.DateTimeArray => Value.DateTimeArray(elements.Select(e => e.AsDateTime).ToArray()),
            TypeKind.UIntArray => Value.Array(elements.Select(e => e.AsUInt).ToArray()),
            TypeKind.FloatArray => Value.Array(elements.Select(e => e.AsFloat).ToArray()),
            TypeKind.BoolArray => Value.Array(elements.Select(e => e.AsBool).ToArray()),
            _ => throw new InvalidOperationException($"no array of kind {column.Kind}"),
        };
    }

    public static string Of(BitSet bits) => string.Concat(Enumerable.Range(0, bits.Count).Select(i => bits[i] ? '1' : '0'));

    private static Value Element(Column column, int row) => column.Kind switch
    {
        TypeKind.String => Value.Utf8(((BytesColumn)column).Get(row).ToArray()),
        TypeKind.Uuid => Value.Uuid(((BytesColumn)column).Get(row).ToArray()),
        TypeKind.Int => Value.Int(((ScalarColumn)column).Values[row]),
        TypeKind.UInt => Value.UInt((ulong)((ScalarColumn)column).Values[row]),
        TypeKind.Float => Value.Float(BitConverter.Int64BitsToDouble(((ScalarColumn)column).Values[row])),
        TypeKind.Bool => Value.Bool(((ScalarColumn)column).Values[row] != 0),
        TypeKind.DateTime => Value.DateTime(((ScalarColumn)column).Values[row]),
        _ => throw new InvalidOperationException($"no column of kind {column.Kind}"),
    };

    private static string Bits(double value) => BitConverter.DoubleToInt64Bits(value).ToString("x", CultureInfo.InvariantCulture);

    private static string Bits(float[] values) =>
        string.Join(',', values.Select(v => BitConverter.SingleToInt32Bits(v).ToString("x", CultureInfo.InvariantCulture)));
}
