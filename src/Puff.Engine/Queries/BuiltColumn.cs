using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>A column made from the rows of a set, in pinned memory that lives as long as this object.</summary>
internal sealed class BuiltColumn
{
    private readonly List<Array> pinned = [];

    private BuiltColumn()
    {
    }

    /// <summary>Null when no document has a value.</summary>
    public Column? Column { get; private set; }

    /// <param name="documents">Only these get their values; all others are absent.</param>
    public static BuiltColumn Build(DocumentSet set, AttributeDefinition attribute, BitSet documents)
    {
        var values = new Value[set.Count];
        var present = new BitSet(set.Count);
        for (int document = documents.NextSet(0); document >= 0; document = documents.NextSet(document + 1))
        {
            var value = attribute.Id == 0 ? set.GetId(document).ToValue() : set.GetValue(document, attribute);
            values[document] = value;
            present[document] = !value.IsNull;
        }

        var result = new BuiltColumn();
        result.Column = present.NextSet(0) < 0 ? null : result.Make(attribute.Type.Kind, values, present);
        return result;
    }

    private Column Make(TypeKind kind, Value[] values, BitSet present) => kind switch
    {
        TypeKind.String or TypeKind.Uuid => MakeBytes(kind, Array.ConvertAll(values, v => v.IsNull ? [] : v.AsBytes), present),
        _ when new AttributeType(kind).IsArray => MakeArray(kind, values, present),
        _ => MakeScalars(kind, Array.ConvertAll(values, Bits), present),
    };

    private ScalarColumn MakeScalars(TypeKind kind, long[] bits, BitSet present) => new(kind, bits.Length, present, Pin(bits));

    private BytesColumn MakeBytes(TypeKind kind, byte[][] values, BitSet present)
    {
        var offsets = new uint[values.Length + 1];
        for (int i = 0; i < values.Length; i++)
        {
            offsets[i + 1] = checked(offsets[i] + (uint)values[i].Length);
        }

        var bytes = new byte[offsets[^1]];
        for (int i = 0; i < values.Length; i++)
        {
            values[i].CopyTo(bytes, offsets[i]);
        }

        return new BytesColumn(kind, values.Length, present, Pin(offsets), Pin(bytes));
    }

    private ArrayColumn MakeArray(TypeKind kind, Value[] values, BitSet present)
    {
        var starts = new uint[values.Length + 1];
        var bits = new List<long>();
        var bytes = new List<byte[]>();
        for (int i = 0; i < values.Length; i++)
        {
            AddElements(values[i], bits, bytes);
            starts[i + 1] = (uint)(bits.Count + bytes.Count);
        }

        var elementKind = new AttributeType(kind).ElementKind;
        var all = new BitSet((int)starts[^1], true);
        Column elements = elementKind is TypeKind.String or TypeKind.Uuid
            ? MakeBytes(elementKind, [.. bytes], all)
            : MakeScalars(elementKind, [.. bits], all);
        return new ArrayColumn(kind, values.Length, present, Pin(starts), elements);
    }

    private static void AddElements(Value value, List<long> bits, List<byte[]> bytes)
    {
        switch (value.Kind)
        {
            case ValueKind.Null or ValueKind.EmptyArray:
                break;
            case ValueKind.StringArray or ValueKind.UuidArray:
                bytes.AddRange(value.AsBytesArray);
                break;
            case ValueKind.IntArray or ValueKind.DateTimeArray:
                bits.AddRange(value.AsInts);
                break;
            case ValueKind.UIntArray:
                bits.AddRange(Array.ConvertAll(value.AsUInts, v => unchecked((long)v)));
                break;
            case ValueKind.FloatArray:
                bits.AddRange(Array.ConvertAll(value.AsFloats, BitConverter.DoubleToInt64Bits));
                break;
            case ValueKind.BoolArray:
                bits.AddRange(Array.ConvertAll(value.AsBools, v => v ? 1L : 0L));
                break;
            default:
                throw new InvalidOperationException($"a {value.Kind} is no array");
        }
    }

    /// <summary>The 64 bits a scalar column holds for a value.</summary>
    public static long Bits(Value value) => value.Kind switch
    {
        ValueKind.Null => 0,
        ValueKind.Bool => value.AsBool ? 1 : 0,
        ValueKind.Int => value.AsInt,
        ValueKind.UInt => unchecked((long)value.AsUInt),
        ValueKind.Float => BitConverter.DoubleToInt64Bits(value.AsFloat),
        ValueKind.DateTime => value.AsDateTime,
        _ => throw new InvalidOperationException($"a {value.Kind} is no 64-bit scalar"),
    };

    /// <summary>Copies to the pinned heap, where the collector never moves it.</summary>
    private unsafe MemoryRegion Pin<T>(T[] values)
        where T : unmanaged
    {
        var copy = GC.AllocateUninitializedArray<T>(Math.Max(values.Length, 1), pinned: true);
        values.CopyTo(copy, 0);
        pinned.Add(copy);
        return new MemoryRegion((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(copy)), (long)values.Length * sizeof(T));
    }
}
