namespace Puff.Engine.Storage;

/// <summary>
/// A few threads of their own for system calls that block for long: large reads and writes, fsync. On the thread pool, which starts with one thread
/// a core, a handful of them would stall every query. Threads start on demand, serve the whole process, and end with it.
/// </summary>
internal static class IoThreads
{
    private const int MaxThreads = 16;

    private static readonly Lock Gate = new();
    private static readonly Queue<Action> Waiting = new();
    private static readonly SemaphoreSlim Available = new(0);
    private static int threads;
    private static int idle;

    /// <summary>Runs <paramref name="work"/> on an I/O thread. The awaiting code goes on where it came from, never on that thread.</summary>
    public static Task<T> Run<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(() =>
        {
            try
            {
                completion.SetResult(work());
            }
            catch (Exception error)
            {
                completion.SetException(error);
            }
        });
        return completion.Task;
    }

    private static void Enqueue(Action item)
    {
        bool start;
        lock (Gate)
        {
            Waiting.Enqueue(item);
            start = Waiting.Count > idle && threads < MaxThreads;
            threads += start ? 1 : 0;
        }

        Available.Release();
        if (start)
        {
            new Thread(Serve) { IsBackground = true, Name = "puff-io" }.Start();
        }
    }

    private static void Serve()
    {
        while (true)
        {
            lock (Gate)
            {
                idle++;
            }

            Available.Wait();
            Action item;
            lock (Gate)
            {
                idle--;
                item = Waiting.Dequeue();
            }

            item();
        }
    }
}
