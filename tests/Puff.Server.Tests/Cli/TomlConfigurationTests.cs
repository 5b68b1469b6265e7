using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Puff.Configuration;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>Our part of TOML: what is accepted means the same to every TOML reader, what is not is refused with file and line.</summary>
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
    [InlineData("a = word", "file.toml:1: 'word' is no string, number or boolean; put text in quotes")]
    [InlineData("a = \"open", "file.toml:1: the string has no closing quote")]
    [InlineData("\n\na = {b = 1}", "file.toml:3: a value was expected; inline tables are not supported")]
    [InlineData("a = 1 b = 2", "file.toml:1: one entry a line")]
    [InlineData("[[a]]", "file.toml:1: arrays of tables are not supported")]
    [InlineData("a = \"\"\"x\"\"\"", "file.toml:1: multi-line strings are not supported")]
    [InlineData("a = 1979-05-27", "file.toml:1: '1979-05-27' is no string, number or boolean; put text in quotes")]
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

    [Fact]
    public void What_the_standard_calls_invalid_is_refused()
    {
        string[] wrong = [.. Cases().Where(one => !one.IsValid && one.Text != null && TryRead(one.Text) != null).Select(one => one.Name)];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void What_is_accepted_means_what_the_standard_says()
    {
        int accepted = 0;
        foreach (TomlCase one in Cases().Where(one => one.IsValid))
        {
            if (TryRead(one.Text!) is not { } entries)
            {
                continue;
            }

            accepted++;
            var expected = Flatten("", one.Expected!.Value).ToDictionary(pair => pair.Key, pair => pair.Value);
            Assert.True(entries.Count == expected.Count, $"{one.Name}: {entries.Count} entries, not {expected.Count}");
            Assert.All(entries, entry => Assert.Equal(Normal(expected[entry.Key]), Normal(string.Join('|', entry.Values))));
        }

        Assert.InRange(accepted, 40, 300);
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

    private sealed record TomlCase(string Name, bool IsValid, string? Text, JsonElement? Expected);

    /// <summary>toml-test's cases for TOML 1.0.0. Text is null where the bytes are not UTF-8: such a file never becomes text.</summary>
    private static IEnumerable<TomlCase> Cases()
    {
        using var stream = new GZipStream(File.OpenRead(Repository.Resolve("tests/Puff.Server.Tests/Cli/toml/cases.ndjson.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            JsonElement one = JsonSerializer.Deserialize<JsonElement>(line);
            if (one.GetProperty("versions").EnumerateArray().Any(version => version.GetString() == "1.0.0"))
            {
                JsonElement? expected = one.TryGetProperty("expected", out JsonElement tagged) ? tagged : null;
                string? text = Decode(one.GetProperty("toml_base64").GetBytesFromBase64());
                yield return new TomlCase(one.GetProperty("name").GetString()!, one.GetProperty("valid").GetBoolean(), text, expected);
            }
        }
    }

    private static string? Decode(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string prefix, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            return [new(prefix, string.Join('|', value.EnumerateArray().Select(Scalar)))];
        }

        return value.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String
            ? [new(prefix, Scalar(value))]
            : value.EnumerateObject().SelectMany(child => Flatten(prefix.Length == 0 ? child.Name : $"{prefix}.{child.Name}", child.Value));
    }

    // Numbers are kept as written ("3E2"); the cases tell their value ("300").
    private static string Normal(string values) => string.Join('|', values.Split('|').Select(one =>
        double.TryParse(one, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number.ToString(CultureInfo.InvariantCulture) : one));

    private static string Scalar(JsonElement tagged) => tagged.TryGetProperty("value", out JsonElement value) ? value.GetString()! : tagged.GetRawText();
}
