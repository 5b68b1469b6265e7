using Puff.Engine.Diagnostics;

namespace Puff.Engine.Namespaces;

/// <summary>Work on background threads that queries of a namespace gave rise to and never wait for: one thing at a time. Failures are logged.</summary>
internal sealed class BehindQueries(EngineContext context, string name)
{
    private Task running = Task.CompletedTask;
    private bool isBusy;

    public bool IsBusy => Volatile.Read(ref isBusy);

    /// <summary>Ends when what is under way has ended.</summary>
    public Task DrainAsync() => running;

    /// <summary>False when something is under way.</summary>
    public bool TryRun(Action work)
    {
        if (Interlocked.Exchange(ref isBusy, true))
        {
            return false;
        }

        running = RunAsync(work);
        return true;
    }

    private async Task RunAsync(Action work)
    {
        try
        {
            await context.InBackgroundAsync(
                () =>
                {
                    work();
                    return Task.FromResult(true);
                },
                CancellationToken.None);
        }
        catch (Exception failure)
        {
            LogMessages.BackgroundFailed(context.Log, name, failure.Message);
        }
        finally
        {
            Volatile.Write(ref isBusy, false);
        }
    }
}
