using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class ValueCoercionTests
{
    [Fact]
    public void Numbers_go_to_the_kind_of_the_column()
    {
        Assert.Equal(5, Coerce("int", Value.Int(5)).AsInt);
        Assert.Equal(5, Coerce("int", Value.UInt(5)).AsInt);
        Assert.Equal(5UL, Coerce("uint", Value.Int(5)).AsUInt);
        Assert.Equal(ulong.MaxValue, Coerce("uint", Value.UInt(ulong.MaxValue)).AsUInt);
        Assert.Equal(5.0, Coerce("float", Value.Int(5)).AsFloat);
        Assert.Equal(1e300, Coerce("float", Value.Float(1e300)).AsFloat);
        Assert.Equal([1.0, 2], Coerce("[]float", Value.Array([1L, 2])).AsFloats);
        Assert.Equal([0.1, 2], Coerce("[]float", Value.Vector([0.1f, 2])).AsFloats);
        Assert.Equal([1UL, 2], Coerce("[]uint", Value.Array([1L, 2])).AsUInts);
        Assert.Equal([1L, 2], Coerce("[]int", Value.Vector([1f, 2])).AsInts);
    }

    [Fact]
    public void Texts_go_to_the_kind_of_the_column()
    {
        Assert.Equal(0, Coerce("datetime", Value.String("1970-01-01")).AsDateTime);
        Assert.Equal([0L, 1000], Coerce("[]datetime", Strings("1970-01-01", "1970-01-01T00:00:01Z")).AsInts);
        Assert.Equal(ValueKind.DateTimeArray, Coerce("[]datetime", Strings("1970-01-01")).Kind);
        Assert.Equal(16, Coerce("uuid", Value.String("01234567-89ab-cdef-0123-456789abcdef")).AsBytes.Length);
        Assert.Equal(ValueKind.UuidArray, Coerce("[]uuid", Strings("01234567-89ab-cdef-0123-456789abcdef")).Kind);
        Assert.Equal([1, 2, 3], Coerce("bytes", Value.String("AQID")).AsBytes);
        Assert.Equal(ValueKind.EmptyArray, Coerce("[]uuid", Value.EmptyArray).Kind);
        Assert.True(Coerce("uuid", Value.Null).IsNull);
    }

    public static TheoryData<string, string, Func<Value>> Misfits => new()
    {
        { "string for int", "int", () => Value.String("1") },
        { "decimal for int", "int", () => Value.Float(1) },
        { "large for int", "int", () => Value.UInt(1UL << 63) },
        { "negative for uint", "uint", () => Value.Int(-1) },
        { "nan for float", "float", () => Value.Float(double.NaN) },
        { "infinity in floats", "[]float", () => Value.Array([1.0, double.PositiveInfinity]) },
        { "int for string", "string", () => Value.Int(1) },
        { "int for bool", "bool", () => Value.Int(1) },
        { "scalar for array", "[]int", () => Value.Int(1) },
        { "array for scalar", "int", () => Value.Array([1L]) },
        { "empty for scalar", "int", () => Value.EmptyArray },
        { "strings for ints", "[]int", () => Strings("1") },
        { "decimals for ints", "[]int", () => Value.Array([1.5]) },
        { "rounded for ints", "[]int", () => Value.Vector([33554432f]) },
        { "null element", "[]string", () => Value.StringArray([null!]) },
        { "bad uuid", "uuid", () => Value.String("x") },
        { "bad uuid element", "[]uuid", () => Strings("x") },
        { "bad datetime", "datetime", () => Value.String("yesterday") },
        { "integer for datetime", "datetime", () => Value.Int(0) },
        { "bad base64", "bytes", () => Value.String("A") },
        { "object for string", "string", () => Value.Sparse(new SparseVector([], [])) },
        { "dimensions", "[2]f32", () => Value.Vector([1f]) },
        { "base64 length", "[3]f32", () => Value.String("zczMPQ=") },
        { "string for vector", "[3]f32", () => Value.Bool(true) },
        { "infinite", "[1]f32", () => Value.Array([1e39]) },
        { "f16 range", "[1]f16", () => Value.Array([65520.0]) },
        { "i8 decimals", "[2]i8", () => Value.Array([1.5, 1]) },
        { "i8 range", "[1]i8", () => Value.Array([128L]) },
        { "multi dimensions", "[][2]f32", () => Value.MultiVector(new MultiVector(3, new float[3])) },
        { "multi empty", "[][2]f32", () => Value.MultiVector(new MultiVector(2, [])) },
        { "array for sparse", "{}f16", () => Value.Array([1L]) },
        { "sparse range", "{}f16", () => Value.Sparse(new SparseVector(["a"u8.ToArray()], [70000])) },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void Misfits_are_invalid_and_name_the_attribute(string what, string type, Func<Value> value)
    {
        Assert.NotEmpty(what);
        Assert.Contains("\"a\"", Make.Error(ErrorKind.Invalid, () => Coerce(type, value())));
    }

    [Fact]
    public void Sizes_have_limits()
    {
        Coerce("string", Value.String(new string('x', 4_096)));
        Make.Error(ErrorKind.Invalid, () => Coerce("string", Value.String(new string('x', 4_097))));
        Make.Error(ErrorKind.Invalid, () => Coerce("[]string", Strings("x", new string('x', 4_097))));
        var unfiltered = Make.Attribute("string", filterable: false);
        ValueCoercion.Coerce(unfiltered, Value.Utf8(new byte[8 << 20]));
        Make.Error(ErrorKind.Invalid, () => ValueCoercion.Coerce(unfiltered, Value.Utf8(new byte[(8 << 20) + 1])));
        Make.Error(ErrorKind.Invalid, () => Coerce("[]int", Value.Array(new long[(1 << 20) + 1])));
    }

    [Fact]
    public void Vectors_take_the_width_of_the_column()
    {
        Assert.Equal([0.1f, 0.2f, 0.3f], Coerce("[3]f32", Value.String("zczMPc3MTD6amZk+")).AsVectorF32);
        Assert.Equal([(Half)0.1f, (Half)0.2f, (Half)0.3f], Coerce("[3]f16", Value.String("zczMPc3MTD6amZk+")).AsVectorF16);
        Assert.Equal([(sbyte)-128, (sbyte)127], Coerce("[2]i8", Value.Array([-128L, 127])).AsVectorI8);
        Assert.Equal([0.7f], Coerce("[1]f32", Value.Array([0.7])).AsVectorF32);
        Assert.Equal([Half.MaxValue], Coerce("[1]f16", Value.Array([65519.0])).AsVectorF16);
        Assert.Equal([float.MaxValue, float.MaxValue], Coerce("[2]f32", Value.Vector([float.MaxValue, float.MaxValue])).AsVectorF32);
        Assert.Equal((float)(Half)0.1f, Coerce("[][1]f16", Value.MultiVector(new MultiVector(1, [0.1f]))).AsMultiVector.Data[0]);
        Assert.Equal(2, Coerce("[][3]f32", Strings("zczMPc3MTD6amZk+", "zczMPc3MTD6amZk+")).AsMultiVector.Count);
        string message = Make.Error(ErrorKind.Invalid, () => Coerce("[1536]f32", Value.Vector(new float[768])));
        Assert.Contains("768", message);
        Assert.Contains("1536", message);
    }

    [Fact]
    public void Sparse_vectors_are_sorted_and_cleaned()
    {
        byte[][] keys = ["b"u8.ToArray(), "a"u8.ToArray(), "b"u8.ToArray(), "z"u8.ToArray(), "aa"u8.ToArray()];
        var sparse = Coerce("{}f16", Value.Sparse(new SparseVector(keys, [1, 0.1f, 3, 0, -2]))).AsSparse;
        Assert.Equal(["a", "aa", "b"], sparse.Keys.Select(k => System.Text.Encoding.UTF8.GetString(k)));
        Assert.Equal([(float)(Half)0.1f, -2, 3], sparse.Weights);
        var many = Enumerable.Range(0, 1_025).Select(i => BitConverter.GetBytes(i)).ToArray();
        var weights = Enumerable.Repeat(1f, 1_025).ToArray();
        Make.Error(ErrorKind.Invalid, () => Coerce("{}f16", Value.Sparse(new SparseVector(many, weights))));
        weights[17] = 0;
        Assert.Equal(1_024, Coerce("{}f16", Value.Sparse(new SparseVector(many, weights))).AsSparse.Keys.Length);
        Assert.Empty(Coerce("{}f16", Value.Sparse(new SparseVector([], []))).AsSparse.Keys);
    }

    [Fact]
    public void Logical_bytes_follow_the_billing_rules()
    {
        Assert.Equal(8, LogicalBytes.Of(DocumentId.FromUInt(1)));
        Assert.Equal(16, LogicalBytes.Of(DocumentId.FromUuid(new byte[16])));
        Assert.Equal(3, LogicalBytes.Of(DocumentId.FromString("abc")));
        Assert.Equal(0, LogicalBytes.Of(Value.Null));
        Assert.Equal(1, LogicalBytes.Of(Value.Bool(true)));
        Assert.Equal(8, LogicalBytes.Of(Value.Float(1)));
        Assert.Equal(5, LogicalBytes.Of(Value.String("hallo")));
        Assert.Equal(24, LogicalBytes.Of(Value.Array([1L, 2, 3])));
        Assert.Equal(3, LogicalBytes.Of(Strings("a", "bc")));
        Assert.Equal(8, LogicalBytes.Of(Value.Vector([1f, 2])));
        Assert.Equal(4, LogicalBytes.Of(Value.Vector([Half.One, Half.One])));
        Assert.Equal(2, LogicalBytes.Of(Value.Vector([(sbyte)1, (sbyte)2])));
    }

    private static Value Coerce(string type, Value value) => ValueCoercion.Coerce(Make.Attribute(type), value);

    private static Value Strings(params string[] values) => Value.StringArray([.. values.Select(v => System.Text.Encoding.UTF8.GetBytes(v))]);
}
