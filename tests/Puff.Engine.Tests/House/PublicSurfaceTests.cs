using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.House;

/// <summary>What is public is promised: docs/api lists it.</summary>
public class PublicSurfaceTests
{
    [Fact]
    public void The_engine_keeps_its_promise() => AssertSame(typeof(PuffEngine));

    [Fact]
    public void The_stores_keep_their_promise() => AssertSame(typeof(Puff.Storage.ObjectStoreUri));

    [Fact]
    public void A_change_would_be_seen()
    {
        string text = PublicSurface.Describe([typeof(Sample)]);
        Assert.Equal(
            """
            sealed class Puff.Engine.Tests.House.PublicSurfaceTests.Sample
              Int32 Count { get; }
              Sample(String? name, Int32 count = …)
              static Task<Int32> RunAsync(Int32? limit)

            """,
            text,
            ignoreLineEndingDifferences: true);
    }

    private static void AssertSame(Type type)
    {
        string? difference = PublicSurface.Compare(type.Assembly);
        Assert.True(difference == null, difference);
    }

    public sealed class Sample(string? name, int count = 0)
    {
        public int Count => count + (name?.Length ?? 0);

        public static Task<int> RunAsync(int? limit) => Task.FromResult(limit ?? 0);

        internal void Hidden()
        {
        }
    }
}
