using System.Text.RegularExpressions;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.House;

/// <summary>COMPAT.md is counted, and every test it names exists.</summary>
public sealed partial class CompatibilityTests
{
    private const int CheckListItems = 194;
    private static readonly string[] States = ["same", "differs", "absent"];

    private static readonly string[] Lines = File.ReadAllLines(Repository.Resolve("COMPAT.md"));

    /// <summary>The rows of all tables: item number, or nothing before the check list; state; tests.</summary>
    private static readonly (int? Item, string State, string Tests)[] Rows = [.. ReadRows()];

    [Fact]
    public void The_rows_are_counted() => Assert.Contains($"rows: {Count(Rows.Where(row => row.Item is null))}", Lines);

    [Fact]
    public void The_check_list_is_counted() => Assert.Contains($"check list: {Count(Rows.Where(row => row.Item is not null))}", Lines);

    [Fact]
    public void The_check_list_is_complete_and_in_order() =>
        Assert.Equal(Enumerable.Range(1, CheckListItems), Rows.Where(row => row.Item is not null).Select(row => row.Item!.Value));

    [Fact]
    public void Every_row_has_a_state_and_a_test()
    {
        foreach (var row in Rows)
        {
            Assert.True(States.Any(state => row.State.StartsWith(state, StringComparison.Ordinal)), $"\"{row.State}\" begins with no state");
            Assert.True(row.Tests == "all T" || Name().IsMatch(row.Tests), $"\"{row.Tests}\" names no test");
        }
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var known = KnownTests();
        Assert.True(known.Count > 300);
        string[] named = [.. Rows.SelectMany(row => Name().Matches(row.Tests)).SelectMany(Expand).Distinct()];
        Assert.True(named.Length > 200);
        Assert.Empty(named.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal));
    }

    private static string Count(IEnumerable<(int? Item, string State, string Tests)> rows)
    {
        var all = rows.ToArray();
        int[] counts = [.. States.Select(state => all.Count(row => row.State.StartsWith(state, StringComparison.Ordinal)))];
        return $"{counts[0]} same, {counts[1]} differ, {counts[2]} absent";
    }

    private static IEnumerable<(int? Item, string State, string Tests)> ReadRows()
    {
        foreach (string line in Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal)))
        {
            string[] cells = [.. CellBorder().Split(line.Trim()[1..^1]).Select(cell => cell.Trim())];
            if (cells[^1] != "Test")
            {
                Assert.True(cells.Length is 3 or 4, $"{line} has {cells.Length} cells");
                yield return (cells.Length == 4 ? int.Parse(cells[0]) : null, cells[^2], cells[^1]);
            }
        }
    }

    /// <summary>"T[3]", "S[3]", names of scenario files, and names of test classes.</summary>
    private static HashSet<string> KnownTests()
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in Repository.Files("tests/clients/typescript/test", ".mjs"))
        {
            known.UnionWith(ClientTest().Matches(Read(file)).SelectMany(match => Numbers(match.Groups[1].Value)).Select(number => $"T[{number}]"));
        }

        foreach (string file in Repository.Files("tests/scenarios/turbopuffer", ".http"))
        {
            known.Add(Path.GetFileName(file));
            known.UnionWith(StepTitle().Matches(Read(file)).SelectMany(match => Numbers(match.Groups[1].Value)).Select(number => $"S[{number}]"));
        }

        known.UnionWith(Repository.Files("tests", ".cs").SelectMany(file => TestClass().Matches(Read(file))).Select(match => match.Groups[1].Value));
        return known;
    }

    private static string Read(string file) => File.ReadAllText(Repository.Resolve(file));

    /// <summary>"1, 2" and "98 to 102".</summary>
    private static IEnumerable<int> Numbers(string list)
    {
        foreach (string part in list.Split(','))
        {
            int[] ends = [.. part.Split("to").Select(int.Parse)];
            foreach (int number in Enumerable.Range(ends[0], ends[^1] - ends[0] + 1))
            {
                yield return number;
            }
        }
    }

    /// <summary>"T[24]–T[27]" stands for the four.</summary>
    private static IEnumerable<string> Expand(Match match)
    {
        if (match.Groups["last"].Length == 0)
        {
            return [match.Groups["name"].Value];
        }

        int first = int.Parse(match.Groups["first"].Value);
        return Enumerable.Range(first, int.Parse(match.Groups["last"].Value) - first + 1).Select(number => $"{match.Groups["kind"].Value}[{number}]");
    }

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellBorder();

    [GeneratedRegex(@"(?<name>(?<kind>[ST])\[(?<first>\d+)\])(–[ST]\[(?<last>\d+)\])?|`(?<name>[A-Za-z0-9.-]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?:check|test)\('\[([0-9, ]+)\]")]
    private static partial Regex ClientTest();

    [GeneratedRegex(@"^### (\d+(?: to \d+)?(?:, \d+(?: to \d+)?)*)", RegexOptions.Multiline)]
    private static partial Regex StepTitle();

    [GeneratedRegex(@"class (\w+Tests)\b")]
    private static partial Regex TestClass();
}
