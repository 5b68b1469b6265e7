using System.Text;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.TestKit.Storage;

/// <summary>Conditional writes and races.</summary>
public abstract partial class ObjectStoreContract
{
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

    /// <summary>Each contender appends its marks to one object; a mark that is there twice or not at all is a broken compare-and-set.</summary>
    [Fact]
    public async Task CompareAndSetLosesNothing()
    {
        await PutAsync("log", []);
        await RaceAsync(8, async (store, i) =>
        {
            for (int mark = 0; mark < 5; mark++)
            {
                while (!await TryAppendAsync(store, $"{i}.{mark};"))
                {
                }
            }

            return 0;
        });
        string[] marks = (await ReadTextAsync(Store, "log")).Text.Split(';', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(0, 40).Select(n => $"{n / 5}.{n % 5}").Order(), marks.Order());
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

    /// <summary>True when the mark is in the log. A put with an unknown outcome is settled by looking for the mark, whoever wrote after it.</summary>
    private async Task<bool> TryAppendAsync(IObjectStore store, string mark)
    {
        var (text, etag) = await ReadTextAsync(store, "log");
        if (text.Contains(";" + mark, StringComparison.Ordinal) || text.StartsWith(mark, StringComparison.Ordinal))
        {
            return true;
        }

        try
        {
            var put = await store.PutAsync(Key("log"), Encoding.UTF8.GetBytes(text + mark), PutCondition.Matches(etag), User, Cancel);
            return put.Status == PutStatus.Written;
        }
        catch (StoreException error) when (error.Transient)
        {
            return false;
        }
    }

    private async Task<(string Text, string ETag)> ReadTextAsync(IObjectStore store, string key)
    {
        var got = await store.GetAsync(Key(key), new GetOptions(), User, Cancel);
        return (Encoding.UTF8.GetString(TakeBytes(got.Content!)), got.ETag!);
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
}
