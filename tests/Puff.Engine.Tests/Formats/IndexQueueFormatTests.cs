using System.Collections.Immutable;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.TestKit.Formats;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>What nodes leave for each other on the store is read as written, and anything else is refused or harmless.</summary>
public sealed class IndexQueueFormatTests
{
    private static readonly UInt128 Owner = new(0x0123456789abcdef, 7);

    private static readonly ImmutableSortedDictionary<string, IndexJob> Jobs = IndexQueueFormat.Empty
        .Add("a", new IndexJob("a", ulong.MaxValue, long.MaxValue, 0, 1_700_000_000_000))
        .Add("Z-._9", new IndexJob("Z-._9", 1, 0, long.MaxValue, 0, Owner, 12, PoorTree: 0xABCDEF));

    [Fact]
    public void A_shard_and_a_lease_are_read_as_they_were_written()
    {
        Assert.Equal(Jobs, IndexQueueFormat.Read(IndexQueueFormat.Write(Jobs)));
        Assert.Empty(IndexQueueFormat.Read(IndexQueueFormat.Write(IndexQueueFormat.Empty)));
        var lease = new LeaseState(Owner, 5, 1_700_000_000_000);
        Assert.Equal(lease, LeaseFormat.Read(LeaseFormat.Write(lease)));
        Assert.Equal(default, LeaseFormat.Read(LeaseFormat.Write(lease with { Owner = default })).Owner);
    }

    [Fact]
    public void The_text_is_what_the_documentation_shows()
    {
        var one = IndexQueueFormat.Empty.Add("docs", new IndexJob("docs", 0x1f, 12, 3456, 1_700_000_000_000, Owner, 3));
        Assert.Equal(
            """{"version":1,"jobs":[{"namespace":"docs","epoch":"000000000000001f","sequence":12,"bytes":3456,"enqueued_at_ms":1700000000000,"""
            + "\"owner\":\"0123456789abcdef0000000000000007\",\"beat\":3}]}",
            System.Text.Encoding.UTF8.GetString(IndexQueueFormat.Write(one)));
        Assert.Equal(
            """{"version":1,"owner":"0123456789abcdef0000000000000007","beat":3,"completed_at_ms":5}""",
            System.Text.Encoding.UTF8.GetString(LeaseFormat.Write(new LeaseState(Owner, 3, 5))));
    }

    [Fact]
    public void Damage_is_refused_or_leaves_jobs_that_can_be_jobs()
    {
        byte[] whole = IndexQueueFormat.Write(Jobs);
        Assert.All(Damage.Truncations(whole), part => Assert.Throws<CorruptDataException>(() => IndexQueueFormat.Read(part)));
        byte[] lease = LeaseFormat.Write(new LeaseState(Owner, 5, 6));
        Assert.All(Damage.Truncations(lease), part => Assert.Throws<CorruptDataException>(() => LeaseFormat.Read(part)));
        foreach (byte[] damaged in Damage.FlippedBits(whole))
        {
            var read = ReadOrNull(() => IndexQueueFormat.Read(damaged));
            Assert.All(read?.Values ?? [], job => Assert.True(NamespaceKeys.IsName(job.Namespace) && job is { Sequence: >= 0, Bytes: >= 0, Beat: >= 0 }));
        }

        foreach (byte[] damaged in Damage.FlippedBits(lease))
        {
            ReadOrNull(() => LeaseFormat.Read(damaged));
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"version":2,"jobs":[]}""")]
    [InlineData("""{"version":1}""")]
    [InlineData("""{"version":1,"jobs":[{"namespace":"a/b","epoch":"01","sequence":1,"bytes":1,"enqueued_at_ms":1,"beat":0}]}""")]
    [InlineData("""{"version":1,"jobs":[{"namespace":"a","epoch":"01","sequence":-1,"bytes":1,"enqueued_at_ms":1,"beat":0}]}""")]
    [InlineData("""{"version":1,"jobs":[{"namespace":"a","epoch":"x","sequence":1,"bytes":1,"enqueued_at_ms":1,"beat":0}]}""")]
    [InlineData("""{"version":1,"jobs":[{"namespace":"a","epoch":"01","sequence":1,"bytes":1,"enqueued_at_ms":1,"beat":0,"poor_tree":"x"}]}""")]
    public void What_is_no_shard_is_refused(string text) =>
        Assert.Throws<CorruptDataException>(() => IndexQueueFormat.Read(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Names_spread_over_the_shards_and_keep_theirs()
    {
        int[] counts = new int[QueueKeys.Shards];
        for (int i = 0; i < 16_000; i++)
        {
            counts[QueueKeys.ShardOf($"tenant-{i}")]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 700, 1_300));

        // Nodes of other versions must come to the same.
        Assert.Equal((9, 0), (QueueKeys.ShardOf("docs"), QueueKeys.ShardOf("a")));
        Assert.Equal(11, QueueKeys.ParseShard("puff", QueueKeys.Shard("puff", 11)));
        Assert.Null(QueueKeys.ParseShard("puff", "puff/queue/g"));
        Assert.Null(QueueKeys.ParseShard("puff", "puff/queue/10"));
    }

    private static T? ReadOrNull<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (CorruptDataException)
        {
            return null;
        }
    }
}
