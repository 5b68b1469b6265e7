using Puff.Server.Tests.Cli;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>Nodes that share nothing but a bucket.</summary>
public sealed class S3ClusterTests
{
    [Fact]
    public async Task Three_nodes_on_one_bucket_lose_no_increment_although_one_keeps_dying()
    {
        var access = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(access);
        using var folder = new TemporaryFolder();
        string[] settings = ["--store", ServeOnS3Tests.Location(access), "--index-entries", "10", "--index-delay", "100ms"];
        await Cluster.RunAsync(folder.Path, settings, deaths: 1, ServeOnS3Tests.Variables(access));
    }
}
