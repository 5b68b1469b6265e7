using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>Attributes, declarations and what is refused when a mapping is applied: lines 9 and 11, on the side of documents.</summary>
public sealed class DocumentPlanTests
{
    private static readonly TableShape Posts = Table(
        Column("id", "int8"), Column("title", "varchar", 4 + 200), Column("body", "text"), Column("data", "jsonb"), Column("v", "vector", 3));

    [Fact]
    public void The_schema_names_every_attribute()
    {
        var plan = new DocumentPlan(Mapping(m => m with { VersionAttribute = "_sync_position", RowHashAttribute = "_sync_row" }), Posts);
        Assert.Equal(
            "id:uint body:string+ data:string- title:string+ v:[3]f32 ann _sync_position:string+ _sync_row:string-", Declarations(plan.Schema()));
        Assert.Equal(["body"], PlanDecisions.ColumnsToSample(plan.Mapping, Posts));
        var sampled = PlanDecisions.Make(plan.Mapping, Posts, new Dictionary<string, int> { ["body"] = 1025 });
        Assert.Contains("body:string-", Declarations(new DocumentPlan(plan.Mapping, Posts, sampled).Schema()), StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_mapping_declares_wins()
    {
        AttributeUpdate[] declared =
        [
            new("body") { Type = "string", FullText = new FullTextUpdate(true) }, new("extra") { Type = "float" }, new("title") { Filterable = false },
        ];
        var plan = new DocumentPlan(Mapping(m => m with { Target = m.Target with { Schema = declared } }), Posts);
        var schema = plan.Schema();
        Assert.True(schema.Attributes.Single(a => a.Name == "body").FullText!.Enabled);
        Assert.Equal("float", schema.Attributes.Single(a => a.Name == "extra").Type);
        Assert.Equal(("string", false), (schema.Attributes.Single(a => a.Name == "title").Type, schema.Attributes.Single(a => a.Name == "title").Filterable));
        var exported = new SchemaUpdate([new AttributeUpdate("extra") { Type = "int" }]);
        Assert.Equal("schema_twice", Assert.Throws<SyncException>(() => plan.Schema(exported)).Code);
    }

    [Fact]
    public void A_long_text_makes_its_attribute_unfilterable_once()
    {
        var plan = new DocumentPlan(Mapping(), Posts);
        var converter = plan.Bind(Shape(Posts));
        for (int i = 0; i < 2; i++)
        {
            var row = Change(ChangeKind.Insert, Shape(Posts), ["1", "t", new string('x', 5000), null, "[1,2,3]"]).New;
            Assert.Equal(5000, converter.Upsert(Value.UInt(1), row, Position, 0).Attributes.Single(a => a.Key == "body").Value.AsBytes.Length);
        }

        Assert.Equal((2, "body"), (plan.SchemaRevision, Assert.Single(plan.Unfilterable)));
        Assert.Contains("body:string-", Declarations(plan.Schema()), StringComparison.Ordinal);
    }

    [Fact]
    public void Provenance_and_nulls()
    {
        var plan = new DocumentPlan(
            Mapping(m => m with
            {
                VersionAttribute = "_sync_position", RowHashAttribute = "_sync_row",
                Attributes = new AttributeOptions { Nulls = NullPolicy.Null, Drop = ["body"] },
                Target = m.Target with { Shared = true, IdPrefix = "p" }, Id = new IdDefinition(Type: IdType.String),
            }),
            Posts);
        var converter = plan.Bind(Shape(Posts));
        var row = Change(ChangeKind.Insert, Shape(Posts), ["1", null, "b", null, "[1,2,3]"]).New;
        var document = converter.Upsert(converter.Ids.Read(row), row, Position, 0);
        Assert.Equal(
            $"Upsert 'p1' data=null title=null v=<1,2,3> _sync_position='0000000000000ABC/00000003' _sync_row='{converter.HashOf(row)}' _sync_mapping='posts'",
            Show(document));
        Assert.Equal(Position.ToString(), document.Attributes.Single(a => a.Key == "_sync_position").Value.AsString);
        var other = Change(ChangeKind.Insert, Shape(Posts), ["1", "", "b", null, "[1,2,3]"]).New;
        Assert.NotEqual(converter.HashOf(row), converter.HashOf(other));
    }

    [Fact]
    public void A_missing_vector_means_no_document_zeros_or_an_error()
    {
        var row = Change(ChangeKind.Insert, Shape(Posts), ["1", null, null, null, null]).New;
        DocumentAction Upsert(VectorNullPolicy policy)
        {
            var options = new AttributeOptions { VectorNull = policy };
            return new DocumentPlan(Mapping(m => m with { Attributes = options }), Posts).Bind(Shape(Posts)).Upsert(Value.UInt(1), row, Position, 0);
        }


        Assert.Equal("Delete 1u", Show(Upsert(VectorNullPolicy.NoDocument)));
        Assert.Equal("Upsert 1u v=<0,0,0>", Show(Upsert(VectorNullPolicy.Zero)));
        Assert.Equal("vector_null", Assert.Throws<RowException>(() => Upsert(VectorNullPolicy.Fail)).Code);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Equal("vector_metric_missing", Refusal(m => m with { Target = m.Target with { Metric = null } }));
        Assert.Equal("column_not_found", Refusal(m => m with { Source = m.Source with { Columns = ["title", "titel"] } }));
        foreach (string name in (string[])["title", "$x", ""])
        {
            var renamed = new AttributeOptions { Rename = new Dictionary<string, string> { ["body"] = name } };
            Assert.Equal("attribute_name", Refusal(m => m with { Attributes = renamed }));
        }

        foreach (string type in (string[])["bool", "text"])
        {
            var retyped = new AttributeOptions { Types = new Dictionary<string, string> { ["body"] = type } };
            Assert.Equal("attribute_type", Refusal(m => m with { Attributes = retyped }));
        }

        var three = Table(Column("id", "int8"), Column("a", "vector", 1), Column("b", "vector", 1), Column("c", "halfvec", 1));
        Assert.Equal("too_many_vectors", Assert.Throws<SyncException>(() => new DocumentPlan(Mapping(), three)).Code);
        var composite = new TableShape("public", "posts", [Column("tenant", "int4"), Column("id", "int4")], ["tenant", "id"]);
        Assert.Equal("attribute_name", Assert.Throws<SyncException>(() => new DocumentPlan(Mapping(), composite)).Code);
        var warnings = new DocumentPlan(Mapping(), Table(Column("id", "int8"), Column("m", "money"))).Warnings;
        Assert.Contains(warnings, w => w.Contains("money", StringComparison.Ordinal));
    }

    [Fact]
    public void Columns_are_found_by_name_whatever_order_a_shape_has()
    {
        var plan = new DocumentPlan(Mapping(m => m with { Source = m.Source with { Columns = ["title"] } }), Posts);
        var shape = new RelationShape(1, "public", "posts", ReplicaIdentity.Default,
            [new("new", 25, -1, false), new("title", 1043, -1, false), new("id", 20, -1, true)]);
        var converter = plan.Bind(shape);
        Assert.Equal("Upsert 5u title='t'", Show(converter.Upsert(Value.UInt(5), Change(ChangeKind.Insert, shape, ["n", "t", "5"]).New, Position, 0)));
        Assert.Empty(converter.Missing);
        var dropped = plan.Bind(shape with { Columns = [shape.Columns[2]] });
        Assert.Equal(["title"], dropped.Missing);
    }

    private static string Refusal(Func<MappingDefinition, MappingDefinition> change) =>
        Assert.Throws<SyncException>(() => new DocumentPlan(Mapping(change), Posts)).Code;

    private static string Declarations(SchemaUpdate schema) => string.Join(' ', schema.Attributes.Select(a =>
        $"{a.Name}:{a.Type}{(a.Filterable switch { true => "+", false => "-", null => "" })}{(a.Ann == true ? " ann" : "")}"));
}
