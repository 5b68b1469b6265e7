using System.Globalization;
using System.Text.RegularExpressions;

namespace Puff.Server.Tests.Scenarios;

/// <summary>One request and what its answer must be like.</summary>
/// <param name="Title">From the `###` line; begins with the numbers of the check list that the step proves.</param>
/// <param name="Checks">Lines such as "includes {...}", in order.</param>
internal sealed record ScenarioStep(
    string File,
    int Line,
    string Title,
    string Method,
    string Path,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    string Body,
    int Status,
    IReadOnlyList<string> Checks)
{
    public override string ToString() => $"{File}:{Line} {Title}";
}

/// <summary>
/// A scenario file: plain text, readable against any server that speaks the API. tests/scenarios/README.md describes the format.
/// </summary>
internal static partial class Scenario
{
    public static IReadOnlyList<ScenarioStep> Parse(string file, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        var steps = new List<ScenarioStep>();
        int at = 0;
        while (at < lines.Length)
        {
            if (lines[at].StartsWith("###", StringComparison.Ordinal))
            {
                int end = Array.FindIndex(lines, at + 1, l => l.StartsWith("###", StringComparison.Ordinal));
                end = end < 0 ? lines.Length : end;
                steps.Add(ParseStep(file, at + 1, lines[at..end]));
                at = end;
            }
            else if (lines[at].Length == 0 || lines[at].StartsWith('#'))
            {
                at++;
            }
            else
            {
                throw new FormatException($"{file}:{at + 1}: a step begins with ###");
            }
        }

        return steps;
    }

    /// <summary>Puts in variables, {{repeat:x:n}} (the text n times) and {{from..to}} (the integers, separated by commas).</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables) => Placeholder().Replace(text, match =>
    {
        string inside = match.Groups[1].Value;
        string[] repeat = inside.Split(':');
        if (repeat is ["repeat", var unit, var count])
        {
            return string.Concat(Enumerable.Repeat(unit, int.Parse(count, CultureInfo.InvariantCulture)));
        }

        string[] range = inside.Split("..");
        if (range.Length == 2)
        {
            int from = int.Parse(range[0], CultureInfo.InvariantCulture);
            return string.Join(',', Enumerable.Range(from, int.Parse(range[1], CultureInfo.InvariantCulture) - from + 1));
        }

        return variables.TryGetValue(inside, out string? value) ? value : throw new FormatException($"no variable {inside}");
    });

    private static ScenarioStep ParseStep(string file, int line, string[] lines)
    {
        string where = $"{file}:{line}";
        int status = Array.FindIndex(lines, l => l.StartsWith("HTTP ", StringComparison.Ordinal));
        if (status < 0)
        {
            throw new FormatException($"{where}: no line \"HTTP <status>\"");
        }

        string[] request = lines[1..status];
        int empty = Array.FindIndex(request, l => l.Length == 0);
        string[] head = empty < 0 ? request : request[..empty];
        string[] target = head.Length > 0 ? head[0].Split(' ', 2) : [];
        if (target.Length != 2)
        {
            throw new FormatException($"{where}: the second line must be METHOD /path");
        }

        return new ScenarioStep(
            file,
            line,
            lines[0].TrimStart('#', ' '),
            target[0],
            target[1],
            head.Skip(1).Select(ParseHeader).ToList(),
            empty < 0 ? "" : string.Join('\n', request[empty..]).Trim(),
            int.Parse(lines[status]["HTTP ".Length..], CultureInfo.InvariantCulture),
            JoinContinuations(lines[(status + 1)..]));
    }

    private static KeyValuePair<string, string> ParseHeader(string line)
    {
        string[] parts = line.Split(':', 2);
        return KeyValuePair.Create(parts[0], parts[1].Trim());
    }

    /// <summary>Lines that begin with white space continue the one before.</summary>
    private static List<string> JoinContinuations(string[] lines)
    {
        var joined = new List<string>();
        foreach (string line in lines.Where(l => l.Length > 0 && !l.StartsWith('#')))
        {
            if (char.IsWhiteSpace(line[0]))
            {
                joined[^1] += "\n" + line;
            }
            else
            {
                joined.Add(line);
            }
        }

        return joined;
    }

    [GeneratedRegex(@"\{\{([^{}]*)\}\}")]
    private static partial Regex Placeholder();
}
