using System.Runtime.ExceptionServices;

namespace Puff.Engine.Vectors;

/// <summary>
/// Loops over independent items on several threads, those of the scheduler the caller runs on: work in the background stays there. Callers see to it that no
/// result depends on which thread does what, or when.
/// </summary>
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

        Unwrap(() => Parallel.For(
            0,
            count,
            Options(threads),
            start,
            (i, _, state) =>
            {
                body(i, state);
                return state;
            },
            static state => state.Dispose()));
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

        Unwrap(() => Parallel.For(0, count, Options(threads), body));
    }

    private static ParallelOptions Options(int threads) => new() { MaxDegreeOfParallelism = threads, TaskScheduler = TaskScheduler.Current };

    /// <summary>A failure comes as it would without threads: damage that reading a vector found must stay recognisable.</summary>
    private static void Unwrap(Action loop)
    {
        try
        {
            loop();
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }
}
