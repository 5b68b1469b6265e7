using System.Diagnostics;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Sync.Tests.Transforms;

/// <summary>What TypeScript is told of rows: the package of types, and the values that come with them.</summary>
public sealed class RowTypesTests
{
    private static readonly TableShape Table = new(
        "public", "posts",
        [
            new("id", new TypeShape(20, "int8"), IsNullable: false), new("title", new TypeShape(25, "text")), new("meta", new TypeShape(3802, "jsonb")),
            new("price", new TypeShape(1700, "numeric"), 655366), new("vector", new TypeShape(9001, "vector"), 3),
            new("mood", new TypeShape(9002, "mood", TypeCategory.Enum) { Labels = ["so \"so\"", "fine"] }, IsNullable: false),
            new("tags", new TypeShape(1009, "_text", TypeCategory.Array) { Inner = new TypeShape(25, "text") }),
            new("odd name", new TypeShape(9003, "cents", TypeCategory.Domain) { Inner = new TypeShape(23, "int4") }),
        ],
        ["id"]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_package_compiles_what_is_right_and_refuses_what_is_wrong()
    {
        string compiler = Path.Combine(TransformProject.Packages, "typescript", "bin", "tsc");
        var start = new ProcessStartInfo(TransformProject.NewNode, [compiler, "-p", Repository.Resolve("packages/puff-sync/test")]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(("", 0), (output, process.ExitCode));
    }

    [Fact]
    public async Task Rows_passed_on_whole_come_back_with_the_types_of_their_attributes()
    {
        var mapping = TransformProject.Mapping() with { Source = new SourceDefinition("posts", Exclude: ["tags"]) };
        await using var project = new TransformProject();
        var relation = new RelationShape(
            1, "public", "posts", ReplicaIdentity.Default, [.. Table.Columns.Select(c => new ColumnShape(c.Name, c.Type.Oid, c.TypeModifier, c.Name == "id"))]);
        string path = project.Write("transform.mjs", "export default (changes) => changes.map(({ row }) => ({ action: 'upsert', document: { ...row } }));");
        await project.LoadAsync("export default () => [];");
        var module = new TransformModule(path, "1", "0001_posts", "posts");
        var transform = await project.Host.LoadAsync(mapping, module, new PlanTransformRows(Table, mapping), Cancellation);
        var row = TransformProject.Row(
            relation, ChangeKind.Insert, "1", "a title", """{"b": [1, {"c": null}], "n": 2}""", "12345678901234567.89", "[1,2.5,3]", "fine", "{x}", "5");
        var document = (await transform.RunAsync([row], 1, Cancellation))[0][0].Attributes!;
        Assert.Equal(["title", "meta", "price", "vector", "mood", "odd name"], document.Select(each => each.Key));
        Assert.Equal("""{"b":[1,{"c":null}],"n":2}""", document[1].Value.AsString);
        Assert.Equal("12345678901234567.89", document[2].Value.AsString);
        Assert.Equal([1f, 2.5f, 3f], document[3].Value.AsVectorF32);
        Assert.Equal(5, document[5].Value.AsInt);

        // Declared otherwise, a column of JSON is written as the code returns it.
        var declared = mapping with { Target = new TargetDefinition("posts", Schema: [new AttributeUpdate("meta") { Type = "{}f16" }]) };
        transform = await project.Host.LoadAsync(declared, module with { Hash = "2" }, new PlanTransformRows(Table, declared), Cancellation);
        row = TransformProject.Row(relation, ChangeKind.Insert, "1", null, """{"x": 0.5}""", null, null, "fine", null, null);
        document = (await transform.RunAsync([row], 1, Cancellation))[0][0].Attributes!;
        Assert.Equal(ValueKind.Sparse, document[1].Value.Kind);
    }
}
