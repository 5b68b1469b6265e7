using System.Collections.Immutable;
using Puff.Engine.Diagnostics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// One shard of the index queue on the store, changed by compare-and-set. Whatever this node wants of it at a time goes into one change; while that is on its
/// way, the next gathers. Changes are functions that may be applied again: a lost reply is settled by reading and applying once more.
/// </summary>
internal sealed class QueueShard(EngineContext context, string key)
{
    private const int MaxAttempts = 30;

    /// <summary>Nodes that collide wait up to this long times the number of collisions.</summary>
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(10);

    private readonly Lock gate = new();
    private List<Change> waiting = [];
    private bool isRunning;
    private volatile ShardVersion known = new(IndexQueueFormat.Empty, null);

    /// <summary>As last read or written by this node.</summary>
    public ImmutableSortedDictionary<string, IndexJob> Jobs => known.Jobs;

    /// <summary>Of the version last read or written; null when there was none.</summary>
    public string? ETag => known.ETag;

    /// <summary>Brings <see cref="Jobs"/> up to date.</summary>
    public Task RefreshAsync() => ChangeAsync(jobs => jobs);

    /// <summary>Reads the shard, applies the change, and writes it if there is a difference.</summary>
    /// <param name="apply">Pure; may run several times.</param>
    /// <returns>The jobs afterwards.</returns>
    public Task<ImmutableSortedDictionary<string, IndexJob>> ChangeAsync(
        Func<ImmutableSortedDictionary<string, IndexJob>, ImmutableSortedDictionary<string, IndexJob>> apply)
    {
        var change = new Change(apply);
        lock (gate)
        {
            waiting.Add(change);
            if (!isRunning)
            {
                isRunning = true;
                _ = RunAsync();
            }
        }

        return change.Done.Task;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (TakeWaiting() is { } batch)
        {
            try
            {
                await CommitAsync(batch);
                batch.ForEach(c => c.Done.TrySetResult(known.Jobs));
            }
            catch (Exception failure)
            {
                batch.ForEach(c => c.Done.TrySetException(failure));
            }
        }
    }

    private async Task CommitAsync(List<Change> batch)
    {
        for (int attempt = 1; ; attempt++)
        {
            known = await ReadAsync();
            var next = batch.Aggregate(known.Jobs, (jobs, change) => change.Apply(jobs));
            if (ReferenceEquals(next, known.Jobs) || await TryWriteAsync(next, attempt))
            {
                return;
            }

            if (attempt == MaxAttempts)
            {
                throw new PuffException(ErrorKind.Unavailable, $"queue shard {key} was changed by others {MaxAttempts} times in a row");
            }

            double share = (context.NextUInt64() & 1023) / 1024.0;
            await Task.Delay(Stagger * (attempt * share), context.Time);
        }
    }

    private async Task<bool> TryWriteAsync(ImmutableSortedDictionary<string, IndexJob> next, int attempt)
    {
        var condition = known.ETag is { } etag ? PutCondition.Matches(etag) : PutCondition.Absent;
        try
        {
            var result = await context.Store.PutAsync(key, IndexQueueFormat.Write(next), condition, StorePurpose.Queue, CancellationToken.None);
            if (result.Status != PutStatus.Written)
            {
                return false;
            }

            known = new ShardVersion(next, result.ETag);
            return true;
        }
        catch (StoreException failure) when (failure.OutcomeUnknown && attempt < MaxAttempts)
        {
            return false;
        }
    }

    /// <summary>A damaged shard counts as empty and is written anew: it holds hints only, and the sweep finds what they told of.</summary>
    private async Task<ShardVersion> ReadAsync()
    {
        var result = await context.Store.GetAsync(key, new GetOptions(IfNoneMatch: known.ETag), StorePurpose.Queue, CancellationToken.None);
        switch (result.Status)
        {
            case GetStatus.Absent:
                return new ShardVersion(IndexQueueFormat.Empty, null);
            case GetStatus.NotModified:
                return known;
        }

        try
        {
            return new ShardVersion(IndexQueueFormat.Read(result.Content!.Span.ToArray()), result.ETag);
        }
        catch (CorruptDataException damage)
        {
            LogMessages.HintDamaged(context.Log, key, damage.Message);
            return new ShardVersion(IndexQueueFormat.Empty, result.ETag);
        }
        finally
        {
            result.Content!.Release();
        }
    }

    private List<Change>? TakeWaiting()
    {
        lock (gate)
        {
            if (waiting.Count == 0)
            {
                isRunning = false;
                return null;
            }

            var taken = waiting;
            waiting = [];
            return taken;
        }
    }

    private sealed record ShardVersion(ImmutableSortedDictionary<string, IndexJob> Jobs, string? ETag);

    private sealed class Change(Func<ImmutableSortedDictionary<string, IndexJob>, ImmutableSortedDictionary<string, IndexJob>> apply)
    {
        public TaskCompletionSource<ImmutableSortedDictionary<string, IndexJob>> Done { get; } = new();

        public ImmutableSortedDictionary<string, IndexJob> Apply(ImmutableSortedDictionary<string, IndexJob> jobs) => apply(jobs);
    }
}
