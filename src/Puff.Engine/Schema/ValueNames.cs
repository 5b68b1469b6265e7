namespace Puff.Engine.Schema;

/// <summary>What error messages call a value, in the words of the type strings.</summary>
internal static class ValueNames
{
    public static string Of(in Value value) => value.Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Bool => "bool",
        ValueKind.Int => "int",
        ValueKind.UInt => "uint",
        ValueKind.Float => "float",
        ValueKind.DateTime => "datetime",
        ValueKind.String => "string",
        ValueKind.Uuid => "uuid",
        ValueKind.Bytes => "bytes",
        ValueKind.EmptyArray => "[]",
        ValueKind.BoolArray => "[]bool",
        ValueKind.IntArray => "[]int",
        ValueKind.UIntArray => "[]uint",
        ValueKind.FloatArray => "[]float",
        ValueKind.DateTimeArray => "[]datetime",
        ValueKind.StringArray => "[]string",
        ValueKind.UuidArray => "[]uuid",
        ValueKind.VectorF32 => $"[{value.AsVectorF32.Length}]f32",
        ValueKind.VectorF16 => $"[{value.AsVectorF16.Length}]f16",
        ValueKind.VectorI8 => $"[{value.AsVectorI8.Length}]i8",
        ValueKind.MultiVector => $"[][{value.AsMultiVector.Dimensions}]f32",
        ValueKind.Sparse => "object",
        _ => value.Kind.ToString(),
    };
}
