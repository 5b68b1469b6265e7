namespace Puff.Engine.Schema;

/// <summary>
/// The size a value counts with in billing fields (turbopuffer-api 4.9): 8 for an integer id, number or datetime, 16 for a UUID, the length of a string,
/// 1 for a bool, a vector at its column's width, arrays as the sum of their elements.
/// </summary>
internal static class LogicalBytes
{
    public static long Of(in DocumentId id) => id.Kind switch
    {
        IdKind.UInt => 8,
        IdKind.Uuid => 16,
        _ => id.AsUtf8.Length,
    };

    public static long Of(in Value value) => value.Kind switch
    {
        ValueKind.Null or ValueKind.EmptyArray => 0,
        ValueKind.Bool => 1,
        ValueKind.Int or ValueKind.UInt or ValueKind.Float or ValueKind.DateTime => 8,
        ValueKind.String or ValueKind.Uuid or ValueKind.Bytes => value.AsBytes.Length,
        ValueKind.BoolArray => value.AsBools.Length,
        ValueKind.IntArray or ValueKind.DateTimeArray => 8L * value.AsInts.Length,
        ValueKind.UIntArray => 8L * value.AsUInts.Length,
        ValueKind.FloatArray => 8L * value.AsFloats.Length,
        ValueKind.StringArray or ValueKind.UuidArray => Sum(value.AsBytesArray),
        ValueKind.VectorF32 => 4L * value.AsVectorF32.Length,
        ValueKind.VectorF16 => 2L * value.AsVectorF16.Length,
        ValueKind.VectorI8 => value.AsVectorI8.Length,
        ValueKind.MultiVector => 4L * value.AsMultiVector.Data.Length,
        ValueKind.Sparse => Sum(value.AsSparse.Keys) + 2L * value.AsSparse.Weights.Length,
        _ => throw new InvalidOperationException($"no size is defined for a {value.Kind}"),
    };

    private static long Sum(byte[][] elements)
    {
        long sum = 0;
        foreach (byte[] element in elements)
        {
            sum += element.Length;
        }

        return sum;
    }
}
