namespace Puff.Sync.Pipelines;

/// <summary>How many of the last 1,000 rows failed.</summary>
internal sealed class FailureRate
{
    private const int Span = 1_000;
    private readonly bool[] failed = new bool[Span];
    private int at;
    private int seen;

    public int Count { get; private set; }

    /// <summary>More than half, once there are enough to say so.</summary>
    public bool IsTooHigh => seen >= Span && Count > Span / 2;

    public void Succeeded() => Add(false);

    public void Failed() => Add(true);

    private void Add(bool failure)
    {
        Count += (failure ? 1 : 0) - (failed[at] ? 1 : 0);
        failed[at] = failure;
        at = (at + 1) % Span;
        seen = Math.Min(seen + 1, Span);
    }
}
