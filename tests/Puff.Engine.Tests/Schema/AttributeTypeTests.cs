using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class AttributeTypeTests
{
    [Theory]
    [InlineData("string", TypeKind.String, 0)]
    [InlineData("int", TypeKind.Int, 0)]
    [InlineData("uint", TypeKind.UInt, 0)]
    [InlineData("float", TypeKind.Float, 0)]
    [InlineData("bool", TypeKind.Bool, 0)]
    [InlineData("uuid", TypeKind.Uuid, 0)]
    [InlineData("datetime", TypeKind.DateTime, 0)]
    [InlineData("bytes", TypeKind.Bytes, 0)]
    [InlineData("[]string", TypeKind.StringArray, 0)]
    [InlineData("[]int", TypeKind.IntArray, 0)]
    [InlineData("[]uint", TypeKind.UIntArray, 0)]
    [InlineData("[]float", TypeKind.FloatArray, 0)]
    [InlineData("[]bool", TypeKind.BoolArray, 0)]
    [InlineData("[]uuid", TypeKind.UuidArray, 0)]
    [InlineData("[]datetime", TypeKind.DateTimeArray, 0)]
    [InlineData("[]unknown", TypeKind.UnknownArray, 0)]
    [InlineData("[1]f32", TypeKind.VectorF32, 1)]
    [InlineData("[10752]f16", TypeKind.VectorF16, 10_752)]
    [InlineData("[2]i8", TypeKind.VectorI8, 2)]
    [InlineData("[][128]f32", TypeKind.MultiVectorF32, 128)]
    [InlineData("[][3072]f16", TypeKind.MultiVectorF16, 3_072)]
    [InlineData("{}f16", TypeKind.SparseF16, 0)]
    public void Every_type_string_reads_and_writes_itself(string text, TypeKind kind, int dimensions)
    {
        Assert.True(AttributeType.TryParse(text, out var type));
        Assert.Equal(new AttributeType(kind, dimensions), type);
        Assert.Equal(text, type.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("String")]
    [InlineData("[]")]
    [InlineData("[]bytes")]
    [InlineData("[0]f32")]
    [InlineData("[10753]f32")]
    [InlineData("[99999999999999]f32")]
    [InlineData("[-1]f32")]
    [InlineData("[ 1]f32")]
    [InlineData("[1]f64")]
    [InlineData("[1]")]
    [InlineData("[1")]
    [InlineData("[][3073]f32")]
    [InlineData("[][2]i8")]
    [InlineData("[][]string")]
    [InlineData("{}f32")]
    public void What_is_no_type_is_refused(string text) => Assert.False(AttributeType.TryParse(text, out _));
}
