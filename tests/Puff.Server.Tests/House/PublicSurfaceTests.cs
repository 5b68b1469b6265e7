using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.House;

/// <summary>What is public is promised: docs/api lists it.</summary>
public class PublicSurfaceTests
{
    [Fact]
    public void The_server_keeps_its_promise()
    {
        string? difference = PublicSurface.Compare(typeof(PuffServer).Assembly);
        Assert.True(difference == null, difference);
    }
}
