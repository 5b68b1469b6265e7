using System.Text;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.TestKit.Storage;

/// <summary>Reading, writing, copying, mapping, keys.</summary>
public abstract partial class ObjectStoreContract
{
    [Fact]
    public async Task AbsentObjectIsAValueEverywhere()
    {
        var got = await Store.GetAsync(Key("none"), new GetOptions(), User, Cancel);
        Assert.Equal(GetStatus.Absent, got.Status);
        Assert.Null(got.Content);
        Assert.Equal(GetStatus.Absent, (await Store.GetAsync(Key("deep/er/none"), new GetOptions(5, 5, "etag"), User, Cancel)).Status);
        Assert.Null(await Store.HeadAsync(Key("none"), User, Cancel));
        Assert.Null(await Store.MapAsync(Key("none"), User, Cancel));
        Assert.False(await Store.CopyAsync(Key("none"), Key("copy"), User, Cancel));
        await Store.DeleteAsync(Key("none"), User, Cancel);
        await Store.DeleteAsync(Key("deep/er/none"), User, Cancel);
        Assert.Empty((await ListAsync("")).Objects);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    [InlineData(LargeBytes)]
    public async Task ContentComesBackWhole(int bytes)
    {
        byte[] content = Bytes(bytes, 1);
        var put = await Store.PutAsync(Key("object"), content, PutCondition.None, User, Cancel);
        Assert.Equal(PutStatus.Written, put.Status);
        await AssertHoldsAsync(Store, "object", content, put.ETag);
        await AssertHoldsAsync(Other, "object", content, put.ETag);
    }

    [Fact]
    public async Task RangesAreClippedToTheObject()
    {
        byte[] content = Bytes(1000, 2);
        await PutAsync("object", content);
        foreach (var (offset, length, first, count) in new (long?, long?, int, int)[]
        {
            (0, 10, 0, 10), (990, 10, 990, 10), (990, 11, 990, 10), (500, null, 500, 500), (null, 7, 0, 7), (0, 0, 0, 0), (999, 1, 999, 1),
            (1000, null, 1000, 0), (1000, 5, 1000, 0), (5000, null, 1000, 0), (5000, 1, 1000, 0), (0, long.MaxValue, 0, 1000), (10, long.MaxValue, 10, 990),
        })
        {
            var got = await Store.GetAsync(Key("object"), new GetOptions(offset, length), User, Cancel);
            Assert.Equal(GetStatus.Found, got.Status);
            Assert.Equal(1000, got.TotalBytes);
            Assert.NotNull(got.ETag);
            Assert.Equal(content[first..(first + count)], TakeBytes(got.Content!));
        }
    }

    [Fact]
    public async Task RangesOfAnEmptyObjectAreEmpty()
    {
        await PutAsync("empty", []);
        foreach (var options in new GetOptions[] { new(0), new(0, 1), new(3, 4), new(null, 2) })
        {
            var got = await Store.GetAsync(Key("empty"), options, User, Cancel);
            Assert.Equal((GetStatus.Found, 0L), (got.Status, got.TotalBytes));
            Assert.Empty(TakeBytes(got.Content!));
        }
    }

    [Fact]
    public async Task RangesOfALargeObjectAreRight()
    {
        byte[] content = Bytes(LargeBytes, 3);
        await PutAsync("object", content);
        foreach (var (offset, length) in new[] { (0, 1_000_000), (LargeBytes - 700_000, 700_000), (7_654_321, 4_000_001) })
        {
            var got = await Store.GetAsync(Key("object"), new GetOptions(offset, length), User, Cancel);
            Assert.True(content.AsSpan(offset, length).SequenceEqual(TakeBytes(got.Content!)));
        }
    }

    [Fact]
    public async Task IfNoneMatchSavesTheContent()
    {
        string etag = await PutAsync("object", "one"u8.ToArray());
        var got = await Store.GetAsync(Key("object"), new GetOptions(IfNoneMatch: etag), User, Cancel);
        Assert.Equal(GetStatus.NotModified, got.Status);
        Assert.Null(got.Content);
        Assert.Equal(etag, got.ETag);
        string changed = await PutAsync("object", "two"u8.ToArray());
        got = await Store.GetAsync(Key("object"), new GetOptions(IfNoneMatch: etag), User, Cancel);
        Assert.Equal((GetStatus.Found, changed), (got.Status, got.ETag));
        Assert.Equal("two"u8.ToArray(), TakeBytes(got.Content!));
    }

    [Fact]
    public async Task ETagChangesWithTheContent()
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < 100; i++)
        {
            // Equal lengths in quick succession: what a clock or an inode alone cannot tell apart.
            Assert.True(seen.Add(await PutAsync("object", Encoding.UTF8.GetBytes($"{i:000}"))));
        }
    }

    [Fact]
    public async Task WritesReplaceAndAreSeenAtOnce()
    {
        for (int i = 0; i < 20; i++)
        {
            byte[] content = Bytes(i * 100, i);
            string etag = await PutAsync("object", content);
            await AssertHoldsAsync(Other, "object", content, etag);
            Assert.Equal([Key("object")], (await ListAsync("", store: Other)).Objects.Select(info => info.Key));
        }

        await Store.DeleteAsync(Key("object"), User, Cancel);
        Assert.Equal(GetStatus.Absent, (await Other.GetAsync(Key("object"), new GetOptions(), User, Cancel)).Status);
        Assert.Empty((await ListAsync("", store: Other)).Objects);
    }

    [Fact]
    public async Task KeysOfEveryKindLiveSideBySide()
    {
        string[] keys =
        [
            "a", "a/b", "a/b/c", "a.tmp", "a.obj", "a.obj/b", "a.obj.obj", ".hidden", ".tmp/x", ".locks/00", "..a", "...", "a/.../b", ".puff-store",
            "with space", "per%cent", "per%25cent", "plus+plus", "q?x=1&y#z", "ünïcödé", "\uFB00 ligature", "\U0001F600 emoji",
            "C:\\x", "*", "~", "a:b", "tab\tin", "quote'\"<>",
            new string('n', 128), $"{new string('n', 128)}/{new string('m', 128)}.vectors", "UPPER", "upper",
        ];
        foreach (string key in keys)
        {
            Assert.Equal(PutStatus.Written, (await Store.PutAsync(Key(key), Encoding.UTF8.GetBytes(key), PutCondition.Absent, User, Cancel)).Status);
        }

        foreach (string key in keys)
        {
            await AssertHoldsAsync(Other, key, Encoding.UTF8.GetBytes(key));
        }

        var listed = (await ListAsync("")).Objects.Select(info => info.Key);
        Assert.Equal(InOrder(keys.Select(Key)), listed);
        foreach (string key in keys)
        {
            await Store.DeleteAsync(Key(key), User, Cancel);
        }

        Assert.Empty((await ListAsync("")).Objects);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/.")]
    public async Task IllegalKeysAreRefused(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.PutAsync(key, default, PutCondition.None, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.GetAsync(key, new GetOptions(), User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.HeadAsync(key, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.MapAsync(key, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.DeleteAsync(key, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CreateAsync(key, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CopyAsync(key, "target", User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CopyAsync("source", key, User, Cancel));
    }

    [Fact]
    public async Task KeysTooLongOrNotUnicodeAreRefused()
    {
        string longest = string.Join('/', Enumerable.Repeat(new string('k', 100), 12))[..(LongestKeyBytes - Root.Length)];
        await PutAsync(longest, "x"u8.ToArray());
        await AssertHoldsAsync(Store, longest, "x"u8.ToArray());
        string tooLong = string.Join('/', Enumerable.Repeat(new string('k', 100), 12));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.PutAsync(tooLong, default, PutCondition.None, User, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.PutAsync("bad\uD800surrogate", default, PutCondition.None, User, Cancel));
    }

    [Fact]
    public async Task CopyIsIndependentOfItsSource()
    {
        byte[] content = Bytes(1_500_000, 5);
        await PutAsync("source", content);
        await PutAsync("target", "old"u8.ToArray());
        Assert.True(await Store.CopyAsync(Key("source"), Key("target"), User, Cancel));
        Assert.True(await Store.CopyAsync(Key("source"), Key("new/folder/target"), User, Cancel));
        await PutAsync("source", "changed"u8.ToArray());
        await Store.DeleteAsync(Key("source"), User, Cancel);
        await AssertHoldsAsync(Other, "target", content);
        await AssertHoldsAsync(Other, "new/folder/target", content);
    }

    [Fact]
    public async Task ContentOutlivesTheObject()
    {
        byte[] content = Bytes(2_000_000, 6);
        await PutAsync("object", content);
        var mapped = await Store.MapAsync(Key("object"), User, Cancel);
        var read = (await Store.GetAsync(Key("object"), new GetOptions(), User, Cancel)).Content!;
        await PutAsync("object", "replaced"u8.ToArray());
        await Store.DeleteAsync(Key("object"), User, Cancel);
        mapped!.AddReference();
        mapped.Release();
        Assert.True(content.AsSpan().SequenceEqual(TakeBytes(mapped)));
        Assert.True(content.AsSpan().SequenceEqual(TakeBytes(read)));
        Assert.Throws<ObjectDisposedException>(mapped.Release);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_000_000)]
    [InlineData(LargeBytes)]
    public async Task MapGivesTheWholeObject(int bytes)
    {
        byte[] content = Bytes(bytes, 7);
        await PutAsync("object", content);
        var mapped = await Store.MapAsync(Key("object"), User, Cancel);
        Assert.True(content.AsSpan().SequenceEqual(TakeBytes(mapped!)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public async Task WriterMakesOneObjectOfManyParts(int parts)
    {
        byte[] content = Bytes(parts * 500_000, 8);
        await PutAsync("object", "old"u8.ToArray());
        await using var writer = await Store.CreateAsync(Key("object"), User, Cancel);
        for (int i = 0; i < parts; i++)
        {
            await writer.WriteAsync(content.AsMemory(i * 500_000, 500_000), Cancel);
        }

        await AssertHoldsAsync(Other, "object", "old"u8.ToArray());
        string etag = await writer.CompleteAsync(Cancel);
        await AssertHoldsAsync(Other, "object", content, etag);
        await Assert.ThrowsAnyAsync<Exception>(async () => await writer.WriteAsync(content, Cancel));
    }

    [Fact]
    public async Task WriterMayReuseItsBuffer()
    {
        byte[] buffer = new byte[10_000];
        await using (var writer = await Store.CreateAsync(Key("object"), User, Cancel))
        {
            for (byte i = 0; i < 200; i++)
            {
                buffer.AsSpan().Fill(i);
                await writer.WriteAsync(buffer, Cancel);
            }

            await writer.CompleteAsync(Cancel);
        }

        byte[] content = TakeBytes((await Store.GetAsync(Key("object"), new GetOptions(), User, Cancel)).Content!);
        Assert.Equal(2_000_000, content.Length);
        for (byte i = 0; i < 200; i++)
        {
            Assert.Equal(-1, content.AsSpan(i * 10_000, 10_000).IndexOfAnyExcept(i));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(LargeBytes)]
    public async Task WriterDisposedBeforeItsEndLeavesNothing(int bytes)
    {
        await using (var writer = await Store.CreateAsync(Key("folder/object"), User, Cancel))
        {
            await writer.WriteAsync(Bytes(bytes, 9), Cancel);
        }

        Assert.Null(await Other.HeadAsync(Key("folder/object"), User, Cancel));
        Assert.Empty((await ListAsync("", store: Other)).Objects);
        Assert.Empty((await ListAsync("", delimiter: '/', store: Other)).Prefixes);
    }

    [Fact]
    public async Task CancelledCallsDoNothing()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.PutAsync(Key("a"), default, PutCondition.None, User, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.GetAsync(Key("a"), new GetOptions(), User, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.ListAsync(new ListOptions(Root), User, cancelled));
        Assert.Null(await Store.HeadAsync(Key("a"), User, Cancel));
    }
}
