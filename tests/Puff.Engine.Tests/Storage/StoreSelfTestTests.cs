using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class StoreSelfTestTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GoodStoresPassAndStayEmpty()
    {
        using var folder = new TemporaryFolder();
        IObjectStore[] stores = [new MemoryObjectStore(), await DirectoryObjectStore.OpenAsync(folder.Path, cancellation: Cancel)];
        foreach (var store in stores)
        {
            var report = await StoreSelfTest.RunAsync(store, "puff", new Random(1), Cancel);
            report.ThrowIfFailed();
            Assert.True(report.Passed);
            Assert.Equal(8, report.Checks.Count);
            Assert.Equal(store.Description, report.Store);
            Assert.Empty((await store.ListAsync(new ListOptions(""), StorePurpose.User, Cancel)).Objects);
            await store.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(Fault.IgnoresIfAbsent, "If-None-Match")]
    [InlineData(Fault.IgnoresIfMatch, "If-Match")]
    [InlineData(Fault.ChecksThenWritesIfAbsent, "If-None-Match race")]
    [InlineData(Fault.ChecksThenWritesIfMatch, "If-Match race")]
    [InlineData(Fault.ListsLate, "list after write")]
    [InlineData(Fault.IgnoresRanges, "range read")]
    [InlineData(Fault.KeepsDeleted, "delete")]
    [InlineData(Fault.KeepsETag, "write and read")]
    public async Task BrokenPromisesAreFoundByName(Fault fault, string check)
    {
        await using var store = new BrokenStore(fault);
        var report = await StoreSelfTest.RunAsync(store, "puff", new Random(1), Cancel);
        Assert.False(report.Passed);
        var failed = Assert.Single(report.Checks, result => result.Verdict == StoreVerdict.Failed);
        Assert.Equal(check, failed.Name);
        var error = Assert.Throws<PuffException>(report.ThrowIfFailed);
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains($"'{check}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("use a store with", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_turns_requests_away_is_refused_and_one_that_does_not_answer_is_unavailable()
    {
        var trouble = FlakyStore.Denied;
        await using var store = new FlakyStore(new MemoryObjectStore(), () => trouble);
        foreach (var (verdict, kind) in new[] { (StoreVerdict.Refused, ErrorKind.Invalid), (StoreVerdict.Unreachable, ErrorKind.Unavailable) })
        {
            var report = await StoreSelfTest.RunAsync(store, "", new Random(1), Cancel);
            Assert.Equal(verdict, report.Checks[0].Verdict);
            Assert.All(report.Checks.Skip(1), check => Assert.Equal(StoreVerdict.NotRun, check.Verdict));
            var error = Assert.Throws<PuffException>(report.ThrowIfFailed);
            Assert.Equal(kind, error.Kind);
            Assert.Contains(trouble.Message, error.Message, StringComparison.Ordinal);
            trouble = new StoreException("nobody answers", transient: true, outcomeUnknown: false);
        }
    }

    [Fact]
    public async Task What_requests_cost_is_measured_and_nothing_is_left()
    {
        var time = new SkippingTime();
        await using var memory = new MemoryObjectStore(time);
        var typical = new LatencyObjectStore(memory, LatencyModel.Typical, time, new Random(1));
        var measured = await StoreLatencyTest.RunAsync(typical, "puff", 40, time, new Random(2), Cancel);
        Assert.Equal(8, measured.Count);
        Assert.All(measured, item => Assert.True(item.Requests == 40 && item.P50 <= item.P90 && item.P90 <= item.P99 && item.P99 <= item.Longest, $"{item}"));
        Assert.InRange(measured[0].P50.TotalMilliseconds, 90, 130);
        Assert.Empty((await memory.ListAsync(new ListOptions(""), StorePurpose.User, Cancel)).Objects);
    }

    public enum Fault
    {
        IgnoresIfAbsent,
        IgnoresIfMatch,
        ChecksThenWritesIfAbsent,
        ChecksThenWritesIfMatch,
        ListsLate,
        IgnoresRanges,
        KeepsDeleted,
        KeepsETag,
    }

    /// <summary>A memory store with one fault.</summary>
    private sealed class BrokenStore(Fault fault) : DelegatingObjectStore(new MemoryObjectStore())
    {
        public override async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
        {
            var got = await base.GetAsync(key, fault == Fault.IgnoresRanges ? options with { Offset = null, Length = null } : options, purpose, cancellation);
            return fault == Fault.KeepsETag ? got with { ETag = "same" } : got;
        }

        public override async ValueTask<PutResult> PutAsync(
            string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
        {
            bool ignores = (fault == Fault.IgnoresIfAbsent && condition.IfAbsent) || (fault == Fault.IgnoresIfMatch && condition.IfMatch is not null);
            bool races = fault == (condition.IfAbsent ? Fault.ChecksThenWritesIfAbsent : Fault.ChecksThenWritesIfMatch) && condition != PutCondition.None;
            if (races)
            {
                var head = await base.HeadAsync(key, purpose, cancellation);
                if (condition.IfAbsent ? head is not null : head?.ETag != condition.IfMatch)
                {
                    return new PutResult(PutStatus.PreconditionFailed, null);
                }

                await Task.Yield();
            }

            var put = await base.PutAsync(key, content, ignores || races ? PutCondition.None : condition, purpose, cancellation);
            return fault == Fault.KeepsETag && put.Status == PutStatus.Written ? put with { ETag = "same" } : put;
        }

        public override ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
            fault == Fault.KeepsDeleted ? default : base.DeleteAsync(key, purpose, cancellation);

        public override async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
        {
            var page = await base.ListAsync(options, purpose, cancellation);
            return fault == Fault.ListsLate ? page with { Objects = [.. page.Objects.SkipLast(1)] } : page;
        }
    }
}
