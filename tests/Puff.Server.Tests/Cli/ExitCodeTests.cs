using System.Net;
using Puff.Engine;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>The exit codes are promised to scripts.</summary>
public class ExitCodeTests
{
    [Fact]
    public void The_numbers_stay() => Assert.Equal(
        "Done=0 Failed=1 Usage=2 NotFound=3 NotAllowed=4 Temporary=5 Conflict=6 Corruption=7 Interrupted=130",
        string.Join(' ', Enum.GetValues<ExitCode>().Select(code => $"{code}={(int)code}")));

    [Fact]
    public void Every_kind_of_error_has_one()
    {
        var codes = Enum.GetValues<ErrorKind>().ToDictionary(kind => kind, kind => (int)ExitCodes.Of(new PuffException(kind, "x")));
        Assert.Equal(
            "Invalid=1 Malformed=1 Unauthenticated=4 Forbidden=4 NotFound=3 Conflict=6 Limited=5 Unavailable=5 Corrupt=7 Internal=1",
            string.Join(' ', codes.Select(pair => $"{pair.Key}={pair.Value}")));
    }

    [Theory]
    [InlineData(400, 1)]
    [InlineData(401, 4)]
    [InlineData(403, 4)]
    [InlineData(404, 3)]
    [InlineData(409, 6)]
    [InlineData(422, 1)]
    [InlineData(429, 5)]
    [InlineData(500, 1)]
    [InlineData(503, 5)]
    public void Every_status_has_one(int status, int code) => Assert.Equal(code, (int)ExitCodes.Of((HttpStatusCode)status));
}
