using System.Collections.Concurrent;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Reads rows again by key: those whose changes came incomplete, those with letters, those that a page could not settle. What it reads goes through the window
/// like a page; keys that have no row are removed. Thread-safe.
/// </summary>
internal sealed class Rereader(PipelineMapping mapping, LaneContext context, LaneIntake intake, Func<IReadOnlyCollection<uint>> streamed, LaneStats stats)
{
    private const int MaxKeys = 500;
    private readonly Lock sync = new();
    private readonly Dictionary<RowKey, List<Hold>> waiting = [];
    private readonly HashSet<Read> reading = [];
    private readonly Signal asked = new();
    private readonly ConcurrentDictionary<RelationShape, int[]> ordinals = new(ReferenceEqualityComparer.Instance);

    /// <summary>Whether nothing is waiting to be read or applied.</summary>
    public bool IsIdle
    {
        get
        {
            lock (sync)
            {
                return waiting.Count == 0 && reading.Count == 0;
            }
        }
    }

    /// <summary>Ordinals of the key's columns in a shape; -1 for one it has not.</summary>
    public int[] OrdinalsOf(RelationShape shape) => ordinals.GetOrAdd(shape, s => [.. mapping.Plan.KeyColumns.Select(s.Find)]);

    /// <summary>The key of a changed row: of what it is now, or for deletes of what it was.</summary>
    public RowKey? KeyOf(in RowChange change)
    {
        int[] columns = OrdinalsOf(change.Relation);
        return RowKey.Of(change.New, columns) ?? RowKey.Of(change.Old, columns);
    }

    /// <summary>Asks for a row; the hold is released when it has been applied.</summary>
    public void Ask(RowKey key, Hold? hold)
    {
        lock (sync)
        {
            if (!waiting.TryGetValue(key, out List<Hold>? holds))
            {
                waiting.Add(key, holds = []);
                stats.Rereads++;
            }

            if (hold is not null)
            {
                hold.Add();
                holds.Add(hold);
            }
        }

        asked.Set();
    }

    /// <summary>The stream was interrupted: what was read and not yet passed is asked for again.</summary>
    public void Interrupted(IEnumerable<HeldPage> discarded)
    {
        lock (sync)
        {
            foreach (HeldPage page in discarded)
            {
                if (page.Owner is Read read && reading.Remove(read))
                {
                    Return(read, read.Keys.Keys);
                }
            }
        }

        asked.Set();
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task next = asked.Next;
            if (Take() is { } read)
            {
                await ReadAsync(read, cancellation);
            }
            else
            {
                await next.WaitAsync(cancellation);
            }
        }
    }

    private Read? Take()
    {
        lock (sync)
        {
            if (waiting.Count == 0)
            {
                return null;
            }

            var read = new Read(this);
            foreach (RowKey key in waiting.Keys.Take(MaxKeys).ToArray())
            {
                waiting.Remove(key, out List<Hold>? holds);
                read.Keys.Add(key, holds!);
            }

            reading.Add(read);
            return read;
        }
    }

    private async Task ReadAsync(Read read, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            long ticket = Begin();
            try
            {
                RowPage page = await context.Rows.ReadKeysAsync(RowQueries.ByKey(mapping), [.. read.Keys.Keys.Select(k => k.Values)], cancellation);
                int[] columns = page.Rows.Count == 0 ? [] : OrdinalsOf(page.Rows[0].Relation);
                RowKey[] keys = [.. Enumerable.Range(0, page.Rows.Count).Select(i => RowKey.Of(page.Rows[i].New, columns)!.Value)];
                Lease lease = Lease.Take(context.PageBudget, page.Rows.ByteCount);
                if (intake.TryHold(ticket, new HeldPage(page, keys, [.. read.Keys.Keys], read, lease)))
                {
                    context.Wake.Set();
                    return;
                }

                lease.Release();
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(100, 5 * attempt)), context.Time, cancellation);
            }
            catch (FeedInterruptedException failure)
            {
                context.Events.Warn("rows_interrupted", mapping.Definition.Name, failure.Message);
                await Task.Delay(context.Backoff(attempt), context.Time, cancellation);
            }
            finally
            {
                lock (intake.Sync)
                {
                    intake.Window.AbandonRead(ticket);
                }
            }
        }
    }

    private long Begin()
    {
        IReadOnlyCollection<uint> before = streamed();
        lock (intake.Sync)
        {
            intake.Window.Start(before);
            return intake.Window.BeginRead();
        }
    }

    /// <summary>Keys go back to those that wait, with their holds.</summary>
    private void Return(Read read, IEnumerable<RowKey> keys)
    {
        foreach (RowKey key in keys)
        {
            if (!read.Keys.Remove(key, out List<Hold>? holds))
            {
                continue;
            }

            if (waiting.TryGetValue(key, out List<Hold>? others))
            {
                others.AddRange(holds);
            }
            else
            {
                waiting.Add(key, holds);
            }
        }
    }

    private void Applied(Read read, JudgedPage page)
    {
        List<Hold> released = [];
        lock (sync)
        {
            reading.Remove(read);
            Return(read, [.. page.Reread]);
            foreach (List<Hold> holds in read.Keys.Values)
            {
                released.AddRange(holds);
            }
        }

        released.ForEach(h => h.Release());
        if (page.Reread.Count > 0)
        {
            asked.Set();
        }
    }

    private sealed class Read(Rereader owner) : PageOwner
    {
        public Dictionary<RowKey, List<Hold>> Keys { get; } = [];

        public override void Applied(JudgedPage page, long written) => owner.Applied(this, page);
    }
}

internal static class RowQueries
{
    /// <summary>For rows by the key of their documents.</summary>
    public static RowQuery ByKey(PipelineMapping mapping) => Of(mapping, null) with { KeyColumns = mapping.Plan.KeyColumns };

    /// <summary>The rows of a mapping: its columns and filter, and a further condition.</summary>
    public static RowQuery Of(PipelineMapping mapping, string? where)
    {
        string? filter = mapping.Plan.PageFilter;
        string? both = filter is null ? where : where is null ? filter : $"({filter}) AND ({where})";
        return new RowQuery(
            mapping.Definition.Source.Schema, mapping.Definition.Source.Table, mapping.Plan.Columns,
            mapping.Definition.Snapshot.Order ?? mapping.Plan.KeyColumns, both);
    }
}
