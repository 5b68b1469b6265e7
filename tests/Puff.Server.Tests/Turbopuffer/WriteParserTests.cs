using System.Text;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Server.Turbopuffer;
using Xunit;

namespace Puff.Server.Tests.Turbopuffer;

public class WriteParserTests
{
    private static readonly NamespaceSchema Known = new(IdKind.UInt, DistanceMetric.CosineDistance,
    [
        new AttributeDefinition(1, "embedding", new AttributeType(TypeKind.VectorF16, 3)),
        new AttributeDefinition(2, "tokens", new AttributeType(TypeKind.MultiVectorF32, 2)),
        new AttributeDefinition(3, "vector", new AttributeType(TypeKind.String)),
    ]);

    [Fact]
    public void Values_have_the_kind_their_json_shows()
    {
        var row = Row("""
            {"id": 7, "s": "a\u00e9\"", "i": -9223372036854775808, "u": 18446744073709551615, "f": 1.5, "e": 1e2, "t": true, "n": null,
             "strings": ["a", "b"], "ints": [1, -2], "unsigned": [1, 18446744073709551615], "floats": [1, 2.5], "bools": [true, false], "empty": [],
             "many": [[1, 2], [3, 4.5]], "sparse": {"b": 2, "a": 0.5}, "none": {}}
            """);
        Assert.Equal(7, row.Id.AsInt);
        Assert.Equal("aé\"", Get(row, "s").AsString);
        Assert.Equal(long.MinValue, Get(row, "i").AsInt);
        Assert.Equal(ulong.MaxValue, Get(row, "u").AsUInt);
        Assert.Equal(1.5, Get(row, "f").AsFloat);
        Assert.Equal(100, Get(row, "e").AsFloat);
        Assert.True(Get(row, "t").AsBool);
        Assert.True(Get(row, "n").IsNull);
        Assert.Equal(["a"u8.ToArray(), "b"u8.ToArray()], Get(row, "strings").AsBytesArray);
        Assert.Equal([1, -2], Get(row, "ints").AsInts);
        Assert.Equal([1UL, ulong.MaxValue], Get(row, "unsigned").AsUInts);
        Assert.Equal([1, 2.5], Get(row, "floats").AsFloats);
        Assert.Equal([true, false], Get(row, "bools").AsBools);
        Assert.Equal(ValueKind.EmptyArray, Get(row, "empty").Kind);
        Assert.Equal(2, Get(row, "many").AsMultiVector.Dimensions);
        Assert.Equal([1f, 2f, 3f, 4.5f], Get(row, "many").AsMultiVector.Data);
        Assert.Equal(["a"u8.ToArray(), "b"u8.ToArray()], Get(row, "sparse").AsSparse.Keys);
        Assert.Equal([0.5f, 2f], Get(row, "sparse").AsSparse.Weights);
        Assert.Empty(Get(row, "none").AsSparse.Keys);
        Assert.Equal(17, row.Attributes.Count + 1);
    }

    [Fact]
    public void Of_repeated_keys_the_last_counts()
    {
        var rows = Parse("""{"upsert_rows": [{"id": 1, "a": 1, "b": 2, "a": 3, "id": 9}, {"id": 2, "a": 4}]}""").Upserts!;
        Assert.Equal(9, rows[0].Id.AsInt);
        Assert.Equal([("a", 3L), ("b", 2L)], rows[0].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal([("a", 4L)], rows[1].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal(2, Assert.Single(Parse("""{"upsert_rows": [{"id": 1}], "upsert_rows": [{"id": 2}]}""").Upserts!).Id.AsInt);
        Assert.Equal([7f], Get(Row("""{"id": 1, "s": {"a": 1, "a": 7}}"""), "s").AsSparse.Weights);
    }

    [Fact]
    public void Names_are_found_in_any_order_and_with_escapes()
    {
        var rows = Parse("""
            {"upsert_rows": [{"id": 1, "a": 1, "b": 2}, {"b": 3, "\u0061": 4, "id": 2}, {"a": 5, "c": 6, "id": 3}, {"id": 4, "a": 7, "b": 8}]}
            """).Upserts!;
        Assert.Equal([("b", 3L), ("a", 4L)], rows[1].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal([("a", 5L), ("c", 6L)], rows[2].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal([("a", 7L), ("b", 8L)], rows[3].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Same(rows[0].Attributes[0].Key, rows[3].Attributes[0].Key);
    }

    [Fact]
    public void Vectors_are_read_as_floats_where_the_namespace_has_them()
    {
        var row = Row("""{"id": 1, "embedding": [0.7, 1, -2e-3], "tokens": ["AACAPwAAAEA=", [3, 4]], "vector": "AACAPw=="}""", Known);
        Assert.Equal([0.7f, 1f, -0.002f], Get(row, "embedding").AsVectorF32);
        Assert.Equal([1f, 2f, 3f, 4f], Get(row, "tokens").AsMultiVector.Data);
        Assert.Equal("AACAPw==", Get(row, "vector").AsString);
        Assert.Equal([0.1f, 0.2f, 0.3f], Get(Row("""{"id": 1, "embedding": "zczMPc3MTD6amZk+"}""", Known), "embedding").AsVectorF32);
        Assert.Equal([1f], Get(Row("""{"id": 1, "embedding": "AACA\u0050w=="}""", Known), "embedding").AsVectorF32);
    }

    [Theory]
    [InlineData("""{"schema": {"v": {"type": "[2]f32", "ann": true}}, "upsert_rows": [{"id": 1, "v": [1, 2], "w": [1, 2]}]}""")]
    [InlineData("""{"upsert_rows": [{"id": 1, "v": [1, 2], "w": [1, 2]}], "schema": {"v": {"type": "[2]f32", "ann": true}}}""")]
    public void Vectors_are_read_as_floats_where_the_request_declares_them_before_or_after(string body)
    {
        var row = Assert.Single(Parse(body).Upserts!);
        Assert.Equal([1f, 2f], Get(row, "v").AsVectorF32);
        Assert.Equal([1, 2], Get(row, "w").AsInts);
    }

    [Fact]
    public void An_attribute_called_vector_is_one_although_nobody_declared_it()
    {
        Assert.Equal([1f, 0.5f], Get(Row("""{"id": 1, "vector": [1, 0.5]}"""), "vector").AsVectorF32);

        // A string may be base64, or a string attribute of a namespace this server has not opened yet: the schema decides.
        Assert.Equal("AACAPw==", Get(Row("""{"id": 1, "vector": "AACAPw=="}"""), "vector").AsString);
    }

    [Fact]
    public void Columns_become_rows()
    {
        var rows = Parse("""
            {"upsert_columns": {"a": [1, null, "x"], "id": [1, "two", 18446744073709551615], "vector": [[1, 2], "AACAPwAAAEA=", null]}}
            """).Upserts!;
        Assert.Equal(1, rows[0].Id.AsInt);
        Assert.Equal("two", rows[1].Id.AsString);
        Assert.Equal(ulong.MaxValue, rows[2].Id.AsUInt);
        Assert.Equal(1, Get(rows[0], "a").AsInt);
        Assert.True(Get(rows[1], "a").IsNull);
        Assert.Equal("x", Get(rows[2], "a").AsString);
        Assert.Equal([1f, 2f], Get(rows[0], "vector").AsVectorF32);
        Assert.True(Get(rows[2], "vector").IsNull);
    }

    [Theory]
    [InlineData("""{"upsert_columns": {"id": [1, 2], "vector": [1, 2, 3, 4]}}""")]
    [InlineData("""{"upsert_columns": {"vector": "AACAPwAAAEAAAEBAAACAQA==", "id": [1, 2]}}""")]
    public void Packed_vector_columns_are_shared_out(string body)
    {
        var rows = Parse(body).Upserts!;
        Assert.Equal([1f, 2f], Get(rows[0], "vector").AsVectorF32);
        Assert.Equal([3f, 4f], Get(rows[1], "vector").AsVectorF32);
    }

    [Theory]
    [InlineData("""{"id": [1, 2], "a": [1]}""")]
    [InlineData("""{"id": [1, 2], "vector": [1, 2, 3]}""")]
    [InlineData("""{"id": [], "vector": [1]}""")]
    [InlineData("""{"a": [1]}""")]
    [InlineData("""{"id": [1.5]}""")]
    [InlineData("""{"id": [null]}""")]
    public void Columns_that_do_not_fit_together_are_invalid(string columns) =>
        Fails(ErrorKind.Invalid, $$"""{"upsert_columns": {{columns}}}""");

    [Fact]
    public void Rows_and_columns_come_together()
    {
        var request = Parse("""{"upsert_rows": [{"id": 1}], "upsert_columns": {"id": [2]}, "patch_rows": [], "deletes": [3, "x"]}""");
        Assert.Equal([1L, 2L], request.Upserts!.Select(r => r.Id.AsInt));
        Assert.Empty(request.Patches!);
        Assert.Equal(2, request.Deletes!.Count);
        Assert.Null(Parse("{}").Upserts);
        Assert.Null(Parse("""{"upsert_rows": null, "deletes": null, "schema": null}""").Upserts);
    }

    [Fact]
    public void Upserts_and_patches_of_one_request_keep_apart()
    {
        var request = Parse("""
            {"upsert_rows": [{"id": 1, "a": 1, "b": 2}], "patch_rows": [{"id": 2, "b": 3, "a": 4}], "patch_columns": {"id": [3], "b": [5]}}
            """);
        Assert.Equal([("a", 1L), ("b", 2L)], request.Upserts![0].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal([("b", 3L), ("a", 4L)], request.Patches![0].Attributes.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal([("b", 5L)], request.Patches[1].Attributes.Select(a => (a.Key, a.Value.AsInt)));
    }

    [Fact]
    public void The_other_fields_are_read()
    {
        var request = Parse("""
            {"upsert_condition": ["version", "Lt", {"$ref_new": "version"}], "delete_by_filter": ["a", "Eq", 1], "delete_by_filter_allow_partial": true,
             "patch_by_filter": {"filters": ["a", "Eq", 2], "patch": {"a": 3}}, "patch_by_filter_allow_partial": true, "return_affected_ids": true,
             "disable_backpressure": true, "distance_metric": "euclidean_squared", "sharding": {"num_shards": 256}, "encryption": {"mode": "default"},
             "some_future_field": {"deep": [1, {"x": null}]}}
            """);
        Assert.Equal("version", Assert.IsType<AttributeFilter>(request.UpsertCondition).Operand.RefNew);
        Assert.IsType<AttributeFilter>(request.DeleteByFilter);
        Assert.True(request.DeleteByFilterAllowPartial);
        Assert.Equal(3, Assert.Single(request.PatchByFilter!.Patch).Value.AsInt);
        Assert.True(request.PatchByFilterAllowPartial);
        Assert.True(request.ReturnAffectedIds);
        Assert.True(request.DisableBackpressure);
        Assert.Equal(DistanceMetric.EuclideanSquared, request.DistanceMetric);
        Assert.Equal(256, request.Shards);
        Assert.Equal("src", Parse("""{"copy_from_namespace": "src"}""").CopyFromNamespace);
        Assert.Equal("src", Parse("""{"copy_from_namespace": {"source_namespace": "src", "source_region": "x"}}""").CopyFromNamespace);
        Assert.Equal("src", Parse("""{"branch_from_namespace": {"source_namespace": "src"}}""").BranchFromNamespace);
    }

    [Theory]
    [InlineData("""{"upsert_rows": {"id": 1}}""", "invalid type: map, expected a sequence")]
    [InlineData("""{"upsert_rows": [1]}""", "invalid type: integer `1`, expected a map")]
    [InlineData("""{"upsert_columns": []}""", "invalid type: sequence, expected a map")]
    [InlineData("""{"upsert_columns": {"id": 1}}""", "invalid type: integer `1`, expected a sequence")]
    [InlineData("""{"deletes": "x"}""", "invalid type: string \"x\", expected a sequence")]
    [InlineData("""{"distance_metric": "dot_product"}""", "unknown variant `dot_product`, expected `cosine_distance` or `euclidean_squared`")]
    [InlineData("""{"return_affected_ids": 1}""", "invalid type: integer `1`, expected a boolean")]
    [InlineData("""{"patch_by_filter": {"filters": ["a", "Eq", 1]}}""", "missing field `patch`")]
    [InlineData("""{"copy_from_namespace": {}}""", "missing field `source_namespace`")]
    [InlineData("""{"schema": {"a": 1}}""", "invalid type: integer `1`, expected a type string or a map")]
    [InlineData("[]", "invalid type: sequence, expected struct Write")]
    [InlineData("null", "invalid type: null, expected struct Write")]
    public void A_wrong_shape_is_malformed(string body, string text) => Assert.Contains(text, Fails(ErrorKind.Malformed, body), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "malformed JSON")]
    [InlineData("{", "malformed JSON")]
    [InlineData("""{"upsert_rows": [{"id": 1}]} x""", "malformed JSON")]
    [InlineData("""{"upsert_rows": {"id": 1}} x""", "malformed JSON")]
    [InlineData("""{"upsert_rows": [{"id": 1, "s": "\ud800"}]}""", "surrogate")]
    [InlineData("""{"upsert_rows": [{"id": 1, "\udc00": 1}]}""", "surrogate")]
    [InlineData("""{"upsert_rows": [{"a": 1}]}""", "row 0 has no id")]
    [InlineData("""{"upsert_rows": [{"id": null}]}""", "an id is")]
    [InlineData("""{"upsert_rows": [{"id": 1.0}]}""", "an id is")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": 1e999}]}""", "out of range")]
    [InlineData("""{"upsert_rows": [{"id": 1, "vector": [1e39]}]}""", "out of the range")]
    [InlineData("""{"upsert_rows": [{"id": 1, "vector": [1, "x"]}]}""", "not a number")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": [1, "x"]}]}""", "must all be")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": [null]}]}""", "must all be")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": [{}]}]}""", "must all be")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": {"x": "y"}}]}""", "sparse vector")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": [[1, 2], [3]]}]}""", "dimensions")]
    [InlineData("""{"upsert_rows": [{"id": 1, "a": [[]]}]}""", "at least one dimension")]
    [InlineData("""{"delete_by_filter": ["a", "Eq", {"$ref_new": "a"}]}""", "$ref_new")]
    [InlineData("""{"patch_by_filter": {"filters": ["a", "Eq", 1], "patch": {"id": 1}}}""", "cannot be patched")]
    [InlineData("""{"encryption": {"mode": "customer-managed", "key_name": "mykey"}}""", "Malformed Cloud KMS crypto key: mykey")]
    [InlineData("""{"encryption": {"cmek": {"key_name": "mykey"}}}""", "Malformed Cloud KMS crypto key: mykey")]
    [InlineData("""{"copy_from_namespace": {"source_namespace": "a", "dest_encryption": {"mode": "customer-managed", "key_name": "k"}}}""", "crypto key: k")]
    [InlineData("""{"sharding": {"num_shards": 0}}""", "between 1 and 256")]
    [InlineData("""{"sharding": {"num_shards": 4294967297}}""", "between 1 and 256")]
    [InlineData("""{"schema": {"a": {"type": "string", "colour": 1}}}""", "unknown key \"colour\"")]
    public void What_cannot_be_meant_is_invalid(string body, string text) => Assert.Contains(text, Fails(ErrorKind.Invalid, body), StringComparison.Ordinal);

    [Theory]
    [InlineData("\"AACAP\"", "base64")]
    [InlineData("\"AAAA\"", "4 bytes")]
    [InlineData("\"!\"", "base64")]
    public void Wrong_base64_of_a_declared_vector_is_invalid(string value, string text)
    {
        var error = Assert.Throws<PuffException>(() => Parse($$"""{"upsert_rows": [{"id": 1, "embedding": {{value}}}]}""", Known));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_utf8_is_invalid()
    {
        byte[] body = [.. "{\"upsert_rows\": [{\"id\": \""u8, 0xC3, 0x28, .. "\"}]}"u8];
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<PuffException>(() => WriteParser.Parse(body, null)).Kind);
    }

    [Fact]
    public void A_long_vector_is_read_whole()
    {
        float[] vector = [.. Enumerable.Range(0, 10_752).Select(i => i / 7f)];
        string numbers = string.Join(", ", vector.Select(v => v.ToString("R", System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(vector, Get(Row($$"""{"id": 1, "vector": [ {{numbers}} ], "a": 1}"""), "vector").AsVectorF32);
    }

    private static string Fails(ErrorKind kind, string body)
    {
        var error = Assert.Throws<PuffException>(() => Parse(body));
        Assert.True(error.Kind == kind, $"{error.Kind}: {error.Message}");
        return error.Message;
    }

    private static DocumentRow Row(string row, NamespaceSchema? known = null) => Assert.Single(Parse($$"""{"upsert_rows": [{{row}}]}""", known).Upserts!);

    private static WriteRequest Parse(string body, NamespaceSchema? known = null) => WriteParser.Parse(Encoding.UTF8.GetBytes(body), known);

    private static Value Get(DocumentRow row, string name) => row.Attributes.Single(a => a.Key == name).Value;
}
