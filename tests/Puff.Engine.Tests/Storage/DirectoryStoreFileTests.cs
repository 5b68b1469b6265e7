using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>What a directory store does on disk: failures at every step, strangers, leftovers, locks, fsync.</summary>
public sealed class DirectoryStoreFileTests : IDisposable
{
    private const StorePurpose User = StorePurpose.User;

    private readonly TemporaryFolder folder = new();
    private Func<FileStep, int> fault = _ => 0;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Posix.ENoSpc, true, "free space")]
    [InlineData(Posix.EAcces, false, "rights")]
    [InlineData(Posix.EIo, false, "check the disk")]
    public async Task FailedWritesLeaveTheOldObjectAndNothingElse(int error, bool transient, string remedy)
    {
        await using var store = await OpenAsync();
        string etag = (await store.PutAsync("a/object", "old"u8.ToArray(), PutCondition.None, User, Cancel)).ETag!;
        foreach (var step in new[] { FileStep.Create, FileStep.Write, FileStep.SyncFile, FileStep.Rename })
        {
            fault = at => at == step ? error : 0;
            foreach (var write in Writes(store, etag))
            {
                var failure = await Assert.ThrowsAsync<StoreException>(write);
                Assert.Equal((transient, false), (failure.Transient, failure.OutcomeUnknown));
                Assert.Contains(folder.Path, failure.Message, StringComparison.Ordinal);
                Assert.Contains(remedy, failure.Message, StringComparison.Ordinal);
            }

            fault = _ => 0;
            var objects = (await store.ListAsync(new ListOptions(""), User, Cancel)).Objects;
            Assert.Equal(("a/object", etag), (Assert.Single(objects).Key, objects[0].ETag));
            Assert.Empty(Directory.GetFiles($"{folder.Path}/.tmp"));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(4095)]
    public async Task LogEntriesThatGoPastThePageCacheReadBackWhole(int beyondWholePages)
    {
        await using var store = await OpenAsync();
        var content = NativeObjectMemory.Allocate((1 << 20) + beyondWholePages);
        new Random(1).NextBytes(content.WritableSpan);
        byte[] unaligned = [0, .. content.Span];

        await store.PutAsync("aligned", content.Memory, PutCondition.Absent, StorePurpose.Wal, Cancel);
        await store.PutAsync("unaligned", unaligned.AsMemory(1), PutCondition.Absent, StorePurpose.Wal, Cancel);

        foreach (string key in new[] { "aligned", "unaligned" })
        {
            var read = (await store.GetAsync(key, default, User, Cancel)).Content!;
            Assert.True(content.Span.SequenceEqual(read.Span));
            read.Release();
        }

        content.Release();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64 << 10)]
    [InlineData((12 << 20) + 4_095)]
    public async Task LargeObjectsThatGoPastThePageCacheReadBackWhole(int beyond)
    {
        await using var store = await OpenAsync(directFrom: 64 << 10);
        byte[] content = new byte[(64 << 10) + beyond];
        new Random(1).NextBytes(content);

        await using (var writer = await store.CreateAsync("large", User, Cancel))
        {
            for (int start = 0; start < content.Length; start += 1_000_003)
            {
                await writer.WriteAsync(content.AsMemory(start, Math.Min(1_000_003, content.Length - start)), Cancel);
            }

            await writer.CompleteAsync(Cancel);
        }

        var read = (await store.GetAsync("large", default, User, Cancel)).Content!;
        Assert.True(content.AsSpan().SequenceEqual(read.Span));
        read.Release();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task FailuresBehindTheWritersBackLeaveNoObject(int failing)
    {
        await using var store = await OpenAsync(directFrom: 64 << 10);
        int writes = 0;
        fault = at => at == FileStep.Write && ++writes == failing ? Posix.ENoSpc : 0;

        await Assert.ThrowsAsync<StoreException>(async () =>
        {
            await using var writer = await store.CreateAsync("large", User, Cancel);
            await writer.WriteAsync(new byte[13 << 20], Cancel);
            await writer.CompleteAsync(Cancel);
        });

        Assert.Null(await store.HeadAsync("large", User, Cancel));
        Assert.Empty(Directory.GetFiles($"{folder.Path}/.tmp"));
    }

    [Fact]
    public async Task FailureAfterTheRenameHasAnUnknownOutcome()
    {
        await using var store = await OpenAsync();
        fault = step => step == FileStep.SyncFolder ? Posix.EIo : 0;
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync("slot", default, PutCondition.Absent, User, Cancel));
        Assert.True(failure.OutcomeUnknown);
        Assert.NotNull(await store.HeadAsync("slot", User, Cancel));
    }

    [Fact]
    public async Task EveryFolderThatChangedIsSyncedAndKnownOnesOnlyOnce()
    {
        int files = 0, folders = 0;
        await using var store = await OpenAsync();
        fault = step =>
        {
            files += step == FileStep.SyncFile ? 1 : 0;
            folders += step == FileStep.SyncFolder ? 1 : 0;
            return 0;
        };
        await store.PutAsync("a/b/c", default, PutCondition.Absent, User, Cancel);
        Assert.Equal((1, 3), (files, folders));
        await store.PutAsync("a/b/d", default, PutCondition.Absent, User, Cancel);
        Assert.Equal((2, 4), (files, folders));
        await store.DeleteAsync("a/b/c", User, Cancel);
        await store.DeleteAsync("a/b/d", User, Cancel);
        Assert.Equal((2, 6), (files, folders));
        await store.PutAsync("a/b/c", default, PutCondition.Absent, User, Cancel);
        Assert.Equal((3, 9), (files, folders));
    }

    [Fact]
    public async Task LateLosersDoNotWrite()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("slot", default, PutCondition.None, User, Cancel);
        fault = _ => Posix.EIo;
        Assert.Equal(PutStatus.PreconditionFailed, (await store.PutAsync("slot", default, PutCondition.Absent, User, Cancel)).Status);
        Assert.Equal(PutStatus.PreconditionFailed, (await store.PutAsync("slot", default, PutCondition.Matches("x"), User, Cancel)).Status);
    }

    [Fact]
    public async Task ObjectsOutliveTheStore()
    {
        string etag;
        await using (var store = await OpenAsync())
        {
            etag = (await store.PutAsync("ns/../x".Replace("..", "a.tmp"), "content"u8.ToArray(), PutCondition.None, User, Cancel)).ETag!;
        }

        await using var again = await OpenAsync();
        var got = await again.GetAsync("ns/a.tmp/x", new GetOptions(), User, Cancel);
        Assert.Equal("content", System.Text.Encoding.UTF8.GetString(got.Content!.Span));
        Assert.Equal(etag, got.ETag);
        got.Content.Release();
        Assert.Equal(PutStatus.Written, (await again.PutAsync("ns/a.tmp/x", default, PutCondition.Matches(etag), User, Cancel)).Status);
    }

    [Fact]
    public async Task ForeignFoldersAreRefused()
    {
        File.WriteAllText($"{folder.Path}/thesis.doc", "years of work");
        var error = await Assert.ThrowsAsync<StoreException>(OpenAsync);
        Assert.False(error.Transient);
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains("thesis.doc", error.Message, StringComparison.Ordinal);
        Assert.Equal("years of work", File.ReadAllText(Assert.Single(Directory.GetFileSystemEntries(folder.Path))));
    }

    [Fact]
    public async Task StoresOfAnotherLayoutAreRefused()
    {
        File.WriteAllText($"{folder.Path}/.puff-store", "puff directory store, layout 9\n");
        var error = await Assert.ThrowsAsync<StoreException>(OpenAsync);
        Assert.Contains("layout 9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileInTheWayIsReported()
    {
        File.WriteAllText($"{folder.Path}/file", "");
        foreach (string path in new[] { $"{folder.Path}/file", $"{folder.Path}/file/below" })
        {
            var error = await Assert.ThrowsAsync<StoreException>(() => DirectoryObjectStore.OpenAsync(path, cancellation: Cancel));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FoldersAreMadeAsDeepAsNeeded()
    {
        await using var store = await DirectoryObjectStore.OpenAsync($"{folder.Path}/x/y/z/", cancellation: Cancel);
        Assert.Equal($"directory {folder.Path}/x/y/z", store.Description);
        await store.PutAsync("a", default, PutCondition.None, User, Cancel);
        Assert.True(File.Exists($"{folder.Path}/x/y/z/a.obj"));
    }

    [Fact]
    public async Task StrayFilesAreNotListed()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("a/b", default, PutCondition.None, User, Cancel);
        File.WriteAllText($"{folder.Path}/a/.DS_Store", "");
        File.WriteAllText($"{folder.Path}/a/b.obj~", "");
        Directory.CreateDirectory($"{folder.Path}/empty/inside");
        var page = await store.ListAsync(new ListOptions(""), User, Cancel);
        Assert.Equal("a/b", Assert.Single(page.Objects).Key);
        Assert.Equal(["a/"], (await store.ListAsync(new ListOptions("", Delimiter: '/'), User, Cancel)).Prefixes);
        await store.DeleteAsync("a/b", User, Cancel);
        Assert.Empty((await store.ListAsync(new ListOptions("", Delimiter: '/'), User, Cancel)).Prefixes);
    }

    [Fact]
    public async Task OldLeftoversAreSweptAndLiveOnesAreNot()
    {
        await using var first = await OpenAsync();
        await using var writer = await first.CreateAsync("slow", User, Cancel);
        await writer.WriteAsync("slow but alive"u8.ToArray(), Cancel);
        string live = Assert.Single(Directory.GetFiles($"{folder.Path}/.tmp"));
        File.WriteAllText($"{folder.Path}/.tmp/dead", "left by a crash");
        File.WriteAllText($"{folder.Path}/.tmp/recent", "left by a crash just now");
        foreach (string path in new[] { live, $"{folder.Path}/.tmp/dead" })
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-2));
        }

        await using var second = await OpenAsync();
        Assert.Equal(new[] { live, $"{folder.Path}/.tmp/recent" }.Order(), Directory.GetFiles($"{folder.Path}/.tmp").Order());
        await writer.CompleteAsync(Cancel);
        Assert.Equal(14, (await second.HeadAsync("slow", User, Cancel))!.Bytes);
    }

    [Fact]
    public async Task LockHeldByAnotherProcessIsWaitedForAndReported()
    {
        var time = new SkippingTime();
        await using var store = await DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Durable = false, Time = time }, Cancel);
        await store.PutAsync("current", default, PutCondition.None, User, Cancel);
        int held = Posix.Open(Assert.Single(Directory.GetFiles($"{folder.Path}/.locks")), Posix.ReadOnly);
        Assert.Equal(0, Posix.TryLock(held));
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("current", default, PutCondition.None, User, Cancel));
        Assert.Equal((true, false), (error.Transient, error.OutcomeUnknown));
        Assert.Contains("/.locks/", error.Message, StringComparison.Ordinal);
        Assert.True(time.Waits.Count > 1000);
        Assert.Equal(PutStatus.Written, (await store.PutAsync("slot", default, PutCondition.Absent, User, Cancel)).Status);
        Posix.Close(held);
        Assert.Equal(PutStatus.Written, (await store.PutAsync("current", default, PutCondition.None, User, Cancel)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BothWaysToPublishExclusivelyHaveOneWinner(bool byLink)
    {
        string target = $"{folder.Path}/target";
        for (int i = 0; i < 2; i++)
        {
            string source = $"{folder.Path}/source{i}";
            File.WriteAllText(source, $"{i}");
            Assert.Equal(i == 0 ? 0 : -Posix.EExist, byLink ? Posix.LinkExclusive(source, target) : Posix.RenameExclusive(source, target));
            Assert.Equal(i == 1, File.Exists(source));
        }

        Assert.Equal("0", File.ReadAllText(target));
        Assert.Equal(-Posix.ENoEnt, Posix.RenameExclusive($"{folder.Path}/source1", $"{folder.Path}/no/folder"));
    }

    [Fact]
    public async Task DurableStoreKeepsItsPromisesToo()
    {
        await using var store = await DirectoryObjectStore.OpenAsync(folder.Path, cancellation: Cancel);
        Assert.True(store.Capabilities.IsDurable);
        var put = await store.PutAsync("a/b", new byte[10], PutCondition.Absent, User, Cancel);
        Assert.Equal(PutStatus.Written, (await store.PutAsync("a/b", new byte[10], PutCondition.Matches(put.ETag!), User, Cancel)).Status);
        await store.DeleteAsync("a/b", User, Cancel);
        Assert.Null(await store.HeadAsync("a/b", User, Cancel));
    }

    private static Func<Task>[] Writes(IObjectStore store, string etag) =>
    [
        async () => await store.PutAsync("a/object", new byte[100], PutCondition.None, User, Cancel),
        async () => await store.PutAsync("a/object", new byte[100], PutCondition.Matches(etag), User, Cancel),
        async () => await store.PutAsync("a/new", new byte[100], PutCondition.Absent, User, Cancel),
        async () => await store.CopyAsync("a/object", "a/copy", User, Cancel),
        async () =>
        {
            await using var writer = await store.CreateAsync("a/streamed", User, Cancel);
            await writer.WriteAsync(new byte[100], Cancel);
            await writer.CompleteAsync(Cancel);
        },
    ];

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(5, true)]
    public async Task LargeMappedObjectsAreCopiedFromTheirFileAlsoOnceItIsDeleted(int beyond, bool copies)
    {
        await using var store = await OpenAsync();
        byte[] content = new byte[MappedObjectMemory.OpenFrom + beyond];
        new Random(7).NextBytes(content);
        await store.PutAsync("object", content, PutCondition.None, User, Cancel);
        var memory = (await store.MapAsync("object", User, Cancel))!;
        await store.DeleteAsync("object", User, Cancel);

        Assert.Equal(copies, memory.PrefersCopies);
        foreach (int offset in new[] { 0, 4095, content.Length - 100 })
        {
            byte[] read = new byte[100];
            memory.Read(offset, read);
            Assert.Equal(content[offset..(offset + 100)], read);
        }

        memory.Read(content.Length, []);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(content.Length - 99, new byte[100]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(-1, new byte[100]));
        memory.Release();
    }

    private Task<DirectoryObjectStore> OpenAsync() => OpenAsync(1 << 20);

    private Task<DirectoryObjectStore> OpenAsync(long directFrom) =>
        DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Fault = step => fault(step), DirectFrom = directFrom }, Cancel);
}
