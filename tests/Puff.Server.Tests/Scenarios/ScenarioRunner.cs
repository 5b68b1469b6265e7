using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Puff.Server.Tests.Scenarios;

/// <summary>Runs the steps of one scenario in order against one server and stops at the first that fails.</summary>
internal sealed class ScenarioRunner(HttpClient client, string key)
{
    private readonly Dictionary<string, string> variables = new(StringComparer.Ordinal);

    public async Task RunAsync(IReadOnlyList<ScenarioStep> steps, string namespacePrefix)
    {
        variables["ns"] = namespacePrefix;
        foreach (var step in steps)
        {
            using var request = Request(step);
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            byte[] bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            string body = Encoding.UTF8.GetString(response.Content.Headers.ContentEncoding.Contains("gzip") ? Unpack(bytes) : bytes);
            Assert.True((int)response.StatusCode == step.Status, $"{step}: expected status {step.Status}, got {(int)response.StatusCode}: {Shorten(body)}");
            if (step.Status >= 400)
            {
                CheckError(step, response, body);
            }

            foreach (string check in step.Checks)
            {
                Check(step, check, response, body);
            }
        }
    }

    private HttpRequestMessage Request(ScenarioStep step)
    {
        var request = new HttpRequestMessage(new HttpMethod(step.Method), Scenario.Expand(step.Path, variables));
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        if (step.Body.Length > 0)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Scenario.Expand(step.Body, variables)));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach (var (name, value) in step.Headers)
        {
            switch (name, value)
            {
                case (_, "(none)"):
                    request.Headers.Remove(name);
                    break;
                case ("Content-Encoding", "gzip"):
                    request.Content = new ByteArrayContent(Pack(Encoding.UTF8.GetBytes(Scenario.Expand(step.Body, variables))));
                    request.Content.Headers.ContentEncoding.Add(value);
                    break;
                case ("Content-Encoding", _):
                    request.Content!.Headers.ContentEncoding.Add(value);
                    break;
                default:
                    request.Headers.Remove(name);
                    request.Headers.TryAddWithoutValidation(name, value);
                    break;
            }
        }

        return request;
    }

    /// <summary>Check-list 3: every error has exactly these two members.</summary>
    private static void CheckError(ScenarioStep step, HttpResponseMessage response, string body)
    {
        using var expected = JsonDocument.Parse("""{"status": "error", "error": "<string>"}""");
        using var actual = JsonDocument.Parse(body);
        Assert.Null(JsonExpectation.Difference(actual.RootElement, expected.RootElement, exactObjects: true));
        Assert.True(response.Content.Headers.ContentType?.MediaType == "application/json", $"{step}: the error is not application/json");
    }

    private void Check(ScenarioStep step, string check, HttpResponseMessage response, string body)
    {
        string[] parts = check.Split((char[])[' ', '\n'], 2, StringSplitOptions.TrimEntries);
        string argument = Scenario.Expand(parts.Length > 1 ? parts[1] : "", variables);
        switch (parts[0])
        {
            case "equals" or "includes":
                using (var expected = JsonDocument.Parse(argument))
                using (var actual = JsonDocument.Parse(body))
                {
                    string? difference = JsonExpectation.Difference(actual.RootElement, expected.RootElement, parts[0] == "equals");
                    Assert.True(difference is null, $"{step}: {difference}");
                }

                break;
            case "contains":
                Assert.True(Text(body).Contains(argument, StringComparison.Ordinal), $"{step}: no \"{argument}\" in {Shorten(body)}");
                break;
            case "lacks":
                using (var actual = JsonDocument.Parse(body))
                {
                    Assert.True(Find(actual.RootElement, argument) is null, $"{step}: {argument} was not expected in {Shorten(body)}");
                }

                break;
            case "matches":
                Assert.True(Regex.IsMatch(body, argument), $"{step}: {argument} does not match {Shorten(body)}");
                break;
            case "header":
                CheckHeader(step, argument, response);
                break;
            case "capture":
                using (var actual = JsonDocument.Parse(body))
                {
                    string[] names = argument.Split('=', StringSplitOptions.TrimEntries);
                    var value = Find(actual.RootElement, names[1]);
                    Assert.True(value is not null, $"{step}: nothing at {names[1]} in {Shorten(body)}");
                    variables[names[0]] = value.Value.ToString();
                }

                break;
            case "differs":
                string[] pair = argument.Split(' ');
                Assert.True(pair[0] != pair[1], $"{step}: {pair[0]} is the same twice");
                break;
            default:
                throw new FormatException($"{step}: no such check: {parts[0]}");
        }
    }

    private static void CheckHeader(ScenarioStep step, string argument, HttpResponseMessage response)
    {
        string[] header = argument.Split(':', 2, StringSplitOptions.TrimEntries);
        string actual = response.Content.Headers.TryGetValues(header[0], out var values) || response.Headers.TryGetValues(header[0], out values)
            ? string.Join(", ", values)
            : "(none)";
        Assert.True(actual == header[1], $"{step}: {header[0]} is {actual}, not {header[1]}");
    }

    /// <summary>The error text without JSON's escapes, else the body as it is.</summary>
    private static string Text(string body)
    {
        using var json = JsonDocument.Parse(body);
        return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error", out var error) ? error.GetString()! : body;
    }

    /// <summary>"a.b.0.c": members and elements.</summary>
    private static JsonElement? Find(JsonElement root, string path)
    {
        JsonElement? at = root;
        foreach (string part in path.Split('.'))
        {
            at = at switch
            {
                { ValueKind: JsonValueKind.Object } node when node.TryGetProperty(part, out var member) => member,
                { ValueKind: JsonValueKind.Array } node when int.TryParse(part, out int index) && index < node.GetArrayLength() => node[index],
                _ => null,
            };
        }

        return at;
    }

    private static string Shorten(string text) => text.Length <= 2_000 ? text : text[..2_000] + "…";

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private static byte[] Unpack(byte[] bytes)
    {
        using var plain = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        gzip.CopyTo(plain);
        return plain.ToArray();
    }
}
