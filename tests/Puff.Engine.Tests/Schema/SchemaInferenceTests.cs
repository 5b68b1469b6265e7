using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class SchemaInferenceTests
{
    [Fact]
    public void First_values_give_types()
    {
        var builder = Make.Builder();
        Assert.Equal("string", Infer(builder, "s", Value.String("x")));
        Assert.Equal("int", Infer(builder, "i", Value.Int(1)));
        Assert.Equal("bool", Infer(builder, "b", Value.Bool(true)));
        Assert.Equal("[]string", Infer(builder, "ss", Value.StringArray(["x"u8.ToArray()])));
        Assert.Equal("[]int", Infer(builder, "ii", Value.Array([1L])));
        Assert.Equal("[]bool", Infer(builder, "bb", Value.Array([true])));
        Assert.Equal("[]unknown", Infer(builder, "e", Value.EmptyArray));
        Assert.Equal("[][2]f32", Infer(builder, "m", Value.MultiVector(new MultiVector(2, [1, 2, 3, 4]))));
        Assert.Equal("[3]f32", Infer(builder, "vector", Value.String("zczMPc3MTD6amZk+")));
        var schema = builder.Build();
        Assert.True(schema.Find("s")!.Filterable && schema.Find("ii")!.Filterable && schema.Find("vector")!.Ann);
        Assert.False(schema.Find("vector")!.Filterable || schema.Find("m")!.Ann);
    }

    [Fact]
    public void Vector_is_inferred_from_every_form_of_numbers()
    {
        Assert.Equal("[2]f32", Infer(Make.Builder(), "vector", Value.Array([1L, 2])));
        Assert.Equal("[2]f32", Infer(Make.Builder(), "vector", Value.Array([0.5, 2])));
        Assert.Equal("[2]f32", Infer(Make.Builder(), "vector", Value.Vector([0.5f, 2])));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "vector", Value.EmptyArray));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "vector", Value.String("zczM")));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "vector", Value.String("not base64!")));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "vector", Value.Vector(new float[10_753])));
    }

    [Fact]
    public void Decimals_and_objects_need_a_declaration()
    {
        Assert.Contains("signed 64-bit integer", Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "f", Value.Float(1.5))));
        Assert.Contains("signed 64-bit integer", Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "f", Value.UInt(ulong.MaxValue))));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "f", Value.Array([1.5])));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "f", Value.Vector([1.5f])));
        Make.Error(ErrorKind.Invalid, () => Infer(Make.Builder(), "f", Value.Sparse(new SparseVector([], []))));
    }

    [Fact]
    public void Null_declares_nothing_until_a_value_comes()
    {
        var builder = Make.Builder();
        Assert.Null(builder.ResolveForWrite("maybe", Value.Null));
        Assert.False(builder.Changed);
        var first = builder.ResolveForWrite("maybe", Value.String("x"));
        Assert.Same(first, builder.ResolveForWrite("maybe", Value.Null));
        Make.Error(ErrorKind.Invalid, () => builder.ResolveForWrite("$maybe", Value.Null));
        Make.Error(ErrorKind.Invalid, () => builder.ResolveForWrite("id", Value.Int(1)));
        Make.Error(ErrorKind.Invalid, () => builder.ResolveForWrite(new string('é', 65), Value.Int(1)));
    }

    [Fact]
    public void An_unknown_array_gets_its_type_from_the_first_typed_one()
    {
        var builder = Make.Builder();
        var unknown = builder.ResolveForWrite("e", Value.EmptyArray)!;
        var later = new SchemaBuilder(builder.Build(), false);
        Assert.Equal("[]unknown", later.ResolveForWrite("e", Value.EmptyArray)!.Type.ToString());
        Assert.False(later.Changed);
        var typed = later.ResolveForWrite("e", Value.StringArray(["x"u8.ToArray()]))!;
        Assert.Equal("[]string", typed.Type.ToString());
        Assert.Equal(unknown.Id, typed.Id);
        Assert.Equal("[]string", later.Build().Find("e")!.Type.ToString());
        Assert.Equal(ValueKind.EmptyArray, later.Coerce(typed, Value.EmptyArray).Kind);
        var scalar = new SchemaBuilder(builder.Build(), false);
        var same = scalar.ResolveForWrite("e", Value.Int(1))!;
        Make.Error(ErrorKind.Invalid, () => scalar.Coerce(same, Value.Int(1)));
    }

    [Fact]
    public void Ids_settle_one_kind()
    {
        var builder = Make.Builder();
        Assert.Equal(DocumentId.FromUInt(7), builder.CoerceId(Value.Int(7)));
        Assert.Equal(DocumentId.FromUInt(ulong.MaxValue), builder.CoerceId(Value.UInt(ulong.MaxValue)));
        Make.Error(ErrorKind.Invalid, () => builder.CoerceId(Value.Int(-1)));
        Make.Error(ErrorKind.Invalid, () => builder.CoerceId(Value.String("x")));
        Make.Error(ErrorKind.Invalid, () => builder.CoerceId(Value.Float(1)));
        Assert.Equal(IdKind.UInt, builder.Build().IdKind);
        var strings = Make.Builder();
        Assert.Equal(DocumentId.FromString(""), strings.CoerceId(Value.String("")));
        Assert.Equal(64, strings.CoerceId(Value.String(new string('x', 64))).AsUtf8.Length);
        Make.Error(ErrorKind.Invalid, () => strings.CoerceId(Value.String(new string('x', 65))));
        Make.Error(ErrorKind.Invalid, () => strings.CoerceId(Value.Int(1)));
        Make.Error(ErrorKind.Invalid, () => strings.Declare(Make.Shorthand("id", "uuid")));
    }

    [Fact]
    public void Declared_uuid_ids_are_parsed()
    {
        var builder = Make.Builder(Make.Shorthand("id", "uuid"));
        Assert.Equal("01234567-89ab-cdef-0123-456789abcdef", builder.CoerceId(Value.String("01234567-89AB-cdef-0123-456789abcdef")).ToString());
        Make.Error(ErrorKind.Invalid, () => builder.CoerceId(Value.String("x")));
        Make.Error(ErrorKind.Invalid, () => builder.CoerceId(Value.Int(1)));
        Assert.Equal(TypeKind.Uuid, builder.Build().Find("id")!.Type.Kind);
    }

    [Fact]
    public void Every_document_needs_every_vector()
    {
        var builder = Make.Builder(Make.Vector("embedding", "[1]f32"));
        var vector = builder.ResolveForWrite("embedding", Value.Vector([1f]))!;
        var id = DocumentId.FromUInt(42);
        builder.RequireVectors(id, [new(vector, Value.Vector([1f]))]);
        string message = Make.Error(ErrorKind.Invalid, () => builder.RequireVectors(id, []));
        Assert.Equal("document \"42\" has no value for vector attribute \"embedding\"", message);
        Make.Error(ErrorKind.Invalid, () => builder.RequireVectors(id, [new(vector, Value.Null)]));
        Make.Error(ErrorKind.Invalid, () => SchemaBuilder.RequirePatchable(vector));
    }

    private static string Infer(SchemaBuilder builder, string name, Value value) => builder.ResolveForWrite(name, value)!.Type.ToString();
}
