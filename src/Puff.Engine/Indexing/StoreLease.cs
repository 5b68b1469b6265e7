using Puff.Engine.Diagnostics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// A lease on the store for something that one node at a time should do now and then. Whoever does it without the lease, or beside somebody who has lost it,
/// does no harm: it saves double work.
/// </summary>
internal sealed class StoreLease(EngineContext context, string key)
{
    private readonly LeaseWatch watch = new(context.Time, context.Settings.LeaseTime);
    private LeaseState held = new(default, 0, 0);
    private string? etag;

    /// <summary>
    /// True when this node has the lease now. False when another node lives and has it, or when somebody completed the work more recently than
    /// <paramref name="interval"/>. Takes up to the lease time to find out whether another node lives.
    /// </summary>
    public async Task<bool> TryTakeAsync(TimeSpan interval, CancellationToken cancellation)
    {
        await ReadAsync(cancellation);
        bool isFree = watch.HasEnded(key, held.Owner, held.Beat);
        if (!isFree && !WasCompletedWithin(interval))
        {
            await Task.Delay(context.Settings.LeaseTime, context.Time, cancellation);
            await ReadAsync(cancellation);
            isFree = watch.HasEnded(key, held.Owner, held.Beat);
        }

        return isFree && !WasCompletedWithin(interval) && await TryWriteAsync(held with { Owner = context.WriterId, Beat = held.Beat + 1 });
    }

    /// <summary>A completion in the future is a clock's fault, not a completion.</summary>
    private bool WasCompletedWithin(TimeSpan interval) => context.NowMs - held.CompletedAtMs is >= 0 and var age && age < interval.TotalMilliseconds;

    /// <summary>Renews the lease; false when it is somebody else's.</summary>
    public Task<bool> BeatAsync() => TryWriteAsync(held with { Beat = held.Beat + 1 });

    /// <summary>Gives the lease back.</summary>
    /// <param name="isCompleted">The work was done to its end: nobody needs to do it again for a while.</param>
    public Task ReleaseAsync(bool isCompleted) =>
        TryWriteAsync(held with { Owner = default, CompletedAtMs = isCompleted ? context.NowMs : held.CompletedAtMs });

    /// <summary>A write whose reply was lost counts as lost: at worst the lease has to run out.</summary>
    private async Task<bool> TryWriteAsync(LeaseState next)
    {
        var condition = etag is null ? PutCondition.Absent : PutCondition.Matches(etag);
        var result = await context.Store.PutAsync(key, LeaseFormat.Write(next), condition, StorePurpose.Queue, CancellationToken.None);
        if (result.Status != PutStatus.Written)
        {
            return false;
        }

        (held, etag) = (next, result.ETag);
        return true;
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        var result = await context.Store.GetAsync(key, default, StorePurpose.Queue, cancellation);
        etag = result.ETag;
        held = new LeaseState(default, 0, 0);
        if (result.Status == GetStatus.Absent)
        {
            return;
        }

        try
        {
            held = LeaseFormat.Read(result.Content!.Span.ToArray());
        }
        catch (CorruptDataException damage)
        {
            LogMessages.HintDamaged(context.Log, key, damage.Message);
        }
        finally
        {
            result.Content!.Release();
        }
    }
}
