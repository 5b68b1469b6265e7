using System.Collections.Concurrent;
using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class HedgedReadsTests
{
    private readonly HeldStore store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_slow_read_is_sent_again_and_the_first_answer_counts()
    {
        var reads = await LearnAsync(0.05);
        store.Hold(1);
        var got = await GetAsync(reads);
        Assert.Equal(GetStatus.Found, got.Status);
        Assert.Equal(1, reads.Hedges);
        Assert.Equal(2, store.CallsSinceHold);
        got.Content!.Release();

        // The answer that came too late is given back.
        var late = store.Answer();
        Assert.Throws<ObjectDisposedException>(late.AddReference);
    }

    [Fact]
    public async Task A_failure_of_one_of_two_leaves_the_other_answer()
    {
        var reads = await LearnAsync(0.05);
        store.Hold(2);
        var pending = GetAsync(reads);
        await store.WhenAskedAsync(2);
        store.Fail();
        store.Answer();
        (await pending).Content!.Release();
    }

    [Fact]
    public async Task No_more_than_the_share_allowed_is_sent_again()
    {
        var reads = await LearnAsync(0.05);
        store.Hold(1);
        (await GetAsync(reads)).Content!.Release();
        store.Answer();
        store.Hold(1);
        var second = GetAsync(reads);
        store.Answer();
        (await second).Content!.Release();
        Assert.Equal(1, store.CallsSinceHold);
        Assert.Equal(1, reads.Hedges);
    }

    [Fact]
    public async Task Nothing_is_sent_again_before_it_is_known_what_is_usual()
    {
        var reads = new HedgedReads(store, new SkippingTime(), 0.05);
        store.Hold(1);
        var pending = GetAsync(reads);
        store.Answer();
        (await pending).Content!.Release();
        Assert.Equal(1, store.CallsSinceHold);
    }

    [Fact]
    public async Task Kinds_of_requests_do_not_teach_each_other()
    {
        var reads = await LearnAsync(0.05);
        store.Hold(1);
        var whole = reads.GetAsync("a", new GetOptions(), StorePurpose.Manifest, Cancel);
        store.Answer();
        (await whole).Content!.Release();
        Assert.Equal(1, store.CallsSinceHold);
    }

    private static Task<GetResult> GetAsync(HedgedReads reads) => reads.GetAsync("a", new GetOptions(0, 100), StorePurpose.Segment, Cancel);

    /// <summary>After forty quick requests; with this clock any that is not answered at once is slow.</summary>
    private async Task<HedgedReads> LearnAsync(double share)
    {
        var reads = new HedgedReads(store, new SkippingTime(), share);
        for (int i = 0; i < 38; i++)
        {
            (await GetAsync(reads)).Content!.Release();
        }

        return reads;
    }

    /// <summary>Answers at once, but for requests that it was told to hold.</summary>
    private sealed class HeldStore() : DelegatingObjectStore(new MemoryObjectStore())
    {
        private readonly ConcurrentQueue<TaskCompletionSource<GetResult>> held = [];
        private int toHold;
        private int calls;

        public int CallsSinceHold => Volatile.Read(ref calls);

        public void Hold(int requests)
        {
            toHold = requests;
            Volatile.Write(ref calls, 0);
        }

        /// <summary>A second request is sent by another thread.</summary>
        public async Task WhenAskedAsync(int requests)
        {
            while (held.Count < requests)
            {
                await Task.Yield();
            }
        }

        /// <summary>Answers the oldest request held.</summary>
        public NativeObjectMemory Answer()
        {
            var result = Found();
            Oldest().SetResult(result);
            return (NativeObjectMemory)result.Content!;
        }

        public void Fail() => Oldest().SetException(new StoreException("lost", transient: true, outcomeUnknown: false));

        public override async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
        {
            Interlocked.Increment(ref calls);
            if (Interlocked.Decrement(ref toHold) < 0)
            {
                return Found();
            }

            var answer = new TaskCompletionSource<GetResult>();
            held.Enqueue(answer);
            return await answer.Task;
        }

        private TaskCompletionSource<GetResult> Oldest() => held.TryDequeue(out var answer) ? answer : throw new InvalidOperationException("nothing is held");

        private static GetResult Found() => new(GetStatus.Found, NativeObjectMemory.Allocate(100), "e", 100);
    }
}
