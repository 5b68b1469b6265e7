using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// The index queue on the store: which namespaces wait to be indexed, and who works on which (design 3.4). A hint: whatever is lost, done twice or never done
/// costs time, never an answer. Everything happens at least once; a namespace has one job at most.
/// </summary>
internal sealed class IndexQueue
{
    private readonly EngineContext context;
    private readonly QueueShard[] shards;

    public IndexQueue(EngineContext context)
    {
        this.context = context;
        shards = [.. Enumerable.Range(0, QueueKeys.Shards).Select(i => new QueueShard(context, QueueKeys.Shard(context.Settings.Root, i)))];
    }

    /// <summary>Every job as last seen.</summary>
    public IEnumerable<IndexJob> Jobs => shards.SelectMany(s => s.Jobs.Values);

    public IndexJob? Find(string name) => shards[QueueKeys.ShardOf(name)].Jobs.GetValueOrDefault(name);

    /// <summary>One listing, and a read of each shard that has changed since this node's last look.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        var options = new ListOptions(QueueKeys.Folder(context.Settings.Root), Limit: 1000);
        var page = await context.Store.ListAsync(options, StorePurpose.Queue, cancellation);
        var etags = new string?[shards.Length];
        foreach (var item in page.Objects)
        {
            if (QueueKeys.ParseShard(context.Settings.Root, item.Key) is { } shard)
            {
                etags[shard] = item.ETag;
            }
        }

        var changed = shards.Where((s, i) => etags[i] != s.ETag).ToArray();
        await Task.WhenAll(changed.Select(s => s.RefreshAsync()));
    }

    /// <summary>Adds a job, or says more about the one that is there.</summary>
    public Task AnnounceAsync(IndexJob job) => shards[QueueKeys.ShardOf(job.Namespace)].ChangeAsync(jobs =>
        !jobs.TryGetValue(job.Namespace, out var known) ? jobs.Add(job.Namespace, job)
        : known.With(job) is var both && both == known ? jobs
        : jobs.SetItem(job.Namespace, both));

    /// <summary>Takes those of the jobs that are still as they were seen; returns the ones this node has now.</summary>
    public Task<IReadOnlyList<IndexJob>> TakeAsync(IEnumerable<IndexJob> seen, UInt128 node) => ChangeAsync(
        seen,
        (known, job) => known.Owner == job.Owner && known.Beat == job.Beat ? known with { Owner = node, Beat = known.Beat + 1 } : known,
        node);

    /// <summary>Says that this node lives; returns the jobs that are still its own.</summary>
    public Task<IReadOnlyList<IndexJob>> BeatAsync(IEnumerable<IndexJob> own, UInt128 node) => ChangeAsync(
        own,
        (known, _) => known.Owner == node ? known with { Beat = known.Beat + 1 } : known,
        node);

    /// <summary>Removes jobs that are done; returns those of which more has been announced meanwhile: they are still this node's.</summary>
    public Task<IReadOnlyList<IndexJob>> CompleteAsync(IEnumerable<IndexJob> done, UInt128 node) => ChangeAsync(
        done,
        (known, job) => known.Owner == node && known.IsOfSameWork(job) ? null : known,
        node);

    /// <summary>Gives jobs back for others to take.</summary>
    public Task ReleaseAsync(IEnumerable<IndexJob> own, UInt128 node) => ChangeAsync(
        own,
        (known, _) => known.Owner == node ? known with { Owner = default } : known,
        node);

    /// <summary>One change per shard concerned; returns which of the jobs belong to the node afterwards, as they are then.</summary>
    private async Task<IReadOnlyList<IndexJob>> ChangeAsync(IEnumerable<IndexJob> concerned, Func<IndexJob, IndexJob, IndexJob?> change, UInt128 node)
    {
        var left = await Task.WhenAll(concerned.GroupBy(j => QueueKeys.ShardOf(j.Namespace)).Select(async group =>
        {
            var wanted = group.ToArray();
            var jobs = await shards[group.Key].ChangeAsync(jobs =>
            {
                foreach (var job in wanted)
                {
                    if (jobs.TryGetValue(job.Namespace, out var known))
                    {
                        var next = change(known, job);
                        jobs = next is null ? jobs.Remove(job.Namespace) : ReferenceEquals(next, known) ? jobs : jobs.SetItem(job.Namespace, next);
                    }
                }

                return jobs;
            });
            return wanted.Select(j => jobs.GetValueOrDefault(j.Namespace)).OfType<IndexJob>().Where(j => j.Owner == node);
        }));
        return left.SelectMany(j => j).ToArray();
    }
}
