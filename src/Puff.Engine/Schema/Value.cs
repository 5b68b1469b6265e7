
namespace Puff.Engine.Schema;

public enum ValueKind : byte
{
    Null,
    Bool,
    Int,
    UInt,
    Float,
    DateTime,
    String,
    Uuid,
    Bytes,

    /// <summary>An array without elements: fits every array type.</summary>
    EmptyArray,
    BoolArray,
    IntArray,
    UIntArray,
    FloatArray,
    DateTimeArray,
    StringArray,
    UuidArray,
    VectorF32,
    VectorF16,
    VectorI8,
    MultiVector,
    Sparse,
}

/// <summary>
/// One attribute value or filter operand. Strings are UTF-8, UUIDs 16 bytes in written order, datetimes milliseconds since the Unix epoch.
/// A freshly parsed value has the kind its JSON shows (a string that will be a UUID is a String, an integer in the i64 range an Int);
/// the schema coerces it to the column's kind. Arrays are shared, never changed after construction.
/// </summary>
public readonly struct Value
{
    private readonly long bits;
    private readonly object? reference;

    private Value(ValueKind kind, long bits, object? reference)
    {
        Kind = kind;
        this.bits = bits;
        this.reference = reference;
    }

    public ValueKind Kind { get; }

    public bool IsNull => Kind == ValueKind.Null;

    public bool IsArray => Kind is >= ValueKind.EmptyArray and <= ValueKind.UuidArray;

    public static Value Null => default;

    public static Value Bool(bool value) => new(ValueKind.Bool, value ? 1 : 0, null);

    public static Value Int(long value) => new(ValueKind.Int, value, null);

    public static Value UInt(ulong value) => new(ValueKind.UInt, unchecked((long)value), null);

    public static Value Float(double value) => new(ValueKind.Float, BitConverter.DoubleToInt64Bits(value), null);

    /// <param name="milliseconds">Since the Unix epoch.</param>
    public static Value DateTime(long milliseconds) => new(ValueKind.DateTime, milliseconds, null);

    public static Value String(string value) => new(ValueKind.String, 0, System.Text.Encoding.UTF8.GetBytes(value));

    public static Value Utf8(byte[] value) => new(ValueKind.String, 0, value);

    public static Value Uuid(byte[] value) => new(ValueKind.Uuid, 0, value);

    public static Value Bytes(byte[] value) => new(ValueKind.Bytes, 0, value);

    public static Value EmptyArray => new(ValueKind.EmptyArray, 0, null);

    public static Value Array(bool[] values) => values.Length == 0 ? EmptyArray : new(ValueKind.BoolArray, 0, values);

    public static Value Array(long[] values) => values.Length == 0 ? EmptyArray : new(ValueKind.IntArray, 0, values);

    public static Value Array(ulong[] values) => values.Length == 0 ? EmptyArray : new(ValueKind.UIntArray, 0, values);

    public static Value Array(double[] values) => values.Length == 0 ? EmptyArray : new(ValueKind.FloatArray, 0, values);

    public static Value DateTimeArray(long[] values) => values.Length == 0 ? EmptyArray : new(ValueKind.DateTimeArray, 0, values);

    public static Value StringArray(byte[][] values) => values.Length == 0 ? EmptyArray : new(ValueKind.StringArray, 0, values);

    public static Value UuidArray(byte[][] values) => values.Length == 0 ? EmptyArray : new(ValueKind.UuidArray, 0, values);

    public static Value Vector(float[] values) => new(ValueKind.VectorF32, 0, values);

    public static Value Vector(Half[] values) => new(ValueKind.VectorF16, 0, values);

    public static Value Vector(sbyte[] values) => new(ValueKind.VectorI8, 0, values);

    public static Value MultiVector(MultiVector value) => new(ValueKind.MultiVector, 0, value);

    public static Value Sparse(SparseVector value) => new(ValueKind.Sparse, 0, value);

    /// <summary>The 64 bits under which columns hold a Bool (0 or 1), Int, UInt, Float (IEEE bits) or DateTime.</summary>
    internal long ScalarBits => Kind is >= ValueKind.Bool and <= ValueKind.DateTime ? bits : throw Wrong(ValueKind.Int);

    /// <summary>Elements of an array value.</summary>
    internal int ElementCount => Kind switch
    {
        ValueKind.EmptyArray => 0,
        >= ValueKind.BoolArray and <= ValueKind.UuidArray => ((System.Array)reference!).Length,
        _ => throw Wrong(ValueKind.EmptyArray),
    };

    /// <summary>One element of an array value, as a scalar.</summary>
    internal Value ElementAt(int index) => Kind switch
    {
        ValueKind.BoolArray => Bool(AsBools[index]),
        ValueKind.IntArray => Int(AsInts[index]),
        ValueKind.UIntArray => UInt(AsUInts[index]),
        ValueKind.FloatArray => Float(AsFloats[index]),
        ValueKind.DateTimeArray => DateTime(AsInts[index]),
        ValueKind.StringArray => Utf8(AsBytesArray[index]),
        ValueKind.UuidArray => Uuid(AsBytesArray[index]),
        _ => throw Wrong(ValueKind.EmptyArray),
    };

    public bool AsBool => Kind == ValueKind.Bool ? bits != 0 : throw Wrong(ValueKind.Bool);

    public long AsInt => Kind == ValueKind.Int ? bits : throw Wrong(ValueKind.Int);

    public ulong AsUInt => Kind == ValueKind.UInt ? unchecked((ulong)bits) : throw Wrong(ValueKind.UInt);

    public double AsFloat => Kind == ValueKind.Float ? BitConverter.Int64BitsToDouble(bits) : throw Wrong(ValueKind.Float);

    public long AsDateTime => Kind == ValueKind.DateTime ? bits : throw Wrong(ValueKind.DateTime);

    /// <summary>UTF-8 of a string, the 16 bytes of a UUID, or the bytes of a Bytes value.</summary>
    public byte[] AsBytes => Kind is ValueKind.String or ValueKind.Uuid or ValueKind.Bytes ? (byte[])reference! : throw Wrong(ValueKind.Bytes);

    public string AsString => Kind == ValueKind.String ? System.Text.Encoding.UTF8.GetString((byte[])reference!) : throw Wrong(ValueKind.String);

    public bool[] AsBools => Kind == ValueKind.BoolArray ? (bool[])reference! : Empty<bool>(ValueKind.BoolArray);

    /// <summary>Elements of an IntArray or DateTimeArray.</summary>
    public long[] AsInts => Kind is ValueKind.IntArray or ValueKind.DateTimeArray ? (long[])reference! : Empty<long>(ValueKind.IntArray);

    public ulong[] AsUInts => Kind == ValueKind.UIntArray ? (ulong[])reference! : Empty<ulong>(ValueKind.UIntArray);

    public double[] AsFloats => Kind == ValueKind.FloatArray ? (double[])reference! : Empty<double>(ValueKind.FloatArray);

    /// <summary>Elements of a StringArray (UTF-8) or UuidArray (16 bytes each).</summary>
    public byte[][] AsBytesArray => Kind is ValueKind.StringArray or ValueKind.UuidArray ? (byte[][])reference! : Empty<byte[]>(ValueKind.StringArray);

    public float[] AsVectorF32 => Kind == ValueKind.VectorF32 ? (float[])reference! : throw Wrong(ValueKind.VectorF32);

    public Half[] AsVectorF16 => Kind == ValueKind.VectorF16 ? (Half[])reference! : throw Wrong(ValueKind.VectorF16);

    public sbyte[] AsVectorI8 => Kind == ValueKind.VectorI8 ? (sbyte[])reference! : throw Wrong(ValueKind.VectorI8);

    public MultiVector AsMultiVector => Kind == ValueKind.MultiVector ? (MultiVector)reference! : throw Wrong(ValueKind.MultiVector);

    public SparseVector AsSparse => Kind == ValueKind.Sparse ? (SparseVector)reference! : throw Wrong(ValueKind.Sparse);

    private T[] Empty<T>(ValueKind wanted) => Kind == ValueKind.EmptyArray ? [] : throw Wrong(wanted);

    private InvalidOperationException Wrong(ValueKind wanted) => new($"the value is a {Kind}, not a {wanted}");
}

/// <summary>Any number of vectors of one dimension, one after the other in <paramref name="Data"/>.</summary>
public sealed record MultiVector(int Dimensions, float[] Data)
{
    public int Count => Data.Length / Dimensions;
}

/// <summary>A sparse vector: <paramref name="Keys"/> (UTF-8) in ascending bytewise order, without repeats, and a weight for each.</summary>
public sealed record SparseVector(byte[][] Keys, float[] Weights)
{
    public const int MaxEntries = 1_024;
}
