using System.Collections.Concurrent;
using Puff.Sync.Changes;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>The open letters of one mapping: which keys have one, and how letters are made. Thread-safe.</summary>
internal sealed class LaneLetters(PipelineMapping mapping, PipelineOptions options, TimeProvider time)
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(60)];
    private readonly ConcurrentDictionary<RowKey, DeadLetter> open = [];

    public bool HasOpen => !open.IsEmpty;

    public int Count => open.Count;

    public IReadOnlyCollection<DeadLetter> All => [.. open.Values];

    public bool IsOpen(RowKey key) => open.ContainsKey(key);

    /// <summary>Takes over what the state knows.</summary>
    public void Load(IEnumerable<DeadLetter> letters)
    {
        open.Clear();
        foreach (DeadLetter letter in letters)
        {
            open[new RowKey([.. letter.Key])] = letter;
        }
    }

    /// <summary>A row that failed for good or for now.</summary>
    public DeadLetter Make(in RowChange change, RowKey? key, LetterStage stage, string code, string message, string? detail, bool isRetryable)
    {
        DateTimeOffset now = time.GetUtcNow();
        RowKey named = key ?? new RowKey([$"position {change.Position}"]);
        int attempts = (open.TryGetValue(named, out DeadLetter? before) ? before.Attempts : 0) + 1;
        bool triesAgain = isRetryable && attempts < options.LetterAttempts;
        return new DeadLetter(
            0, mapping.Definition.Name, mapping.Record.Generation, named.ToString(), named.Values, change.Kind.ToString().ToLowerInvariant(), change.Position,
                stage,
            code, message, detail is { Length: > 8192 } ? detail[..8192] : detail, 1, before?.FirstAt ?? now, now,
            triesAgain ? now + Pauses[Math.Min(attempts, Pauses.Length) - 1] : null, triesAgain ? LetterState.Open : LetterState.Permanent);
    }

    /// <summary>The letters are in the state now.</summary>
    public void Recorded(IEnumerable<DeadLetter> letters)
    {
        foreach (DeadLetter letter in letters)
        {
            open.AddOrUpdate(new RowKey([.. letter.Key]), letter, (_, before) => letter with { Attempts = before.Attempts + 1, FirstAt = before.FirstAt });
        }
    }

    public void Closed(IEnumerable<RowKey> keys)
    {
        foreach (RowKey key in keys)
        {
            open.TryRemove(key, out _);
        }
    }

    /// <summary>Letters whose time has come; all when it was asked for.</summary>
    public IReadOnlyList<DeadLetter> Due(bool all) =>
        [.. open.Values.Where(l => all || (l.State == LetterState.Open && l.NextAt <= time.GetUtcNow()))];
}
