using Puff.TestKit.House;
using Xunit;

namespace Puff.Sync.Tests.House;

/// <summary>What is public is promised: docs/api lists it.</summary>
public class PublicSurfaceTests
{
    [Fact]
    public void The_sync_keeps_its_promise()
    {
        string? difference = PublicSurface.Compare(typeof(SyncException).Assembly);
        Assert.True(difference == null, difference);
    }
}
