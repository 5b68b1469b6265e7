using System.Text;
using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>Every type of the specification's table, its text in and its value out: lines 30 and 33, on the side of conversion.</summary>
public sealed class ValueConversionTests
{
    [Theory]
    [InlineData("bool", "t", "true")]
    [InlineData("bool", "f", "false")]
    [InlineData("int2", "-32768", "-32768")]
    [InlineData("int4", "2147483647", "2147483647")]
    [InlineData("oid", "4294967295", "4294967295")]
    [InlineData("int8", "-9223372036854775808", "-9223372036854775808")]
    [InlineData("int8", "9223372036854775807", "9223372036854775807")]
    [InlineData("float4", "0.1", "0.1f")]
    [InlineData("float4", "3.4028235e+38", "3.4028235E+38f")]
    [InlineData("float8", "5e-324", "5E-324f")]
    [InlineData("float8", "-0", "-0f")]
    [InlineData("float8", "NaN", null)]
    [InlineData("float8", "-Infinity", null)]
    [InlineData("numeric", "12345.6789", "12345.6789f")]
    [InlineData("numeric", "NaN", null)]
    [InlineData("text", "", "''")]
    [InlineData("text", "🐡 fugu\u0001\u007f", "'🐡 fugu\u0001\u007f'")]
    [InlineData("varchar", " x ", "' x '")]
    [InlineData("bpchar", " x   ", "' x'")]
    [InlineData("char", "a", "'a'")]
    [InlineData("name", "n", "'n'")]
    [InlineData("citext", "CaSe", "'CaSe'")]
    [InlineData("xml", "<a/>", "'<a/>'")]
    [InlineData("money", "$1.00", "'$1.00'")]
    [InlineData("uuid", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]
    [InlineData("bytea", "\\x", "0x")]
    [InlineData("bytea", "\\x00ff10", "0x00FF10")]
    [InlineData("json", " { \"b\" : [1, 2 ],\n\"a\": \" x \\\" y \" } ", "'{\"b\":[1,2],\"a\":\" x \\\" y \"}'")]
    [InlineData("jsonb", "{\"b\": 1, \"a\": {\"c\": null}}", "'{\"b\":1,\"a\":{\"c\":null}}'")]
    [InlineData("date", "2024-02-29", "2024-02-29T00:00:00.000000000Z")]
    [InlineData("date", "0001-01-01", "0001-01-01T00:00:00.000000000Z")]
    [InlineData("date", "9999-12-31", "9999-12-31T00:00:00.000000000Z")]
    [InlineData("date", "infinity", null)]
    [InlineData("date", "0044-03-15 BC", null)]
    [InlineData("date", "10000-01-01", null)]
    [InlineData("timestamp", "2024-01-02 03:04:05.123456", "2024-01-02T03:04:05.123000000Z")]
    [InlineData("timestamp", "-infinity", null)]
    [InlineData("timestamptz", "2024-01-02 03:04:05+00", "2024-01-02T03:04:05.000000000Z")]
    [InlineData("timestamptz", "1969-12-31 23:59:59.999+00", "1969-12-31T23:59:59.999000000Z")]
    [InlineData("time", "03:04:05.6", "'03:04:05.6'")]
    [InlineData("timetz", "03:04:05+02", "'03:04:05+02:00'")]
    [InlineData("timetz", "03:04:05.5-03:30", "'03:04:05.5-03:30'")]
    [InlineData("interval", "P1Y2M3DT4H5M6.7S", "'P1Y2M3DT4H5M6.7S'")]
    [InlineData("xid8", "18446744073709551615", "'18446744073709551615'")]
    [InlineData("pg_lsn", "16/B374D848", "'16/B374D848'")]
    [InlineData("inet", "::1/128", "'::1/128'")]
    [InlineData("macaddr8", "08:00:2b:01:02:03:04:05", "'08:00:2b:01:02:03:04:05'")]
    [InlineData("varbit", "0101", "'0101'")]
    [InlineData("point", "(1,2)", "'(1,2)'")]
    [InlineData("polygon", "((0,0),(1,1))", "'((0,0),(1,1))'")]
    [InlineData("tsvector", "'fat':2 'rat':3", "''fat':2 'rat':3'")]
    [InlineData("ltree", "Top.Science", "'Top.Science'")]
    [InlineData("int2vector", "1 2 3", "[1,2,3]")]
    [InlineData("oidvector", "", "[]")]
    [InlineData("hstore", "\"a\"=>\"1\", \"b \\\" \"=>NULL", "'{\"a\":\"1\",\"b \\\" \":null}'")]
    [InlineData("sparsevec", "{1:0.5,10:2,2:-1}/100", "{1:0.5,10:2,2:-1}")]
    [InlineData("geometry", "0101000000000000000000F03F0000000000000040", "'0101000000000000000000F03F0000000000000040'")]
    [InlineData("mystery", "anything", "'anything'")]
    public void A_value_of_every_type(string type, string text, string? expected)
    {
        int modifier = type is "bpchar" ? 10 : -1;
        var value = ConvertOrNull(Column("c", type, modifier), text);
        Assert.Equal(expected ?? "missing", value is { } given ? Show(given) : "missing");
    }

    [Theory]
    [InlineData("int4", "{1,-2,NULL,3}", "[1,-2,3]")]
    [InlineData("int8", "{9223372036854775807}", "[9223372036854775807]")]
    [InlineData("int4", "{}", "[]")]
    [InlineData("text", "{a,\"b,\\\"c\\\\\",\"\",\"NULL\",NULL}", "['a','b,\"c\\','','NULL']")]
    [InlineData("varchar", "{🐡,\"{x}\"}", "['🐡','{x}']")]
    [InlineData("bool", "{t,f}", "[true,false]")]
    [InlineData("float8", "{1,2.5,NaN}", "[1f,2.5f]")]
    [InlineData("numeric", "{1.50}", "[1.5f]")]
    [InlineData("uuid", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "[a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]")]
    [InlineData("timestamptz", "{\"2024-01-02 03:04:05+00\"}", "[2024-01-02T03:04:05.000000000Z]")]
    [InlineData("date", "{2024-01-02,infinity}", "[2024-01-02T00:00:00.000000000Z]")]
    [InlineData("box", "{(1,1),(0,0);(2,2),(0,0)}", "['(1,1),(0,0)','(2,2),(0,0)']")]
    [InlineData("json", "{\"{\\\"a\\\": 1}\",NULL}", "'[{\"a\": 1},null]'")]
    [InlineData("bytea", "{\"\\\\x00ff\"}", "'[\"AP8=\"]'")]
    public void Arrays_of_every_kind(string element, string text, string expected) =>
        Assert.Equal(expected, Show(Convert(new TableColumn("c", ArrayOf(Type(element))), text)));

    [Fact]
    public void Arrays_of_several_dimensions_are_rows_errors_or_json_where_declared()
    {
        var column = new TableColumn("c", ArrayOf(Type("int4")));
        Assert.Equal("array_shape", Assert.Throws<RowException>(() => Convert(column, "{{1,2},{3,4}}")).Code);
        Assert.Equal("array_shape", Assert.Throws<RowException>(() => Convert(column, "[0:1]={1,2}")).Code);
        Assert.Equal("'[[1,2],[3,null]]'", Show(Convert(column with { Dimensions = 2 }, "{{1,2},{3,NULL}}")));
        var asText = new AttributeOptions { Types = new Dictionary<string, string> { ["c"] = "string" } };
        Assert.Equal("'[1,2]'", Show(Convert(column, "[0:1]={1,2}", asText)));
        Assert.Equal("'[1,null]'", Show(Convert(column, "{1,NULL}", new AttributeOptions { ArrayNulls = ArrayNullPolicy.KeepAsString })));
        Assert.Equal("array_null", Assert.Throws<RowException>(
            () => Convert(column, "{1,NULL}", new AttributeOptions { ArrayNulls = ArrayNullPolicy.Fail })).Code);
    }

    [Fact]
    public void Enums_domains_composites_and_ranges()
    {
        var mood = new TypeShape(0, "mood", TypeCategory.Enum) { Labels = ["sad", "ok"] };
        Assert.Equal("'new label'", Show(Convert(new TableColumn("c", mood), "new label")));
        Assert.Equal("['sad','ok']", Show(Convert(new TableColumn("c", ArrayOf(mood)), "{sad,ok}")));

        var positive = new TypeShape(0, "positive", TypeCategory.Domain) { Inner = Type("int4") };
        var nested = new TypeShape(0, "nested", TypeCategory.Domain) { Inner = positive };
        Assert.Equal("5", Show(Convert(new TableColumn("c", nested), "5")));
        var vector = new TypeShape(0, "embedding", TypeCategory.Domain) { Inner = Type("vector"), InnerModifier = 2 };
        Assert.Equal("<1,2.5>", Show(Convert(new TableColumn("c", vector), "[1,2.5]")));

        var pair = new TypeShape(0, "pair", TypeCategory.Composite)
        {
            Fields = [new("n", Type("int8")), new("t", Type("text")), new("missing", Type("text")), new("list", ArrayOf(Type("int4")))],
        };
        Assert.Equal(
            """'{"n":9223372036854775807,"t":"a \"b\", \\","missing":null,"list":[1,2]}'""",
            Show(Convert(new TableColumn("c", pair), """(9223372036854775807,"a ""b"", \\",,"{1,2}")""")));

        var range = new TypeShape(0, "int4range", TypeCategory.Range) { Inner = Type("int4") };
        Assert.Equal("'[1,5)'", Show(Convert(new TableColumn("c", range), "[1,5)")));
    }

    [Fact]
    public void Vectors_have_the_dimensions_that_were_declared()
    {
        Assert.Equal("<1,-2.5,3e-05>".ToUpperInvariant(), Show(Convert(Column("v", "vector", 3), "[1,-2.5,3e-05]")));
        Assert.Equal("<1,2>", Show(Convert(Column("v", "halfvec", 2), "[1,2]")));
        Assert.Equal("vector_dimension", Assert.Throws<RowException>(() => Convert(Column("v", "vector", 3), "[1,2]")).Code);
        Assert.Equal("vector_dimension", Assert.Throws<RowException>(() => Convert(Column("v", "vector", 1), "[1,2]")).Code);
        var declared = new AttributeOptions { Types = new Dictionary<string, string> { ["v"] = "[2]f32" } };
        Assert.Equal("<1,2>", Show(Convert(new TableColumn("v", ArrayOf(Type("float4"))), "{1,2}", declared)));
        Assert.Equal("<1,2>", Show(Convert(Column("v", "jsonb"), "[1, 2]", declared)));
        Assert.Equal("vector_dimension", Assert.Throws<SyncException>(() => Convert(Column("v", "vector"), "[1]")).Code);
    }

    [Fact]
    public void Policies_of_numbers_and_dates()
    {
        var exact = new AttributeOptions { Numeric = NumericPolicy.String };
        Assert.Equal("'12345678901234567890.10'", Show(Convert(Column("c", "numeric"), "12345678901234567890.10", exact)));
        var whole = new AttributeOptions { Numeric = NumericPolicy.IntIfExact };
        Assert.Equal("123456789012345678", Show(Convert(Column("c", "numeric", (18 << 16) + 4), "123456789012345678", whole)));
        Assert.Equal("1.5f", Show(Convert(Column("c", "numeric", ((18 << 16) | 2) + 4), "1.5", whole)));
        Assert.Equal("number_out_of_range", Assert.Throws<RowException>(
            () => Convert(Column("c", "numeric", (38 << 16) + 4), "99999999999999999999", whole)).Code);

        var fail = new AttributeOptions { Infinity = InfinityPolicy.Fail };
        Assert.Equal("not_finite", Assert.Throws<RowException>(() => Convert(Column("c", "date"), "infinity", fail)).Code);
        Assert.Equal("not_finite", Assert.Throws<RowException>(() => Convert(Column("c", "float8"), "NaN", fail)).Code);
        var text = new AttributeOptions { Infinity = InfinityPolicy.String };
        Assert.Equal("'infinity'", Show(Convert(Column("c", "timestamptz"), "infinity", text)));
        Assert.Equal("'2024-01-02T03:04:05.1Z'", Show(Convert(Column("c", "timestamptz"), "2024-01-02 03:04:05.1+00", text)));

        var berlin = new AttributeOptions { TimestampZone = "Europe/Berlin" };
        Assert.Equal("2024-06-30T22:00:00.000000000Z", Show(Convert(Column("c", "timestamp"), "2024-07-01 00:00:00", berlin)));
        Assert.Equal("2024-07-01T00:00:00.000000000Z", Show(Convert(Column("c", "timestamptz"), "2024-07-01 00:00:00+00", berlin)));
    }

    [Fact]
    public void Long_texts_and_bytes_that_are_no_text()
    {
        string longText = new string('x', 4095) + "ü";
        Assert.Equal(4097, Encoding.UTF8.GetByteCount(longText));
        Assert.Equal(4097, Convert(Column("c", "text"), longText).AsBytes.Length);
        Assert.Equal(4095, Convert(Column("c", "text"), longText, new AttributeOptions { LongText = LongTextPolicy.Truncate }).AsBytes.Length);
        Assert.Equal("value_too_long", Assert.Throws<RowException>(
            () => Convert(Column("c", "text"), longText, new AttributeOptions { LongText = LongTextPolicy.Fail })).Code);
        Assert.Equal("value_too_long", Assert.Throws<RowException>(() => Convert(Column("c", "text"), new string('x', (8 << 20) + 1))).Code);

        var table = Table(Column("id", "int8"), Column("c", "text"));
        var plan = new DocumentPlan(Mapping(), table);
        var batch = new ChangeBatch();
        batch.Add(ChangeKind.Insert, Shape(table), 1, Position, 0);
        batch.AddNew(ColumnState.Text, "1"u8);
        batch.AddNew(ColumnState.Text, [(byte)'a', 0xFF, (byte)'b']);
        Assert.Equal("Upsert 1u c='a\uFFFDb'", Show(plan.Bind(Shape(table)).Upsert(Value.UInt(1), batch[0].New, Position, 0)));
        Assert.Equal(1, plan.Counters.TextReplaced);
    }

    [Fact]
    public void Flattened_values_become_attributes_of_their_own()
    {
        var flatten = new AttributeOptions { Json = JsonPolicy.Flatten };
        Assert.Equal(
            "Upsert 1u j.a=1f j.b='x' j.c=[1f,2f] j.d=true",
            Flattened(Column("j", "jsonb"), """{"a": 1, "b": "x", "c": [1, 2], "d": true, "e": {"f": 1}, "g": null, "h": [1, "x"]}""", flatten));
        var range = new TypeShape(0, "tsrange", TypeCategory.Range) { Inner = Type("timestamp") };
        Assert.Equal(
            "Upsert 1u r.empty=false r.lower=2024-01-02T03:04:05.000000000Z",
            Flattened(new TableColumn("r", range), "[\"2024-01-02 03:04:05\",)", flatten));
        Assert.Equal("Upsert 1u r.empty=true", Flattened(new TableColumn("r", range), "empty", flatten));
        Assert.Equal("Upsert 1u p.x=1f p.y=-2.5f", Flattened(Column("p", "point"), "(1,-2.5)", flatten));
        Assert.Equal("Upsert 1u g.lon=1f g.lat=2f", Flattened(Column("g", "geometry"), "0101000020E6100000000000000000F03F0000000000000040", flatten));
    }

    [Fact]
    public void Transforms_see_json_that_loses_nothing()
    {
        Assert.Equal("\"9223372036854775807\"", Seen("int8", "9223372036854775807"));
        Assert.Equal("7", Seen("int4", "7"));
        Assert.Equal("\"1.50\"", Seen("numeric", "1.50"));
        Assert.Equal("{\"a\": 1}", Seen("jsonb", "{\"a\": 1}"));
        Assert.Equal("\"2024-01-02T03:04:05.123456Z\"", Seen("timestamptz", "2024-01-02 03:04:05.123456+00"));
        Assert.Equal("\"AACAPwAAAEA=\"", Seen("vector", "[1,2]"));
        Assert.Equal("null", Seen("float8", "NaN"));
    }

    [Fact]
    public void Broken_texts_of_arrays_and_composites_are_rows_errors()
    {
        var random = new Random(5);
        byte[] alphabet = "{}(),\"\\ax1[]=NUL :;"u8.ToArray();
        var pair = new TypeShape(0, "pair", TypeCategory.Composite) { Fields = [new("a", Type("text")), new("b", ArrayOf(Type("text")))] };
        TableColumn[] columns =
        [
            new("c", ArrayOf(Type("text"))), new("c", ArrayOf(Type("json"))), new("c", pair), Column("c", "hstore"), Column("c", "vector", 2),
            Column("c", "sparsevec"), Column("c", "bytea"), Column("c", "uuid"), Column("c", "timestamptz"), Column("c", "int2vector"),
        ];
        for (int i = 0; i < 3000; i++)
        {
            byte[] text = new byte[random.Next(1, 12)];
            for (int at = 0; at < text.Length; at++)
            {
                text[at] = alphabet[random.Next(alphabet.Length)];
            }

            try
            {
                ConvertOrNull(columns[i % columns.Length], Encoding.ASCII.GetString(text));
            }
            catch (RowException error)
            {
                Assert.NotEmpty(error.Message);
            }
        }
    }

    private static string Flattened(TableColumn column, string text, AttributeOptions options)
    {
        var table = Table(Column("id", "int8"), column);
        var plan = new DocumentPlan(Mapping(m => m with { Attributes = options }), table);
        int before = plan.SchemaRevision;
        var document = plan.Bind(Shape(table)).Upsert(Value.UInt(1), Change(ChangeKind.Insert, Shape(table), ["1", text]).New, Position, 0);
        Assert.True(plan.SchemaRevision > before);
        Assert.All(document.Attributes, a => Assert.Contains(plan.Schema().Attributes, d => d.Name == a.Key));
        return Show(document);
    }

    private static string Seen(string type, string text)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            JsonForm.Write(writer, "c", SourceType.Of(Type(type), -1), Encoding.UTF8.GetBytes(text), forTransform: true);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static Value? ConvertOrNull(TableColumn column, string text)
    {
        var table = Table(Column("id", "int8"), column);
        var document = new DocumentPlan(Mapping(), table).Bind(Shape(table))
            .Upsert(Value.UInt(1), Change(ChangeKind.Insert, Shape(table), ["1", text]).New, Position, 0);
        var value = document.Attributes.SingleOrDefault(a => a.Key == column.Name).Value;
        return value.IsNull ? null : value;
    }
}
