using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Puff.Commands;

/// <summary>JSON that a user typed as an argument.</summary>
internal static class JsonInput
{
    public static JsonNode Parse(string text, string where)
    {
        try
        {
            return JsonNode.Parse(text) ?? throw new CommandException(ExitCode.Usage, $"{where}: null is no useful value here");
        }
        catch (JsonException error)
        {
            throw new CommandException(ExitCode.Usage, $"{where}: {error.Message} Put JSON in single quotes so that the shell leaves it alone.");
        }
    }

    /// <summary>An id as typed: digits are an integer, everything else (also digits in quotes) is a string.</summary>
    public static JsonNode Id(string text)
    {
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
        {
            return JsonValue.Create(number);
        }

        return text.Length > 1 && text[0] == '"' && text[^1] == '"' ? JsonValue.Create(text[1..^1]) : JsonValue.Create(text);
    }

    /// <summary>"all", "none" or names separated by commas.</summary>
    public static JsonNode Attributes(string text) => text switch
    {
        "all" => JsonValue.Create(true),
        "none" => JsonValue.Create(false),
        _ => new JsonArray([.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(name => JsonValue.Create(name))]),
    };
}
