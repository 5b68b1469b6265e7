using System.Text;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.TestKit.Storage;

/// <summary>
/// Every promise of <see cref="IObjectStore"/> as a test; a backend or decorator passes all of them. Derive, say how to open it, done.
/// <see cref="Other"/> is a second door to the same objects where a store has one (another process's view), else the store itself.
/// </summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    protected const StorePurpose User = StorePurpose.User;

    private const int LargeBytes = 20_000_000;

    protected IObjectStore Store { get; private set; } = null!;

    protected IObjectStore Other { get; private set; } = null!;

    /// <summary>Key prefix of this test; not empty only where tests share a bucket.</summary>
    protected virtual string Root => "";

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Store = await OpenAsync();
        Other = await OpenOtherAsync(Store);
    }

    public async ValueTask DisposeAsync()
    {
        await CleanUpAsync();
        if (!ReferenceEquals(Other, Store))
        {
            await Other.DisposeAsync();
        }

        await Store.DisposeAsync();
        RemoveRemains();
        GC.SuppressFinalize(this);
    }

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
    public async Task IfAbsentWritesOnlyOnce()
    {
        var won = await Store.PutAsync(Key("slot"), "first"u8.ToArray(), PutCondition.Absent, User, Cancel);
        Assert.Equal(PutStatus.Written, won.Status);
        var lost = await Other.PutAsync(Key("slot"), "second"u8.ToArray(), PutCondition.Absent, User, Cancel);
        Assert.Equal(new PutResult(PutStatus.PreconditionFailed, null), lost);
        await AssertHoldsAsync(Store, "slot", "first"u8.ToArray(), won.ETag);
        await Store.DeleteAsync(Key("slot"), User, Cancel);
        Assert.Equal(PutStatus.Written, (await Other.PutAsync(Key("slot"), "third"u8.ToArray(), PutCondition.Absent, User, Cancel)).Status);
    }

    [Fact]
    public async Task IfMatchWritesOnlyOverTheNamedContent()
    {
        string first = await PutAsync("current", "one"u8.ToArray());
        var second = await Other.PutAsync(Key("current"), "two"u8.ToArray(), PutCondition.Matches(first), User, Cancel);
        Assert.Equal(PutStatus.Written, second.Status);
        Assert.NotEqual(first, second.ETag);
        var stale = await Store.PutAsync(Key("current"), "three"u8.ToArray(), PutCondition.Matches(first), User, Cancel);
        Assert.Equal(new PutResult(PutStatus.PreconditionFailed, null), stale);
        await AssertHoldsAsync(Store, "current", "two"u8.ToArray(), second.ETag);
    }

    [Fact]
    public async Task IfMatchFailsOnAnAbsentObject()
    {
        string etag = await PutAsync("current", "one"u8.ToArray());
        await Store.DeleteAsync(Key("current"), User, Cancel);
        foreach (string key in new[] { "current", "never/was" })
        {
            var put = await Store.PutAsync(Key(key), "two"u8.ToArray(), PutCondition.Matches(etag), User, Cancel);
            Assert.Equal(PutStatus.PreconditionFailed, put.Status);
            Assert.Null(await Store.HeadAsync(Key(key), User, Cancel));
        }
    }

    [Fact]
    public async Task ManyRacingIfAbsentPutsHaveOneWinner()
    {
        for (int round = 0; round < 4; round++)
        {
            string slot = $"wal/{round}";
            var results = await RaceAsync(64, (store, i) => PutSettledAsync(store, slot, $"writer {i}", PutCondition.Absent));
            int winner = Assert.Single(Enumerable.Range(0, 64), i => results[i].Status == PutStatus.Written);
            await AssertHoldsAsync(Store, slot, Encoding.UTF8.GetBytes($"writer {winner}"), results[winner].ETag);
        }
    }

    [Fact]
    public async Task ManyRacingIfMatchPutsHaveOneWinner()
    {
        string etag = await PutAsync("current", "start"u8.ToArray());
        for (int round = 0; round < 4; round++)
        {
            string expected = etag;
            var results = await RaceAsync(16, (store, i) => PutSettledAsync(store, "current", $"writer {i} of {expected}", PutCondition.Matches(expected)));
            int winner = Assert.Single(Enumerable.Range(0, 16), i => results[i].Status == PutStatus.Written);
            await AssertHoldsAsync(Store, "current", Encoding.UTF8.GetBytes($"writer {winner} of {expected}"), results[winner].ETag);
            etag = results[winner].ETag!;
        }
    }

    [Fact]
    public async Task CompareAndSetCountsWithoutLoss()
    {
        await PutAsync("counter", "0"u8.ToArray());
        await RaceAsync(8, async (store, _) =>
        {
            for (int added = 0; added < 5;)
            {
                var got = await store.GetAsync(Key("counter"), new GetOptions(), User, Cancel);
                int value = int.Parse(Encoding.UTF8.GetString(TakeBytes(got.Content!)), System.Globalization.CultureInfo.InvariantCulture);
                added += (await PutSettledAsync(store, "counter", $"{value + 1}", PutCondition.Matches(got.ETag!))).Status == PutStatus.Written ? 1 : 0;
            }

            return 0;
        });
        await AssertHoldsAsync(Store, "counter", "40"u8.ToArray());
    }

    [Fact]
    public async Task ReadersNeverSeeAPart()
    {
        const int size = 200_000;
        await PutAsync("object", new byte[size]);
        await RaceAsync(4, async (store, i) =>
        {
            for (int round = 1; round <= 8; round++)
            {
                if (i % 2 == 0)
                {
                    byte[] content = new byte[size];
                    content.AsSpan().Fill((byte)(round + i));
                    await store.PutAsync(Key("object"), content, PutCondition.None, User, Cancel);
                }

                byte[] seen = TakeBytes((await store.GetAsync(Key("object"), new GetOptions(), User, Cancel)).Content!);
                Assert.Equal(size, seen.Length);
                Assert.True(seen.AsSpan().IndexOfAnyExcept(seen[0]) < 0, "bytes of two writes in one read");
            }

            return 0;
        });
    }

    [Fact]
    public async Task FoldersComeAndGoUnderRacingWritesAndDeletes()
    {
        await RaceAsync(8, async (store, i) =>
        {
            for (int round = 0; round < 10; round++)
            {
                await store.PutAsync(Key($"a/b/c/{i}"), "x"u8.ToArray(), PutCondition.Absent, User, Cancel);
                Assert.NotNull(await store.HeadAsync(Key($"a/b/c/{i}"), User, Cancel));
                await store.DeleteAsync(Key($"a/b/c/{i}"), User, Cancel);
            }

            return 0;
        });
        Assert.Empty((await ListAsync("", delimiter: '/')).Prefixes);
    }

    [Fact]
    public async Task KeysOfEveryKindLiveSideBySide()
    {
        string[] keys =
        [
            "a", "a/b", "a/b/c", "a.tmp", "a.obj", "a.obj/b", "a.obj.obj", ".hidden", ".tmp/x", ".locks/00", "..a", "...", "a/.../b", ".puff-store",
            "with space", "per%cent", "per%25cent", "plus+plus", "q?x=1&y#z", "ünïcödé", "\uFB00 ligature", "\U0001F600 emoji", "C:\\x", "*", "~", "a:b", "tab\tin", "quote'\"<>",
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
    [InlineData("bad\uD800surrogate")]
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
    public async Task KeysLongerThanTheLimitAreRefused()
    {
        string longest = string.Join('/', Enumerable.Repeat(new string('k', 100), 12))[..(ObjectKeys.MaxBytes - Root.Length)];
        await PutAsync(longest, "x"u8.ToArray());
        await AssertHoldsAsync(Store, longest, "x"u8.ToArray());
        string tooLong = string.Join('/', Enumerable.Repeat(new string('k', 100), 12));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.PutAsync(tooLong, default, PutCondition.None, User, Cancel));
    }

    [Fact]
    public async Task ListingIsInByteOrderWithSizesAndETags()
    {
        string[] keys = ["b", "a/1", "a-1", "a.1", "a0", "a", "B", "a/10", "a/2", "é", "\uFFFD", "\U00010000"];
        var etags = new Dictionary<string, string>();
        foreach (string key in keys)
        {
            etags[Key(key)] = await PutAsync(key, Encoding.UTF8.GetBytes(key));
        }

        var page = await ListAsync("");
        Assert.Null(page.Next);
        Assert.Empty(page.Prefixes);
        Assert.Equal(InOrder(etags.Keys), page.Objects.Select(info => info.Key));
        Assert.All(page.Objects, info => Assert.Equal(etags[info.Key], info.ETag));
        Assert.All(page.Objects, info => Assert.Equal(Encoding.UTF8.GetByteCount(info.Key) - Root.Length, info.Bytes));
        foreach (var info in page.Objects)
        {
            var head = await Store.HeadAsync(info.Key, User, Cancel);
            Assert.Equal((info.Key, info.Bytes, info.ETag), (head!.Key, head.Bytes, head.ETag));
        }
    }

    [Fact]
    public async Task ListingAgreesWithAModelForEveryPrefixStartDelimiterAndLimit()
    {
        string[] keys = ["a", "a-b", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "ab", "ab/1", "b", "b/c/d/e", "c/1"];
        foreach (string key in keys)
        {
            await PutAsync(key, "x"u8.ToArray());
        }

        foreach (string prefix in new[] { "", "a", "a/", "a/b", "a/b/", "ab", "b/c/", "c/1", "zz", "a//", "../" })
        {
            foreach (string? after in new[] { null, "a", "a/", "a/1", "a/b", "a/b/1", "a/b/zz", "a0", "b/c", "zz" })
            {
                foreach (char? delimiter in new char?[] { null, '/' })
                {
                    foreach (int limit in new[] { 1, 3, 1000 })
                    {
                        var options = new ListOptions(Key(prefix), after is null ? null : Key(after), delimiter, limit);
                        AssertPage(options, Model(keys, options), await Store.ListAsync(options, User, Cancel));
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData('/')]
    public async Task PagesJoinToTheWholeListing(char? delimiter)
    {
        var keys = Enumerable.Range(0, 23).Select(i => i % 3 == 0 ? $"p{i:00}/x/y" : $"p{i:00}").ToArray();
        foreach (string key in keys)
        {
            await PutAsync(key, "x"u8.ToArray());
        }

        foreach (int limit in new[] { 1, 2, 5, 23, 24 })
        {
            var names = new List<string>();
            string? next = null;
            do
            {
                var page = await Store.ListAsync(new ListOptions(Key("p"), next, delimiter, limit), User, Cancel);
                Assert.InRange(page.Objects.Count + page.Prefixes.Count, 1, limit);
                names.AddRange(InOrder(page.Objects.Select(info => info.Key).Concat(page.Prefixes)));
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal(keys.Select(key => Key(delimiter is null || !key.Contains('/') ? key : key[..4])), names);
        }
    }

    [Fact]
    public async Task ListingRefusesWhatItCannotDo()
    {
        foreach (int limit in new[] { 0, -1, 1001 })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(new ListOptions("", Limit: limit), User, Cancel));
        }

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(new ListOptions("", Delimiter: 'x'), User, Cancel));
    }

    [Fact]
    public async Task DeletedFoldersAreNoPrefixes()
    {
        await PutAsync("a/b/c", "x"u8.ToArray());
        await PutAsync("a/d", "x"u8.ToArray());
        await Store.DeleteAsync(Key("a/b/c"), User, Cancel);
        Assert.Empty((await ListAsync("a/", delimiter: '/')).Prefixes);
        Assert.Equal([Key("a/")], (await ListAsync("", delimiter: '/')).Prefixes);
        await Store.DeleteAsync(Key("a/d"), User, Cancel);
        Assert.Empty((await ListAsync("", delimiter: '/')).Prefixes);
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

    protected static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Copies the content and gives the caller's reference back.</summary>
    protected static byte[] TakeBytes(ObjectMemory memory)
    {
        byte[] bytes = memory.Span.ToArray();
        memory.Release();
        return bytes;
    }

    protected abstract ValueTask<IObjectStore> OpenAsync();

    protected virtual ValueTask<IObjectStore> OpenOtherAsync(IObjectStore store) => new(store);

    /// <summary>Removes the test's objects where they would outlive it; the store is still open.</summary>
    protected virtual ValueTask CleanUpAsync() => default;

    /// <summary>Removes what lies around the store after it was closed.</summary>
    protected virtual void RemoveRemains()
    {
    }

    protected string Key(string key) => Root + key;

    protected async Task<string> PutAsync(string key, byte[] content)
    {
        var put = await Store.PutAsync(Key(key), content, PutCondition.None, User, Cancel);
        Assert.Equal(PutStatus.Written, put.Status);
        return put.ETag!;
    }

    /// <summary>
    /// A conditional put as a caller with a right of its own to know does it: an unknown outcome is settled by trying again and, when that
    /// fails, by looking whether the content there is its own.
    /// </summary>
    private async Task<PutResult> PutSettledAsync(IObjectStore store, string key, string content, PutCondition condition)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        bool uncertain = false;
        while (true)
        {
            try
            {
                var put = await store.PutAsync(Key(key), bytes, condition, User, Cancel);
                if (put.Status == PutStatus.Written || !uncertain)
                {
                    return put;
                }

                var got = await store.GetAsync(Key(key), new GetOptions(), User, Cancel);
                return TakeBytes(got.Content!).AsSpan().SequenceEqual(bytes) ? new PutResult(PutStatus.Written, got.ETag) : put;
            }
            catch (StoreException error) when (error.Transient)
            {
                uncertain |= error.OutcomeUnknown;
            }
        }
    }

    /// <summary>Starts all at once, on real threads, half of them through the other door.</summary>
    private async Task<T[]> RaceAsync<T>(int count, Func<IObjectStore, int, Task<T>> contender)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Enumerable.Range(0, count).Select(i => Task.Run(async () =>
        {
            await start.Task;
            return await contender(i % 2 == 0 ? Store : Other, i);
        })).ToArray();
        start.SetResult();
        return await Task.WhenAll(all);
    }

    private async Task<ListPage> ListAsync(string prefix, char? delimiter = null, IObjectStore? store = null) =>
        await (store ?? Store).ListAsync(new ListOptions(Key(prefix), Delimiter: delimiter), User, Cancel);

    private async Task AssertHoldsAsync(IObjectStore store, string key, byte[] content, string? etag = null)
    {
        var got = await store.GetAsync(Key(key), new GetOptions(), User, Cancel);
        Assert.Equal((GetStatus.Found, content.Length), (got.Status, (int)got.TotalBytes));
        Assert.Equal(content.Length, got.Content!.Length);
        Assert.True(content.AsSpan().SequenceEqual(TakeBytes(got.Content)), $"content of {key}");
        Assert.Equal(etag ?? got.ETag, got.ETag);
        var head = await store.HeadAsync(Key(key), User, Cancel);
        Assert.Equal((Key(key), content.Length, got.ETag), (head!.Key, (int)head.Bytes, head.ETag));
    }

    private static IEnumerable<string> InOrder(IEnumerable<string> keys) =>
        keys.Order(Comparer<string>.Create((a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b))));

    /// <summary>The listing by its definition: fold every key, order, cut.</summary>
    private (string[] Names, bool More) Model(string[] keys, ListOptions options)
    {
        var names = keys.Select(Key)
            .Where(key => key.StartsWith(options.Prefix, StringComparison.Ordinal))
            .Select(key => options.Delimiter is { } d && key.IndexOf(d, options.Prefix.Length) is var end and >= 0 ? key[..(end + 1)] : key)
            .Distinct()
            .Where(name => options.StartAfter is null || string.CompareOrdinal(name, options.StartAfter) > 0);
        string[] all = [.. InOrder(names)];
        return (all[..Math.Min(all.Length, options.Limit)], all.Length > options.Limit);
    }

    private static void AssertPage(ListOptions options, (string[] Names, bool More) expected, ListPage page)
    {
        Assert.True(
            expected.Names.SequenceEqual(InOrder(page.Objects.Select(info => info.Key).Concat(page.Prefixes))),
            $"{options}: expected {string.Join(' ', expected.Names)}, got {string.Join(' ', page.Objects.Select(info => info.Key))} + {string.Join(' ', page.Prefixes)}");
        Assert.All(page.Prefixes, prefix => Assert.EndsWith("/", prefix, StringComparison.Ordinal));
        Assert.True((page.Next is not null) == expected.More, $"{options}: next is {page.Next}");
        if (page.Next is not null)
        {
            Assert.Equal(expected.Names[^1], page.Next);
        }
    }
}
