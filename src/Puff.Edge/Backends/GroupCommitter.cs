using System.Threading.Channels;

namespace Puff.Edge.Backends;

/// <summary>
/// One writer for a store: whatever waits while a commit is on its way to the disk goes into the next one, so that one flush serves many writers. Writes of one
/// submission are committed together, and in the order of submissions.
/// </summary>
internal sealed class GroupCommitter<TWrite> : IAsyncDisposable
{
    /// <summary>Writes of one commit: keeps a commit short for those who wait for the next.</summary>
    private const int MaxGroup = 16 * 1024;

    private readonly Channel<Submission> submissions = Channel.CreateUnbounded<Submission>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Action<IReadOnlyList<TWrite>> commit;
    private readonly Thread thread;

    /// <param name="name">Of the thread, for debuggers.</param>
    /// <param name="commit">Makes writes durable, all or none; called by one thread.</param>
    public GroupCommitter(string name, Action<IReadOnlyList<TWrite>> commit)
    {
        this.commit = commit;
        thread = new Thread(Run) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Returns when the writes are durable. Cancelling does not take them back: there is nothing to cancel once they are submitted.</summary>
    public Task SubmitAsync(IReadOnlyList<TWrite> writes)
    {
        var submission = new Submission(writes);
        return submissions.Writer.TryWrite(submission)
            ? submission.Done.Task
            : Task.FromException(new Transport.EdgeException(Transport.GrpcStatus.Unavailable, "the store is closed"));
    }

    /// <summary>Commits what was submitted, and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        if (submissions.Writer.TryComplete())
        {
            await Task.Run(thread.Join);
        }
    }

    private void Run()
    {
        var group = new List<Submission>();
        var writes = new List<TWrite>();
        ChannelReader<Submission> waiting = submissions.Reader;
        while (waiting.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (writes.Count < MaxGroup && waiting.TryRead(out Submission? next))
            {
                group.Add(next);
                writes.AddRange(next.Writes);
            }

            Commit(group, writes);
            group.Clear();
            writes.Clear();
        }
    }

    private void Commit(List<Submission> group, List<TWrite> writes)
    {
        try
        {
            commit(writes);
        }
        catch (Exception) when (group.Count > 1)
        {
            // Nothing of the group was written. One of them may be at fault: each gets its own answer.
            foreach (Submission submission in group)
            {
                Commit([submission], [.. submission.Writes]);
            }

            return;
        }
        catch (Exception error)
        {
            group[0].Done.SetException(error);
            return;
        }

        foreach (Submission submission in group)
        {
            submission.Done.SetResult();
        }
    }

    private sealed class Submission(IReadOnlyList<TWrite> writes)
    {
        public IReadOnlyList<TWrite> Writes { get; } = writes;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
