using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Puff.Sync.Toml;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Sync.Tests.Toml;

/// <summary>The whole of TOML 1.0: every case of the public suite, and messages with file and line.</summary>
public class TomlReaderTests
{
    [Fact]
    public void What_the_standard_calls_invalid_is_refused()
    {
        var cases = Cases().Where(one => !one.IsValid).ToList();
        Assert.InRange(cases.Count, 400, 600);
        string[] wrong = [.. cases.Where(one => TryRead(one.Bytes) != null).Select(one => one.Name)];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void What_the_standard_calls_valid_means_what_it_says()
    {
        var cases = Cases().Where(one => one.IsValid).ToList();
        Assert.InRange(cases.Count, 190, 300);
        var wrong = new List<string>();
        foreach (TomlCase one in cases)
        {
            string? difference;
            try
            {
                difference = Difference("", one.Expected!.Value, TomlReader.Read(one.Bytes, "file.toml"));
            }
            catch (TomlException error)
            {
                difference = error.Message;
            }

            if (difference != null)
            {
                wrong.Add($"{one.Name}: {difference}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("a = 1\na = 2", "file.toml:2: key 'a' appears twice")]
    [InlineData("a = word", "file.toml:1: 'word' is no string, number, date or boolean; put text in quotes")]
    [InlineData("a = \"open", "file.toml:1: the string has no closing quote")]
    [InlineData("\n\na = {b = 1\n}", "file.toml:3: ',' or '}' was expected; an inline table stands on one line")]
    [InlineData("a = 1 b = 2", "file.toml:1: one entry a line")]
    [InlineData("[a]\n[b]\n[a]", "file.toml:3: 'a' appears twice")]
    [InlineData("a = 1979-02-29", "file.toml:1: '1979-02-29' is no date or time")]
    [InlineData("a = 9223372036854775808", "file.toml:1: '9223372036854775808' does not fit 64 bits")]
    [InlineData("a = \"\"\"\n\n", "file.toml:3: the string over several lines has no closing quotes")]
    [InlineData("a = [\n 1\n 2]", "file.toml:3: ',' or ']' was expected in the array")]
    public void What_is_wrong_is_named_with_its_line(string text, string message) =>
        Assert.Equal(message, Assert.Throws<TomlException>(() => TomlReader.Read(text, "file.toml")).Message);

    [Fact]
    public void Values_know_their_lines()
    {
        TomlTable root = TomlReader.Read("a = 1\n[t]\nb = [\n 'x',\n 'y']\n[[u]]\nc = 1", "file.toml");
        Assert.Equal(1, root.Find("a")!.Line);
        TomlTable table = Assert.IsType<TomlTable>(root.Find("t"));
        Assert.Equal([4, 5], Assert.IsType<TomlArray>(table.Find("b")).Items.Select(item => item.Line));
        Assert.Equal(7, Assert.IsType<TomlTable>(Assert.IsType<TomlArray>(root.Find("u")).Items[0]).Find("c")!.Line);
    }

    [Fact]
    public void Depth_is_bounded()
    {
        string deep = "a = " + new string('[', 100_000);
        Assert.Equal("file.toml:1: nested more than 128 deep", Assert.Throws<TomlException>(() => TomlReader.Read(deep, "file.toml")).Message);
        Assert.Throws<TomlException>(() => TomlReader.Read("a = " + string.Concat(Enumerable.Repeat("{a=", 100_000)), "file.toml"));
        Assert.Throws<TomlException>(() => TomlReader.Read(string.Join('.', Enumerable.Repeat("a", 100_000)) + "=1", "file.toml"));
    }

    [Fact]
    public void Whatever_the_bytes_they_are_read_or_refused()
    {
        var random = new Random(6);
        foreach (TomlCase one in Cases())
        {
            for (int round = 0; round < 20; round++)
            {
                byte[] bytes = one.Bytes[..random.Next(one.Bytes.Length + 1)];
                for (int flips = random.Next(3); flips > 0 && bytes.Length > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                _ = TryRead(bytes);
            }
        }
    }

    private static TomlTable? TryRead(byte[] bytes)
    {
        try
        {
            return TomlReader.Read(bytes, "file.toml");
        }
        catch (TomlException)
        {
            return null;
        }
    }

    private static string? Difference(string where, JsonElement expected, TomlValue actual)
    {
        if (expected.ValueKind == JsonValueKind.Array)
        {
            return actual is TomlArray array && array.Items.Count == expected.GetArrayLength()
                ? array.Items.Select((item, index) => Difference($"{where}[{index}]", expected[index], item)).FirstOrDefault(one => one != null)
                : $"{where}: not the same array";
        }

        if (expected.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String)
        {
            return actual is TomlScalar scalar && IsSame(type.GetString()!, expected.GetProperty("value").GetString()!, scalar)
                ? null
                : $"{where}: {expected.GetRawText()}, not {actual} of kind {actual.Kind}";
        }

        return actual is TomlTable table && table.Entries.Count == expected.EnumerateObject().Count()
            ? expected.EnumerateObject()
                .Select(one => table.Find(one.Name) is { } value ? Difference($"{where}.{one.Name}", one.Value, value) : $"{where}.{one.Name} is missing")
                .FirstOrDefault(one => one != null)
            : $"{where}: not the same keys";
    }

    private static bool IsSame(string type, string value, TomlScalar actual) => type switch
    {
        "string" => actual.Kind == TomlKind.String && actual.Text.ReplaceLineEndings("\n") == value.ReplaceLineEndings("\n"),
        "integer" => actual.Kind == TomlKind.Integer && actual.Integer.ToString(CultureInfo.InvariantCulture) == value,
        "float" => actual.Kind == TomlKind.Float && actual.Number.Equals(Number(value)),
        "bool" => actual.Kind == TomlKind.Boolean && actual.Text == value && actual.Integer == (value == "true" ? 1 : 0),
        "datetime" => actual.Kind == TomlKind.OffsetDateTime && DateTimeOffset.Parse(actual.Text, CultureInfo.InvariantCulture)
            == DateTimeOffset.Parse(value, CultureInfo.InvariantCulture),
        "datetime-local" => actual.Kind == TomlKind.LocalDateTime && WithoutZeros(actual.Text) == WithoutZeros(value),
        "date-local" => actual.Kind == TomlKind.LocalDate && actual.Text == value,
        "time-local" => actual.Kind == TomlKind.LocalTime && WithoutZeros(actual.Text) == WithoutZeros(value),
        _ => false,
    };

    private static string WithoutZeros(string time) => time.Contains('.', StringComparison.Ordinal) ? time.TrimEnd('0').TrimEnd('.') : time;

    private static double Number(string value) => value.TrimStart('+', '-') switch
    {
        "inf" => value[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity,
        "nan" => double.NaN,
        _ => double.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private sealed record TomlCase(string Name, bool IsValid, byte[] Bytes, JsonElement? Expected);

    private static IEnumerable<TomlCase> Cases()
    {
        using var stream = new GZipStream(File.OpenRead(Repository.Resolve("tests/data/toml/cases.ndjson.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            JsonElement one = JsonSerializer.Deserialize<JsonElement>(line);
            if (one.GetProperty("versions").EnumerateArray().Any(version => version.GetString() == "1.0.0"))
            {
                JsonElement? expected = one.TryGetProperty("expected", out JsonElement tagged) ? tagged : null;
                yield return new TomlCase(
                    one.GetProperty("name").GetString()!, one.GetProperty("valid").GetBoolean(), one.GetProperty("toml_base64").GetBytesFromBase64(), expected);
            }
        }
    }
}
