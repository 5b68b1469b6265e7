using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>Ids of rows: lines 26 and 32, and their round trip.</summary>
public sealed class IdTests
{
    [Theory]
    [InlineData("int4", "7", "7u")]
    [InlineData("int8", "9223372036854775807", "9223372036854775807u")]
    [InlineData("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]
    [InlineData("text", "a:b\\c", "'a:b\\c'")]
    [InlineData("bpchar", "ab  ", "'ab'")]
    [InlineData("numeric", "12.500", "'12.5'")]
    [InlineData("numeric", "100", "'100'")]
    [InlineData("numeric", "1.00", "'1'")]
    [InlineData("date", "2024-01-02", "'2024-01-02'")]
    [InlineData("timestamptz", "2024-01-02 03:04:05.1+00", "'2024-01-02T03:04:05.1Z'")]
    public void One_column(string type, string text, string expected) => Assert.Equal(expected, Show(Read([Column("k", type)], [text])));

    [Fact]
    public void Errors_of_rows_say_what_to_do()
    {
        var negative = Assert.Throws<RowException>(() => Read([Column("k", "int4")], ["-1"]));
        Assert.Equal(("negative_id", "set [id] type = \"string\""), (negative.Code, negative.Remedy));
        var tooLong = Assert.Throws<RowException>(() => Read([Column("k", "text")], [new string('x', 65)]));
        Assert.Equal(("id_too_long", "set [id] format = \"hash\""), (tooLong.Code, tooLong.Remedy));
        Assert.Contains("65 bytes", tooLong.Message, StringComparison.Ordinal);
        Assert.Equal("id_null", Assert.Throws<RowException>(() => Read([Column("k", "text")], [null])).Code);
        Assert.Equal(64, Read([Column("k", "text")], [new string('x', 64)]).AsBytes.Length);
        Assert.Equal("'-1'", Show(Read([Column("k", "int4")], ["-1"], new IdDefinition(Type: IdType.String))));
    }

    [Fact]
    public void Several_columns_are_text_where_they_fit_and_hashed_where_they_might_not()
    {
        TableColumn[] bounded = [Column("a", "int4"), Column("b", "varchar", 4 + 10)];
        Assert.Equal("'5:x\\:y\\\\'", Show(Read(bounded, ["5", "x:y\\"])));
        TableColumn[] unbounded = [Column("a", "int4"), Column("b", "text")];
        var hashed = Read(unbounded, ["5", "x"]);
        Assert.Equal(ValueKind.Uuid, hashed.Kind);
        Assert.Equal((0x80, 0x80), (hashed.AsBytes[6] & 0xF0, hashed.AsBytes[8] & 0xC0));
        Assert.Equal("'5:x'", Show(Read(unbounded, ["5", "x"], new IdDefinition(Format: IdFormat.Text))));
        Assert.NotEqual(Show(Read(unbounded, ["5", "1x"])), Show(Read(unbounded, ["51", "x"])));
    }

    [Fact]
    public void A_prefix_stands_before_string_ids()
    {
        Assert.Equal("'p-5'", Show(Read([Column("k", "int4")], ["5"], target: t => t with { Shared = true, IdPrefix = "p-" })));
        Assert.Equal("'p-a:b'", Show(Read([Column("k", "text")], ["a:b"], target: t => t with { Shared = true, IdPrefix = "p-" })));
    }

    [Fact]
    public void Types_that_make_no_ids_are_refused_when_the_mapping_is_applied()
    {
        foreach (string type in (string[])["float8", "jsonb", "bytea", "vector"])
        {
            Assert.Equal("id_type", Assert.Throws<SyncException>(() => Read([Column("k", type)], ["1"])).Code);
        }

        Assert.Equal("id_type", Assert.Throws<SyncException>(() => Read([new TableColumn("k", ArrayOf(Type("int4")))], ["{1}"])).Code);
        Assert.Equal("id_type", Assert.Throws<SyncException>(() => Read([Column("k", "text")], ["1"], new IdDefinition(Type: IdType.UInt))).Code);
        Assert.Equal("no_primary_key", Assert.Throws<SyncException>(() => IdForm.Resolve(Mapping(), new TableShape("s", "t", [], []))).Code);
    }

    [Fact]
    public void Composite_ids_as_text_can_be_taken_apart_again()
    {
        var random = new Random(11);
        const string alphabet = ":\\a1ü🐡 \"";
        TableColumn[] columns = [Column("a", "text"), Column("b", "text"), Column("c", "text")];
        var seen = new Dictionary<string, string>();
        for (int i = 0; i < 5000; i++)
        {
            string[] key = [.. Enumerable.Range(0, 3).Select(_ => string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ =>
                System.Text.Rune.GetRuneAt(alphabet, new[] { 0, 1, 2, 3, 4, 5, 7, 8 }[random.Next(8)]).ToString())))];
            string id = Read(columns, key, new IdDefinition(Format: IdFormat.Text)).AsString;
            Assert.Equal(key, Split(id));
            string hash = Show(Read(columns, key, new IdDefinition(Format: IdFormat.Hash)));
            Assert.Equal(id, seen.GetValueOrDefault(hash, id));
            seen[hash] = id;
        }
    }

    private static string[] Split(string id)
    {
        List<string> parts = [""];
        for (int i = 0; i < id.Length; i++)
        {
            if (id[i] == ':')
            {
                parts.Add("");
            }
            else
            {
                i += id[i] == '\\' ? 1 : 0;
                parts[^1] += id[i];
            }
        }

        return [.. parts];
    }

    private static Value Read(
        TableColumn[] key, string?[] values, IdDefinition? id = null, Func<TargetDefinition, TargetDefinition>? target = null)
    {
        var table = new TableShape("public", "posts", key, [.. key.Select(c => c.Name)]);
        var mapping = Mapping(m => m with { Id = id ?? new IdDefinition(), Target = target is null ? m.Target : target(m.Target) });
        var shape = Shape(table);
        return new DocumentPlan(mapping, table).Bind(shape).Ids.Read(Change(ChangeKind.Insert, shape, values).New);
    }
}
