using System.Text.RegularExpressions;
using Puff.Output;
using Puff.Sync.Migrations;
using Puff.Sync.Tests.Migrations;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>What the guide prints about files works as printed.</summary>
public sealed partial class GuideTests
{
    [Fact]
    public async Task The_guides_commands_and_settings_work()
    {
        string guide = await File.ReadAllTextAsync(Repository.Resolve("docs/guides/sync.md"), TestContext.Current.CancellationToken);
        using var folder = new ProjectFolderFixture();
        string project = Path.Combine(folder.Folder, "mine");
        string[] commands = [.. Command().Matches(guide).Select(match => match.Groups[1].Value.Trim())];
        Assert.Contains("init", commands);
        Assert.Equal(0, await RunAsync("init", project, "--pipeline", "shop", "--no-docker"));
        foreach (string command in commands.Where(one => one.StartsWith("new ", StringComparison.Ordinal)))
        {
            string[] given = command.Contains("--template", StringComparison.Ordinal) ? [] : ["--yes"];
            Assert.True(await RunAsync([.. command.Split(' '), "--project", project, .. given]) == 0, command);
            if (command.StartsWith("new posts ", StringComparison.Ordinal))
            {
                string block = guide[(guide.IndexOf("```toml", StringComparison.Ordinal) + 8)..];
                File.WriteAllText(Path.Combine(project, "migrations/0001_posts/migration.toml"), block[..block.IndexOf("```", StringComparison.Ordinal)]);
            }
        }

        Assert.Equal(0, await RunAsync("check", "--offline", "--project", project));
        Migration first = SyncProject.Open(folder.Search with { Project = project }).ReadHistory().Migrations[0];
        Assert.Equal("text", first.Definition!.Attributes.Rename["body"]);
    }

    private static async Task<int> RunAsync(params string[] arguments) =>
        await CommandLine.RunAsync(["sync", .. arguments], new Terminal(TextReader.Null, new StringWriter(), new StringWriter()));

    [GeneratedRegex("^puff sync ([^#\n]*)", RegexOptions.Multiline)]
    private static partial Regex Command();
}
