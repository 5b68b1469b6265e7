using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>Values on their way into user code and back out of it; styles of older projects; what a context offers.</summary>
public sealed class TransformValueTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Columns_arrive_as_the_types_that_are_promised()
    {
        var shape = new RelationShape(
            1, "public", "odd \"names\"", ReplicaIdentity.Default,
            [
                new("id", 20, -1, IsKey: true), new("big", 20, -1, false), new("bytes", 17, -1, false), new("vector", 16_999, -1, false),
                new("json", 114, -1, false), new("bigs", 1016, -1, false), new("__proto__", 25, -1, false), new("it's", 25, -1, false),
                new("none", 20, -1, false),
            ]);
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            export default (changes) => changes.map(({ op, id, row, old, changed, source, position, committedAt }) => ({ action: "upsert", document: {
              names: Object.keys(row), big: typeof row.big + row.big, bytes: row.bytes.constructor.name + row.bytes.length,
              vector: row.vector.constructor.name + row.vector[1], json: row.json.a[1], bigs: row.bigs.map((b) => b === null ? "null" : typeof b + b),
              proto: row["__proto__"], quote: row["it's"], none: row.none, op, id: "not this", idType: typeof id, table: source.table, position, committedAt,
              old, changed,
            } }));
            """);
        var row = TransformProject.Row(
            shape, ChangeKind.Snapshot, "7", "-9223372036854775808", "abc", "[1,2.5]", """{"a":[1,"x"]}""", """["1",null]""", "p", "q", null);
        var document = (await transform.RunAsync([row], 1, Cancellation))[0][0].Attributes!.ToDictionary(each => each.Key, each => each.Value);
        Assert.Equal(
            ["id", "big", "bytes", "vector", "json", "bigs", "__proto__", "it's", "none"],
            document["names"].AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
        Assert.Equal("bigint-9223372036854775808", document["big"].AsString);
        Assert.Equal("Uint8Array3", document["bytes"].AsString);
        Assert.Equal("Float32Array2.5", document["vector"].AsString);
        Assert.Equal("x", document["json"].AsString);
        Assert.Equal(["bigint1", "null"], document["bigs"].AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
        Assert.Equal(("p", "q"), (document["proto"].AsString, document["quote"].AsString));
        Assert.True(document["none"].IsNull);
        Assert.Equal("snapshot", document["op"].AsString);
        Assert.Equal("number", document["idType"].AsString);
        Assert.Equal("odd \"names\"", document["table"].AsString);
        Assert.Equal("00000000016B3748/00000003", document["position"].AsString);
        Assert.Equal("2000-01-01T00:00:01Z", document["committedAt"].AsString);
        Assert.True(document["old"].IsNull && document["changed"].IsNull);
        Assert.False(document.ContainsKey("id"));
    }

    [Fact]
    public async Task Ids_beyond_a_double_are_bigints_and_columns_not_sent_are_absent()
    {
        var batch = new ChangeBatch();
        batch.Add(ChangeKind.Update, TransformProject.Posts, 7, default, 0);
        foreach (var state in new[] { ColumnState.Text, ColumnState.Unchanged, ColumnState.Text, ColumnState.Null, ColumnState.Null })
        {
            batch.AddNew(state, "5"u8);
        }

        foreach (var state in new[] { ColumnState.Text, ColumnState.Null, ColumnState.Null, ColumnState.Null, ColumnState.Null })
        {
            batch.AddOld(OldTupleKind.Key, state, "4"u8);
        }

        var input = new TransformInput(
            ChangeKind.Update, Value.UInt(ulong.MaxValue), TransformProject.Posts, batch[0].New, batch[0].Old, OldTupleKind.Key, [0, 2], default, 0);
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            export default (changes) => changes.map(({ id, row, old, changed, position, committedAt }) => ({ action: "upsert", id: id - 1n, document: {
              row: Object.keys(row), old: Object.keys(old), was: old.id, changed, text: `${position}|${committedAt}` } }));
            """);
        var action = (await transform.RunAsync([input], 1, Cancellation))[0][0];
        Assert.Equal(ulong.MaxValue - 1, action.Id!.Value.AsUInt);
        var document = action.Attributes!.ToDictionary(each => each.Key, each => each.Value);
        Assert.Equal(["id", "views", "score", "live"], document["row"].AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
        Assert.Equal(["id"], document["old"].AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
        Assert.Equal(4, document["was"].AsInt);
        Assert.Equal(["id", "views"], document["changed"].AsBytesArray.Select(System.Text.Encoding.UTF8.GetString));
        Assert.Equal("|null", document["text"].AsString);
    }

    [Theory]
    [InlineData("'ünï \\u0000 \\u{1F600}'", ValueKind.String)]
    [InlineData("12", ValueKind.Int)]
    [InlineData("-9007199254740993n", ValueKind.Int)]
    [InlineData("18446744073709551615n", ValueKind.UInt)]
    [InlineData("0.25", ValueKind.Float)]
    [InlineData("false", ValueKind.Bool)]
    [InlineData("null", ValueKind.Null)]
    [InlineData("new Date(0)", ValueKind.String)]
    [InlineData("new Uint8Array([1, 2])", ValueKind.Bytes)]
    [InlineData("new Float32Array([1, 2.5])", ValueKind.VectorF32)]
    [InlineData("new Float64Array([1, 2.5])", ValueKind.VectorF32)]
    [InlineData("[]", ValueKind.EmptyArray)]
    [InlineData("['a', null, 'b']", ValueKind.StringArray)]
    [InlineData("[true]", ValueKind.BoolArray)]
    [InlineData("[1, 2]", ValueKind.IntArray)]
    [InlineData("[1n, 2]", ValueKind.IntArray)]
    [InlineData("[1, 18446744073709551615n]", ValueKind.UIntArray)]
    [InlineData("[1, 2.5]", ValueKind.FloatArray)]
    [InlineData("Array.from({ length: 64 }, (_, i) => i / 3)", ValueKind.FloatArray)]
    [InlineData("[new Date(0)]", ValueKind.StringArray)]
    [InlineData("[[1, 2], [3, 4]]", ValueKind.MultiVector)]
    [InlineData("({ b: 0.5, a: 1 })", ValueKind.Sparse)]
    public async Task Values_of_user_code_become_values_of_the_engine(string expression, ValueKind kind)
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync($"export default (changes) => changes.map(() => ({{ action: 'upsert', document: {{ gone: undefined, v: {expression} }} }}));");
        var attribute = Assert.Single((await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation))[0][0].Attributes!);
        Assert.Equal(("v", kind), (attribute.Key, attribute.Value.Kind));
        if (kind == ValueKind.Sparse)
        {
            Assert.Equal(["a", "b"], attribute.Value.AsSparse.Keys.Select(System.Text.Encoding.UTF8.GetString));
        }

        if (kind == ValueKind.FloatArray && attribute.Value.AsFloats.Length == 64)
        {
            Assert.Equal(1.0 / 3, attribute.Value.AsFloats[1]);
        }
    }

    [Theory]
    [InlineData("{ action: 'upsert', document: { v: NaN } }", "not_finite", "attribute v is NaN")]
    [InlineData("{ action: 'upsert', document: { v: [1, Infinity] } }", "not_finite", "attribute v holds Infinity")]
    [InlineData("{ action: 'upsert', document: { v: new Float32Array([NaN]) } }", "not_finite", "attribute v holds NaN")]
    [InlineData("{ action: 'upsert', document: { v: () => 1 } }", "value_type", "attribute v is a function")]
    [InlineData("{ action: 'upsert', document: { v: { a: 'text' } } }", "value_type", "attribute v is an object")]
    [InlineData("{ action: 'upsert', document: { v: [1, 'a'] } }", "value_type", "differ in type")]
    [InlineData("{ action: 'upsert', document: { v: '\\ud800' } }", "value_type", "surrogate")]
    [InlineData("{ action: 'upsert', document: { v: [[1], [1, 2]] } }", "value_type", "differ in length")]
    [InlineData("{ action: 'upsert', document: { v: 2n ** 64n } }", "value_type", "64 bits")]
    [InlineData("{ action: 'upsert', id: 'text', document: {} }", "value_type", "an id is a text")]
    [InlineData("{ action: 'upsert', id: -1, document: {} }", "negative_id", "negative")]
    [InlineData("{ action: 'upsert' }", "value_type", "no `document`")]
    [InlineData("{ action: 'insert', document: {} }", "value_type", "unknown action")]
    [InlineData("null", "value_type", "an action is an object")]
    [InlineData("{ action: 'replaceGroup', group: 'g', documents: [{ document: {} }] }", "id_null", "needs an id")]
    public async Task A_value_that_cannot_be_written_fails_its_change_only(string action, string code, string message)
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync(
            $"export default (changes) => changes.map(({{ id }}) => id === 2 ? ({action}) : ({{ action: 'upsert', document: {{ v: 1 }} }}));");
        var actions = await transform.RunAsync(TransformProject.Rows(3), 1, Cancellation);
        Assert.Equal([TransformVerb.Upsert, TransformVerb.Fail, TransformVerb.Upsert], actions.Select(each => Assert.Single(each).Verb));
        Assert.Equal(code, actions[1][0].Code);
        Assert.Contains(message, actions[1][0].Message);
    }

    [Fact]
    public async Task Every_verb_arrives()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            export const schema = { title: "string", body: { type: "string", full_text_search: { language: "english" }, filterable: false } };
            export default () => [
              { action: "patch", id: 9, document: { a: 1 } },
              [{ action: "delete", id: 3 }, { action: "skip" }],
              { action: "replaceGroup", group: "42", documents: [{ id: 1, document: { text: "a" } }, { id: 2n, document: { text: "b" } }] },
              { action: "fail", message: "not today", retryable: true },
              [],
            ];
            """);
        Assert.Equal(["title", "body"], transform.Schema!.Attributes.Select(each => each.Name));
        Assert.Equal("english", transform.Schema.Attributes[1].FullText!.Language);
        var actions = await transform.RunAsync(TransformProject.Rows(5), 1, Cancellation);
        Assert.Equal((TransformVerb.Patch, 9ul), (actions[0][0].Verb, actions[0][0].Id!.Value.AsUInt));
        Assert.Equal([TransformVerb.Delete, TransformVerb.Skip], actions[1].Select(each => each.Verb));
        Assert.Equal(("42", 2), (actions[2][0].Group, actions[2][0].Documents!.Count));
        Assert.Equal("b", actions[2][0].Documents![1].Attributes[0].Value.AsString);
        Assert.Equal(("not today", true, null), (actions[3][0].Message, actions[3][0].IsRetryable, actions[3][0].Code));
        Assert.Empty(actions[4]);
    }

    [Fact]
    public async Task Rows_of_older_projects_carry_an_event_and_answer_by_id()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Style = TransformStyle.Rows };
        var transform = await project.LoadAsync("""
            export function transform(rows) {
              return rows.filter(({ id }) => id !== 2).map(({ event, id }) => ({ type: "upsert", id, doc: { op: event.op, t: event.table, title: event.new.title, lsn: event.lsn } }));
            }
            """);
        var actions = await transform.RunAsync(TransformProject.Rows(3), 1, Cancellation);
        Assert.Empty(actions[1]);
        Assert.Equal(3ul, Assert.Single(actions[2]).Id!.Value.AsUInt);
        Assert.Equal(["insert", "posts", "title 3", "00000000016B3748"], actions[2][0].Attributes!.Select(each => each.Value.AsString));
    }

    [Fact]
    public async Task Columns_of_older_projects_are_text()
    {
        await using var project = new TransformProject();
        project.Options = project.Options with { Style = TransformStyle.Columns };
        var transform = await project.LoadAsync("""
            export const transform = async (rows) => rows.map(({ operation, id, columns }) =>
              columns.live === "f" ? { type: "delete", id } : { type: "upsert", id, doc: { operation, views: columns.views, kind: typeof columns.score } });
            """);
        var actions = await transform.RunAsync(TransformProject.Rows(2), 1, Cancellation);
        Assert.Equal(TransformVerb.Delete, actions[0][0].Verb);
        Assert.Equal(["insert", "20", "string"], actions[1][0].Attributes!.Select(each => each.Value.AsString));
    }

    [Fact]
    public async Task The_style_is_declared_and_not_guessed()
    {
        await using var project = new TransformProject();
        var failure = await Assert.ThrowsAsync<TransformException>(() => project.LoadAsync("export function transform(rows) { return []; }"));
        Assert.Contains("default export", failure.Message);
    }

    [Fact]
    public async Task A_context_embeds_caches_and_looks_up()
    {
        await using var project = new TransformProject();
        var transform = await project.LoadAsync("""
            export default async (changes, ctx) => {
              const seen = await ctx.cache.get("k");
              await ctx.cache.set("k", new Uint8Array([7, 8]));
              const vectors = await ctx.embed(["ab", "abc"], { dimensions: 4 });
              const [author] = await ctx.lookup("author", [5n]);
              return changes.map(() => ({ action: "upsert", document: {
                seen: seen === null ? "nothing" : Array.from(seen), vector: vectors[1], author: author.name,
                about: `${ctx.mapping} ${ctx.namespace} ${ctx.migration} ${ctx.attempt} ${ctx.dryRun}` } }));
            };
            """);
        var first = (await transform.RunAsync(TransformProject.Rows(1), 1, Cancellation))[0][0].Attributes!;
        Assert.Equal("nothing", first[0].Value.AsString);
        Assert.Equal([3f, 4f], first[1].Value.AsVectorF32);
        Assert.Equal("author 5", first[2].Value.AsString);
        Assert.Equal("posts posts 0001_posts 1 false", first[3].Value.AsString);
        var second = (await transform.RunAsync(TransformProject.Rows(1), 2, Cancellation))[0][0].Attributes!;
        Assert.Equal([7, 8], second[0].Value.AsInts);

        project.Services.EmbedFailure = new TransformException("embed", "the budget is spent", isRetryable: true);
        var failure = await Assert.ThrowsAsync<TransformException>(() => transform.RunAsync(TransformProject.Rows(1), 1, Cancellation));
        Assert.Equal(("Error: the budget is spent", true), (failure.Message, failure.IsRetryable));
    }

    [Fact]
    public void Deterministic_schema_errors_name_the_key()
    {
        using var wrong = JsonDocument.Parse("""{"v": {"type": "[3]f32", "ann": {"distance_metric": "manhattan"}}}""");
        Assert.Contains("manhattan is no metric", Assert.Throws<FormatException>(() => SchemaReader.Read(wrong.RootElement)).Message);
    }
}
