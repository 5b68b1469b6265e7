using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.House;

/// <summary>Each house rule can fail, and names the line; and what looks similar but is right passes.</summary>
public class HouseRulesSampleTests
{
    private const string Table = """
        | Assembly | May use | Packages it may bring in | What it is |
        |---|---|---|---|
        | Puff.Engine | | Some.Package | engine |
        | Puff.Server | Puff.Engine | | server |

        | Room | May use | What lives here |
        |---|---|---|
        | Queries | Schema | queries |
        | Schema | | types |
        | Storage | | stores |
        | Text | Schema | Not built yet |

        | Sync room | May use | What lives here |
        |---|---|---|
        | Verbs | Changes | verbs |
        | Changes | | changes |

        | File | Rule | Reason |
        |---|---|---|
        | src/Puff.Engine/Schema/Excused.cs | bytes | because |
        """;

    private static readonly ArchitectureTables Law = ArchitectureTables.Parse(Table);

    [Fact]
    public void An_arrow_that_points_up_is_named_with_its_line()
    {
        string[] complaints = [.. HouseRules.Arrows(Law, [Engine("Schema/A.cs", "// a comment", "using Puff.Engine.Queries;")])];
        Assert.Equal(["src/Puff.Engine/Schema/A.cs:2: Schema may not use Queries (ARCHITECTURE.md)"], complaints);
    }

    [Fact]
    public void The_rooms_of_the_sync_have_arrows_of_their_own()
    {
        SourceFile[] files =
        [
            Sync("Verbs/Verb.cs", "using Puff.Sync.Changes;", "using Puff.Engine.Queries;", "namespace Puff.Sync.Verbs;", "internal sealed class Verb;"),
            Sync("Changes/Change.cs", "using Puff.Sync.Verbs;", "namespace Puff.Sync.Changes;"), Sync("Changes/Batch.cs", "    Verbs.Verb verb;", "namespace Puff.Sync.Changes;"),
        ];
        Assert.Equal(
            ["src/Puff.Sync/Changes/Change.cs:1: Changes may not use Verbs (ARCHITECTURE.md)", "src/Puff.Sync/Changes/Batch.cs:1: Changes may not use Verbs (ARCHITECTURE.md)"],
            HouseRules.Arrows(Law, files));
        SourceFile[] misplaced = [.. files, Sync("Attic/A.cs"), Sync("Verbs/B.cs", "namespace Puff.Sync.Verb;")];
        Assert.Equal(2, HouseRules.Rooms(Law, misplaced).Count(text => text.StartsWith("src/Puff.Sync/", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_qualified_name_is_an_arrow_too()
    {
        SourceFile plan = Engine("Queries/Plan.cs", "internal sealed record Plan;");
        Assert.Single(HouseRules.Arrows(Law, [plan, Engine("Schema/A.cs", "    Queries.Plan plan;")]));
        Assert.Single(HouseRules.Arrows(Law, [plan, Engine("Schema/A.cs", "    Puff.Engine.Queries.Plan plan;")]));
    }

    [Fact]
    public void Downward_arrows_comments_strings_and_members_called_like_rooms_pass()
    {
        SourceFile plan = Engine("Queries/Plan.cs", "using Puff.Engine.Schema;", "internal sealed record Plan;");
        SourceFile other = Engine(
            "Schema/A.cs",
            "/// <see cref=\"Puff.Engine.Queries.Plan\"/>",
            "var text = \"Puff.Engine.Queries\";",
            "int n = Queries.Count + request.Queries.Plan;",
            "/* Queries.Plan */");
        Assert.Empty(HouseRules.Arrows(Law, [plan, other]));
    }

    [Fact]
    public void A_folder_without_a_row_a_row_without_a_folder_and_a_wrong_namespace_are_found()
    {
        string[] complaints =
        [
            .. HouseRules.Rooms(
                Law, [Engine("Queries/A.cs", "namespace Puff.Engine.Query;"), Engine("Cupboard/B.cs"), Engine("Text/C.cs"), Engine("Schema/D.cs")]),
        ];
        Assert.Equal(4, complaints.Count(text => !text.Contains("src/Puff.Sync/", StringComparison.Ordinal)));
        Assert.Contains(complaints, text => text.Contains("Cupboard", StringComparison.Ordinal));
        Assert.Contains(complaints, text => text.Contains("room Storage has no folder", StringComparison.Ordinal));
        Assert.Contains(complaints, text => text.Contains("Text is marked as not built yet", StringComparison.Ordinal));
        Assert.Contains(complaints, text => text.StartsWith("src/Puff.Engine/Queries/A.cs:1:", StringComparison.Ordinal));
    }

    [Fact]
    public void Bytes_outside_the_formats_are_found_unless_excused()
    {
        const string line = "int n = BinaryPrimitives.ReadInt32LittleEndian(span);";
        Assert.Single(HouseRules.Bytes(Law, [Engine("Queries/A.cs", line)]));
        Assert.Empty(HouseRules.Bytes(Law, [Engine("Formats/A.cs", line), Engine("Schema/Excused.cs", line), new SourceFile("src/Puff.Server/A.cs", line)]));
    }

    [Theory]
    [InlineData("var text = File.ReadAllText(path);")]
    [InlineData("using System.Net.Http;")]
    [InlineData("using var stream = new FileStream(path, FileMode.Open);")]
    public void Input_and_output_outside_storage_is_found(string line)
    {
        Assert.Single(HouseRules.InputOutput(Law, [Engine("Queries/A.cs", line)]));
        Assert.Empty(HouseRules.InputOutput(Law, [Engine("Storage/A.cs", line), Engine("Queries/B.cs", "var n = profile.File.Name;")]));
    }

    [Fact]
    public void Unfinished_work_is_found()
    {
        // Spelled in halves so that this file does not break the rule it tests.
        string unfinished = "throw new NotImplemented" + "Exception();";
        string skipped = "[Fact(Sk" + "ip = \"later\")]";
        Assert.Equal(2, HouseRules.Unfinished(Law, [Engine("Queries/A.cs", "// TO" + "DO: more", unfinished)]).Count());
        Assert.Single(HouseRules.Unfinished(Law, [new SourceFile("tests/A.cs", skipped)]));
    }

    [Fact]
    public void Long_lines_and_long_files_are_found()
    {
        Assert.Single(HouseRules.Sizes(Law, [Engine("Queries/A.cs", new string('x', HouseRules.MaxLineLength + 1))]));
        Assert.Single(HouseRules.Sizes(Law, [Engine("Queries/A.cs", new string('\n', HouseRules.MaxFileLines))]));
        Assert.Empty(HouseRules.Sizes(Law, [Engine("Queries/A.cs", new string('x', HouseRules.MaxLineLength))]));
        Assert.Empty(HouseRules.Sizes(Law, [new SourceFile("tests/A.cs", $"var body = \"{new string('x', HouseRules.MaxLineLength)}\";")]));
        Assert.Single(HouseRules.Sizes(Law, [new SourceFile("tests/A.cs", new string('x', HouseRules.MaxLineLength + 1))]));
    }

    [Fact]
    public void Foreign_references_and_open_doors_are_found()
    {
        const string reference = "<ProjectReference Include=\"../Puff.Server/Puff.Server.csproj\" />";
        const string package = "<PackageReference Include=\"Other.Package\" />";
        const string door = "<InternalsVisibleTo Include=\"Puff.Server\" />";
        const string project = "src/Puff.Engine/Puff.Engine.csproj";
        Assert.Equal(3, HouseRules.References(Law, [new SourceFile(project, $"{reference}\n{package}\n{door}")]).Count());
        Assert.Single(HouseRules.References(Law, [new SourceFile("src/Puff.Odd/Puff.Odd.csproj", "")]));
        Assert.Empty(HouseRules.References(
            Law, [new SourceFile(project, "<PackageReference Include=\"Some.Package\" />\n<InternalsVisibleTo Include=\"Puff.Tests\" />")]));
    }

    private static SourceFile Sync(string path, params string[] lines) => new("src/Puff.Sync/" + path, string.Join('\n', lines));

    private static SourceFile Engine(string path, params string[] lines) => new("src/Puff.Engine/" + path, string.Join('\n', lines));
}
