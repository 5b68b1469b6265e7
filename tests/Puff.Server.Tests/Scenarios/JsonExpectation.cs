using System.Globalization;
using System.Text.Json;

namespace Puff.Server.Tests.Scenarios;

/// <summary>
/// Compares JSON with what was expected of it. Integers are compared digit by digit; numbers with a point or exponent in the expectation within one part in a
/// million. The strings "any", "string", "integer", "number" and "time" in angle brackets stand for every such value.
/// </summary>
internal static class JsonExpectation
{
    private const double Tolerance = 1e-6;

    /// <param name="exactObjects">Whether objects must have no further members.</param>
    /// <returns>What differs first, or null.</returns>
    public static string? Difference(JsonElement actual, JsonElement expected, bool exactObjects, string path = "$")
    {
        if (expected.ValueKind == JsonValueKind.String && expected.GetString() is { Length: > 2 } text && text[0] == '<' && text[^1] == '>')
        {
            return FitsPlaceholder(actual, text[1..^1]) ? null : $"{path}: expected {text}, got {actual.GetRawText()}";
        }

        return (expected.ValueKind, actual.ValueKind) switch
        {
            (JsonValueKind.Object, JsonValueKind.Object) => DifferenceOfObjects(actual, expected, exactObjects, path),
            (JsonValueKind.Array, JsonValueKind.Array) => DifferenceOfArrays(actual, expected, exactObjects, path),
            _ => IsSameScalar(actual, expected) ? null : $"{path}: expected {expected.GetRawText()}, got {actual.GetRawText()}",
        };
    }

    private static bool IsSameScalar(JsonElement actual, JsonElement expected) => actual.ValueKind == expected.ValueKind && expected.ValueKind switch
    {
        JsonValueKind.Number => IsSameNumber(actual.GetRawText(), expected.GetRawText()),
        JsonValueKind.String => actual.GetString() == expected.GetString(),
        _ => true,
    };

    private static string? DifferenceOfObjects(JsonElement actual, JsonElement expected, bool exact, string path)
    {
        foreach (var member in expected.EnumerateObject())
        {
            if (!actual.TryGetProperty(member.Name, out var value))
            {
                return $"{path}.{member.Name} is missing";
            }

            if (Difference(value, member.Value, exact, $"{path}.{member.Name}") is { } difference)
            {
                return difference;
            }
        }

        foreach (var member in actual.EnumerateObject())
        {
            if (exact && !expected.TryGetProperty(member.Name, out _))
            {
                return $"{path}.{member.Name} was not expected: {member.Value.GetRawText()}";
            }
        }

        return null;
    }

    private static string? DifferenceOfArrays(JsonElement actual, JsonElement expected, bool exact, string path)
    {
        if (actual.GetArrayLength() != expected.GetArrayLength())
        {
            return $"{path}: expected {expected.GetArrayLength()} elements, got {actual.GetArrayLength()}: {actual.GetRawText()}";
        }

        for (int i = 0; i < expected.GetArrayLength(); i++)
        {
            if (Difference(actual[i], expected[i], exact, $"{path}[{i}]") is { } difference)
            {
                return difference;
            }
        }

        return null;
    }

    private static bool IsSameNumber(string actual, string expected)
    {
        if (actual == expected)
        {
            return true;
        }

        double wanted = double.Parse(expected, CultureInfo.InvariantCulture);
        double given = double.Parse(actual, CultureInfo.InvariantCulture);
        bool isInteger = expected.IndexOfAny(['.', 'e', 'E']) < 0;

        // "2" may be written "2.0", but large integers must not have passed through a double.
        return isInteger ? wanted == given && Math.Abs(wanted) < 1e15 : Math.Abs(wanted - given) <= Tolerance * Math.Max(1, Math.Abs(wanted));
    }

    private static bool FitsPlaceholder(JsonElement actual, string kind) => kind switch
    {
        "any" => true,
        "string" => actual.ValueKind == JsonValueKind.String,
        "number" => actual.ValueKind == JsonValueKind.Number,
        "integer" => actual.ValueKind == JsonValueKind.Number && long.TryParse(actual.GetRawText(), CultureInfo.InvariantCulture, out _),
        "time" => actual.ValueKind == JsonValueKind.String && actual.GetString()!.EndsWith('Z')
            && DateTimeOffset.TryParse(actual.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        _ => throw new FormatException($"no placeholder <{kind}>"),
    };
}
