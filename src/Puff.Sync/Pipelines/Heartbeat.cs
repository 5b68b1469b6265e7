using System.Globalization;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Sends messages through the server's log that come back in the stream: so that pages held on a quiet stream are released, and so that the slot moves on when
/// nothing of interest is written. Never sent only because one was sent before.
/// </summary>
internal sealed class Heartbeat(LaneContext context, StreamRouter router, ProgressKeeper progress, ISourceServer server)
{
    private const ulong Behind = 1 << 20;
    private static readonly TimeSpan AtLeast = TimeSpan.FromMinutes(5);
    private readonly Dictionary<long, long> sent = [];
    private long counter;
    private Lsn lastSeen;
    private long lastBeat;

    /// <summary>When a message last came back.</summary>
    public DateTimeOffset? ReturnedAt { get; private set; }

    public Histogram RoundTrip { get; } = Histogram.Seconds();

    public void Start()
    {
        lastBeat = context.Time.GetTimestamp();
        router.MessageReturned += Returned;
    }

    /// <summary>Beats when a page waits for a quiet stream.</summary>
    public async Task ServePagesAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task next = context.Wake.Next;
            // Also when the stream is beyond what the page waits for: it may have been before the page was there.
            if (HoldsPages())
            {
                await BeatAsync(cancellation);
                // It is on its way; another is sent when pages still wait after a while.
                await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(50), context.Time, CancellationToken.None), next).WaitAsync(cancellation);
                continue;
            }

            await next.WaitAsync(cancellation);
        }
    }

    /// <summary>Beats when the server's log has grown while nothing could be confirmed.</summary>
    public async Task ServeSlotAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(context.Options.HeartbeatInterval, context.Time, cancellation);
            try
            {
                Lsn now = await server.ReadInsertLsnAsync(cancellation);
                bool isLate = context.Time.GetElapsedTime(lastBeat) >= AtLeast && now > lastSeen;
                if (now.Value > progress.Confirmed.Value + Behind || isLate)
                {
                    await BeatAsync(cancellation);
                    lastSeen = await server.ReadInsertLsnAsync(cancellation);
                }
            }
            catch (FeedInterruptedException failure)
            {
                context.Events.Warn("heartbeat_failed", null, failure.Message);
            }
        }
    }

    public async Task BeatAsync(CancellationToken cancellation)
    {
        long number = ++counter;
        lock (sent)
        {
            sent[number] = context.Time.GetTimestamp();
        }

        lastBeat = context.Time.GetTimestamp();
        try
        {
            await server.EmitMessageAsync($"puff_sync:{context.Options.Name}", number.ToString(CultureInfo.InvariantCulture), cancellation);
        }
        catch (FeedInterruptedException failure)
        {
            context.Events.Warn("heartbeat_failed", null, failure.Message);
            await Task.Delay(context.Backoff(1), context.Time, cancellation);
        }
    }

    private bool HoldsPages()
    {
        foreach (Lane lane in router.Lanes)
        {
            if (lane.Intake.HoldsPages)
            {
                return true;
            }
        }

        return false;
    }

    private void Returned(string content)
    {
        ReturnedAt = context.Time.GetUtcNow();
        if (!long.TryParse(content, CultureInfo.InvariantCulture, out long number))
        {
            return;
        }

        lock (sent)
        {
            if (sent.Remove(number, out long at))
            {
                RoundTrip.Observe(context.Time.GetElapsedTime(at).TotalSeconds);
            }
        }
    }
}
