using Puff.Configuration;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>Settings in TOML: keys with their tables and lines, and what cannot be a setting is refused.</summary>
public class TomlConfigurationTests
{
    [Fact]
    public void Settings_are_read_with_their_lines()
    {
        var entries = Read(
            """
            # a comment
            listen = "0.0.0.0:8080"   # behind a value
            store = 'C:\data'
            api_key = [
              "one", # first
              "two",
            ]
            [limits]
            rows.most = 1_000
            "quoted key" = true
            ratio = -0.5e3
            """);
        Assert.Equal(
            [
                "listen@2=0.0.0.0:8080", @"store@3=C:\data", "api_key@4=one|two",
                "limits.rows.most@9=1000", "limits.quoted key@10=true", "limits.ratio@11=-0.5e3",
            ],
            entries.Select(entry => $"{entry.Key}@{entry.Line}={string.Join('|', entry.Values)}"));
    }

    [Fact]
    public void Escapes_become_characters() => Assert.Equal("a\"\\\t\u00e9\U0001F41F", Read("x = \"a\\\"\\\\\\t\\u00e9\\U0001F41F\"").Single().Values[0]);

    [Theory]
    [InlineData("a = 1\na = 2", "file.toml:2: key 'a' appears twice")]
    [InlineData("\na = [{b = 1}]", "file.toml:2: 'a' cannot be a table; write a text, a number, true, false, or a list of them")]
    [InlineData("[[a]]", "file.toml:1: 'a' cannot be a table; write a text, a number, true, false, or a list of them")]
    [InlineData("a = 1979-05-27", "file.toml:1: 'a' cannot be a local date; write a text, a number, true, false, or a list of them")]
    public void What_is_not_supported_is_refused_by_name_and_line(string text, string message) =>
        Assert.Equal(message, Assert.Throws<ConfigurationException>(() => Read(text)).Message);

    [Fact]
    public void Every_truncation_is_read_or_refused()
    {
        const string text = "a = \"x\\u00e9\" # c\n[t.\"u\"]\nb = [1, 'two', true,\n -3.5]\n";
        for (int length = 0; length <= text.Length; length++)
        {
            _ = TryRead(text[..length]);
        }
    }

    private static IReadOnlyList<ConfigurationEntry> Read(string text) => new TomlConfiguration().Read(text, "file.toml");

    private static IReadOnlyList<ConfigurationEntry>? TryRead(string text)
    {
        try
        {
            return Read(text);
        }
        catch (ConfigurationException)
        {
            return null;
        }
    }
}
