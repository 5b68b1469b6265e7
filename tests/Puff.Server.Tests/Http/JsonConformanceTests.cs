using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Puff.Engine;
using Puff.Server.Turbopuffer;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.Http;

/// <summary>
/// The JSONTestSuite as request bodies: each case stands where a write has an unknown field, which is passed over. What is JSON must be accepted there, what is
/// not must be refused with Invalid (400), and nothing else may come out.
/// </summary>
public class JsonConformanceTests
{
    [Fact]
    public void Bodies_are_json_and_nothing_else()
    {
        int accepted = 0;
        int rejected = 0;
        foreach (var (name, expect, json) in Cases())
        {
            byte[] body = [.. "{\"unknown\":"u8, .. json, .. "}"u8];
            var error = Record.Exception(() => WriteParser.Parse(body, null));
            bool isRefused = error is PuffException { Kind: ErrorKind.Invalid };
            Assert.True(error is null || isRefused, $"{name}: {error}");
            switch (expect)
            {
                case "accept":
                    accepted++;
                    Assert.True(error is null, $"{name} must be accepted: {error?.Message}");
                    break;
                case "reject":
                    rejected++;
                    Assert.True(isRefused, $"{name} must be refused");
                    break;
            }
        }

        Assert.Equal(95, accepted);
        Assert.True(rejected > 180, $"only {rejected} cases were meant to be refused");
    }

    [Fact]
    public void Whole_bodies_that_are_no_json_are_invalid_and_others_have_the_wrong_shape_at_most()
    {
        foreach (var (name, expect, json) in Cases())
        {
            var error = Record.Exception(() => WriteParser.Parse(json, null)) as PuffException;
            if (expect == "reject")
            {
                Assert.True(error?.Kind == ErrorKind.Invalid, $"{name} must be refused as malformed: {error?.Message}");
            }
            else if (expect == "accept")
            {
                Assert.True(error is null or { Kind: ErrorKind.Malformed }, $"{name}: {error?.Message}");
            }
        }
    }

    private static IEnumerable<(string Name, string Expect, byte[] Json)> Cases()
    {
        using var file = File.OpenRead(Repository.Resolve("tests/data/json/cases.ndjson.gz"));
        using var reader = new StreamReader(new GZipStream(file, CompressionMode.Decompress), Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            using var entry = JsonDocument.Parse(line);
            var root = entry.RootElement;
            yield return (root.GetProperty("name").GetString()!, root.GetProperty("expect").GetString()!, root.GetProperty("json_base64").GetBytesFromBase64());
        }
    }
}
