using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.House;

/// <summary>The sources keep the law of ARCHITECTURE.md.</summary>
public class HouseRulesTests
{
    private static readonly ArchitectureTables Law = ArchitectureTables.Parse(File.ReadAllText(Repository.Resolve("ARCHITECTURE.md")));

    private static readonly SourceFile[] Sources =
        new[] { "src", "tests", "bench" }.SelectMany(folder => Repository.Files(folder, ".cs")).Select(SourceFile.Read).ToArray();

    [Fact]
    public void The_rules_look_at_the_sources_of_every_assembly()
    {
        foreach (string assembly in Law.Assemblies.Keys)
        {
            bool isSeen = Sources.Any(file => file.Path.StartsWith($"src/{assembly}/", StringComparison.Ordinal));
            Assert.True(isSeen, $"no source of {assembly} was read");
        }
    }

    [Fact]
    public void Arrows_point_down() => AssertNone(HouseRules.Arrows(Law, Sources));

    [Fact]
    public void Every_room_has_a_row_and_every_row_a_room() => AssertNone(HouseRules.Rooms(Law, Sources));

    [Fact]
    public void Only_the_formats_know_bytes() => AssertNone(HouseRules.Bytes(Law, Sources));

    [Fact]
    public void Only_storage_does_input_and_output() => AssertNone(HouseRules.InputOutput(Law, Sources));

    [Fact]
    public void Nothing_is_left_unfinished_or_skipped() => AssertNone(HouseRules.Unfinished(Law, Sources));

    [Fact]
    public void Lines_and_files_fit_a_reader() => AssertNone(HouseRules.Sizes(Law, Sources));

    [Fact]
    public void Assemblies_use_what_their_row_names() => AssertNone(HouseRules.References(Law, Repository.Files("src", ".csproj").Select(SourceFile.Read)));

    [Fact]
    public void Every_exception_is_still_needed()
    {
        ArchitectureTables strict = Law with { Exceptions = new HashSet<(string, string)>() };
        string[] complaints =
        [
            .. HouseRules.Bytes(strict, Sources),
            .. HouseRules.InputOutput(strict, Sources),
            .. HouseRules.Unfinished(strict, Sources),
            .. HouseRules.Sizes(strict, Sources),
        ];
        var idle = Law.Exceptions.Where(one => !complaints.Any(text => text.StartsWith(one.File + ":", StringComparison.Ordinal)));
        Assert.Empty(idle);
    }

    private static void AssertNone(IEnumerable<string> complaints) => Assert.True(!complaints.Any(), string.Join('\n', complaints));
}
