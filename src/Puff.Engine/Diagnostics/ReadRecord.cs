namespace Puff.Engine.Diagnostics;

/// <summary>
/// What one request to the engine asked of the store. Whoever answers a request begins one; everything that is asked in its flow of control, in whatever
/// task, is noted in it. A dependent step is a request, or a batch of requests, that was sent when the answers of all earlier ones were known.
/// </summary>
internal sealed class ReadRecord
{
    private static readonly AsyncLocal<Flow?> Ambient = new();

    private readonly Lock gate = new();
    private readonly SortedDictionary<(int Step, string Kind), (long Requests, long Bytes)> kinds = [];
    private int steps;
    private long hits;
    private long misses;
    private bool hasOpened;

    /// <summary>The record of this flow of control; null when nobody keeps one.</summary>
    public static ReadRecord? Current => Ambient.Value?.Record;

    public int Steps => Volatile.Read(ref steps);

    /// <summary>Blocks that were wanted and here, and those that had to be fetched: all, when the namespace itself had to be opened.</summary>
    public (long Hits, long Misses) Blocks
    {
        get
        {
            lock (gate)
            {
                return hasOpened ? (0, Math.Max(hits + misses, 1)) : (hits, misses);
            }
        }
    }

    /// <summary>This node knew nothing of the namespace.</summary>
    public void Opened()
    {
        lock (gate)
        {
            hasOpened = true;
        }
    }

    /// <summary>By step, from 1 on, and by the kind of object.</summary>
    public IReadOnlyList<(int Step, string Kind, long Requests, long Bytes)> Kinds
    {
        get
        {
            lock (gate)
            {
                return [.. kinds.Select(k => (k.Key.Step, k.Key.Kind, k.Value.Requests, k.Value.Bytes))];
            }
        }
    }

    /// <summary>Begins a record for the rest of the calling method's flow.</summary>
    public static ReadRecord Begin()
    {
        var record = new ReadRecord();
        Ambient.Value = new Flow(record, 0);
        return record;
    }

    /// <summary>What is asked until the result is disposed counts as one step. Null when nobody keeps a record.</summary>
    public static StepScope? BeginStep()
    {
        var flow = Ambient.Value;
        if (flow is null || flow.Step > 0)
        {
            return null;
        }

        return Enter(flow, flow.Record.Steps + 1);
    }

    /// <summary>The same for what follows on the answers of the step that the calling code is in.</summary>
    public static StepScope? BeginNextStep() =>
        Ambient.Value is { } flow ? Enter(flow, Math.Max(flow.Step, flow.Record.Steps) + 1) : null;

    /// <summary>The step that a request sent now belongs to; 0 when nobody keeps a record.</summary>
    public static int StepOfNow() => Ambient.Value is { } flow ? flow.Step > 0 ? flow.Step : flow.Record.Steps + 1 : 0;

    /// <summary>Notes a request that was answered.</summary>
    /// <param name="step">What <see cref="StepOfNow"/> said when it was sent.</param>
    /// <param name="kind">Of the object.</param>
    /// <param name="bytes">Received.</param>
    public void Add(int step, string kind, long bytes)
    {
        lock (gate)
        {
            kinds.TryGetValue((step, kind), out var sum);
            kinds[(step, kind)] = (sum.Requests + 1, sum.Bytes + bytes);
            steps = Math.Max(steps, step);
        }
    }

    public void AddBlocks(long hit, long missed)
    {
        lock (gate)
        {
            hits += hit;
            misses += missed;
        }
    }

    private static StepScope Enter(Flow flow, int number)
    {
        var step = flow with { Step = number };
        Ambient.Value = step;
        return new StepScope(flow, step);
    }

    private sealed record Flow(ReadRecord Record, int Step);

    internal sealed class StepScope : IDisposable
    {
        private readonly object before;
        private readonly object within;

        internal StepScope(object before, object within) => (this.before, this.within) = (before, within);

        public void Dispose()
        {
            if (ReferenceEquals(Ambient.Value, within))
            {
                Ambient.Value = (Flow)before;
            }
        }
    }
}
