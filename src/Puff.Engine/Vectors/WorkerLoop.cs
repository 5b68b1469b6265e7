namespace Puff.Engine.Vectors;

/// <summary>Loops over independent items on several threads. Callers see to it that no result depends on which thread does what, or when.</summary>
internal static class WorkerLoop
{
    /// <summary>Calls <paramref name="body"/> for 0 .. <paramref name="count"/> - 1. Each worker has a state of its own, disposed of at the end.</summary>
    public static void Run<TState>(int count, int threads, Func<TState> start, Action<int, TState> body)
        where TState : IDisposable
    {
        if (threads <= 1 || count <= 1)
        {
            using var state = start();
            for (int i = 0; i < count; i++)
            {
                body(i, state);
            }

            return;
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, TaskScheduler = TaskScheduler.Default };
        Parallel.For(
            0,
            count,
            options,
            start,
            (i, _, state) =>
            {
                body(i, state);
                return state;
            },
            static state => state.Dispose());
    }

    public static void Run(int count, int threads, Action<int> body)
    {
        if (threads <= 1 || count <= 1)
        {
            for (int i = 0; i < count; i++)
            {
                body(i);
            }

            return;
        }

        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, TaskScheduler = TaskScheduler.Default }, body);
    }
}
