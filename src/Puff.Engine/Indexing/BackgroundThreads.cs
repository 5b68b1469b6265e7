using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Puff.Engine.Indexing;

/// <summary>
/// Threads for work that can wait: building segments, merging, training. As many as processors, shared by the process, started on demand. On Linux the kernel
/// gives them what commits and queries leave over, and a share of a few percent when nothing is left, so that a burst of writes is not slowed by
/// the indexing of its own beginning.
/// </summary>
internal sealed partial class BackgroundThreads : TaskScheduler
{
    /// <summary>Weight about a tenth of an ordinary thread's (sched(7)).</summary>
    private const int Niceness = 10;

    private const int SetPriorityOfProcessOrThread = 0;

    [ThreadStatic]
    private static bool isOurs;

    private readonly Lock gate = new();
    private readonly ConcurrentQueue<Task> waiting = new();
    private readonly SemaphoreSlim available = new(0);
    private int threads;
    private int idle;

    private BackgroundThreads()
    {
    }

    public static BackgroundThreads Shared { get; } = new();

    public override int MaximumConcurrencyLevel { get; } = Environment.ProcessorCount;

    protected override void QueueTask(Task task)
    {
        bool start;
        lock (gate)
        {
            waiting.Enqueue(task);
            start = waiting.Count > idle && threads < MaximumConcurrencyLevel;
            threads += start ? 1 : 0;
        }

        available.Release();
        if (start)
        {
            new Thread(Serve) { IsBackground = true, Name = "puff-index" }.Start();
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => isOurs && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => waiting.ToArray();

    private void Serve()
    {
        isOurs = true;
        LowerPriority();
        while (true)
        {
            Interlocked.Increment(ref idle);
            available.Wait();
            Interlocked.Decrement(ref idle);
            if (waiting.TryDequeue(out var task))
            {
                TryExecuteTask(task);
            }
        }
    }

    /// <summary>Of the calling thread. The framework's thread priorities do nothing on Linux. Best effort: without it the work is just less polite.</summary>
    private static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
        {
            // Zero stands for the calling thread: in Linux each thread has its own niceness.
            _ = SetPriority(SetPriorityOfProcessOrThread, 0, Niceness);
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
