using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>Rows as TypeScript sees them.</summary>
public class TypeDeclarationTests
{
    private static readonly TypeShape Text = new(25, "text");

    private static readonly TableShape Table = new(
        "public", "posts",
        [
            new("id", new TypeShape(20, "int8"), IsNullable: false), new("title", Text), new("odd name", new TypeShape(3802, "jsonb")),
            new("mood", new TypeShape(1, "mood", TypeCategory.Enum) { Labels = ["sad", "it's"] }, IsNullable: false),
            new("tags", new TypeShape(1009, "_text", TypeCategory.Array) { Inner = Text }),
            new("price", new TypeShape(2, "amount", TypeCategory.Domain) { Inner = new TypeShape(1700, "numeric") }),
            new("place", new TypeShape(3, "place", TypeCategory.Composite) { Fields = [new FieldShape("x", new TypeShape(701, "float8"))] }),
            new("vector", new TypeShape(4, "vector")), new("search", new TypeShape(3614, "tsvector")) { IsGenerated = true },
        ],
        ["id"]);

    [Fact]
    public void Every_category_has_its_type() => Assert.Equal(
        """
        // Written by `puff sync generate` from public.posts. Do not edit.
        export interface BlogPosts {
          id: bigint; // int8
          title: string | null; // text
          "odd name": unknown | null; // jsonb
          mood: "sad" | "it\u0027s"; // mood enum {"sad", "it\u0027s"}
          tags: (string | null)[] | null; // _text array {"text"}
          price: string | null; // numeric
          place: { x: number | null } | null; // place composite {}
          vector: Float32Array | null; // vector
        }

        export const columns = ["id", "title", "odd name", "mood", "tags", "price", "place", "vector"] as const;
        export const primaryKey = ["id"] as const;

        """,
        TypeDeclarations.Write(Definition(new SourceDefinition("posts")), Table),
        ignoreLineEndingDifferences: true);

    [Fact]
    public void Comments_tell_the_table_where_no_database_can_be_asked()
    {
        string text = TypeDeclarations.Write(Definition(new SourceDefinition("posts")), Table);
        var read = GeneratedTable.Read(text);
        Assert.Equal(("public", "posts"), (read.Schema, read.Table));
        Assert.Equal(["id"], read.PrimaryKey);
        Assert.Equal([false, true, true, false, true, true, true, true], read.Columns.Select(column => column.IsNullable));
        Assert.Equal(text.Split('\n').Select(CommentOf), TypeDeclarations.Write(Definition(new SourceDefinition("posts")), read).Split('\n').Select(CommentOf));
        Assert.Throws<FormatException>(() => GeneratedTable.Read("export interface Posts {}"));

        static string CommentOf(string line) => line[(line.IndexOf("; //", StringComparison.Ordinal) + 1)..];
    }

    [Fact]
    public void Key_and_filter_columns_come_by_themselves()
    {
        var source = new SourceDefinition("posts", Columns: ["title"], Where: "mood = 'sad'");
        Assert.Equal(["id", "title", "mood"], TypeDeclarations.ColumnsOf(Definition(source), Table).Select(column => column.Name));
        SyncException error = Assert.Throws<SyncException>(() => TypeDeclarations.ColumnsOf(Definition(source with { Columns = ["titel"] }), Table));
        Assert.Equal("column_not_found", error.Code);
        Assert.StartsWith("Column `titel` is not in public.posts. Columns: id, title", error.Message);
    }

    private static MappingDefinition Definition(SourceDefinition source) => new() { Name = "blog_posts", Source = source, Target = new TargetDefinition("posts") };
}
