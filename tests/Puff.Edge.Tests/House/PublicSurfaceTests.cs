using Puff.TestKit.House;
using Xunit;

namespace Puff.Edge.Tests.House;

/// <summary>What is public is promised: docs/api lists it.</summary>
public sealed class PublicSurfaceTests
{
    [Fact]
    public void The_edge_keeps_its_promise()
    {
        string? difference = PublicSurface.Compare(typeof(EdgeServer).Assembly);
        Assert.True(difference == null, difference);
    }
}
