namespace Puff.Server.Tests.Durability;

/// <summary>What a client asked of a register, and when; times are of one clock, in ticks.</summary>
/// <param name="Invoked">Before the request was sent.</param>
/// <param name="Returned">After the answer was there; <see cref="long.MaxValue"/> when nobody knows whether it happened, or still will.</param>
/// <param name="Expected">The value that had to be there; null for a read.</param>
/// <param name="Value">What was read, or what was to be written.</param>
/// <param name="Refused">The value was another than expected.</param>
internal readonly record struct RegisterOperation(long Invoked, long Returned, long? Expected, long Value, bool Refused)
{
    public bool IsRead => Expected is null;

    public bool IsUnknown => Returned == long.MaxValue;
}

/// <summary>
/// Checks that reads and compare-and-set operations on one register are linearizable (Herlihy and Wing 1990): that each seems to happen at one moment
/// between its call and its answer. As no value is written twice, the order of the writes follows from what each expected, and what is left are bounds on
/// a rising sequence of moments, so that no search is needed.
/// </summary>
internal static class RegisterHistory
{
    /// <returns>What contradicts; null when the history is linearizable.</returns>
    /// <param name="initial">The value before all operations.</param>
    /// <param name="operations">In any order. No two write the same value, nor <paramref name="initial"/>.</param>
    public static string? FindFault(long initial, IReadOnlyCollection<RegisterOperation> operations)
    {
        var writes = operations.Where(o => !o.IsRead && !o.Refused).ToList();
        var reads = operations.Where(o => o.IsRead).ToLookup(o => o.Value);
        if (Chain(initial, writes, reads, out var chain) is { } fault)
        {
            return fault;
        }

        var written = chain.Select(w => w.Value).Prepend(initial).ToHashSet();
        if (reads.FirstOrDefault(r => !written.Contains(r.Key)) is { } strange)
        {
            return $"{strange.Key} was read, but nobody can have written it";
        }

        return FindMomentless(initial, chain, reads, operations.Where(o => o.Refused));
    }

    /// <summary>The writes that happened, in their order: each expected what the one before it wrote.</summary>
    private static string? Chain(long initial, List<RegisterOperation> writes, ILookup<long, RegisterOperation> reads, out List<RegisterOperation> chain)
    {
        chain = [];
        var byExpected = writes.ToLookup(w => w.Expected!.Value);

        // Of writes that expected the same value at most one happened. An unknown one did when somebody saw its value.
        var seen = reads.Select(r => r.Key).Concat(writes.Where(w => !w.IsUnknown).Select(w => w.Expected!.Value)).ToHashSet();
        int known = writes.Count(w => !w.IsUnknown);
        for (long value = initial; ;)
        {
            var next = byExpected[value].Where(w => !w.IsUnknown || LeadsToSeen(w, byExpected, seen)).ToList();
            if (next.Count > 1)
            {
                return $"{string.Join(" and ", next.Select(w => w.Value))} were both written over {value}";
            }

            if (next.Count == 0)
            {
                break;
            }

            chain.Add(next[0]);
            value = next[0].Value;
        }

        return chain.Count(w => !w.IsUnknown) == known ? null : "a write was acknowledged whose expected value was never there";
    }

    /// <summary>Whether the value, or one that was written over it later, was seen.</summary>
    private static bool LeadsToSeen(RegisterOperation write, ILookup<long, RegisterOperation> byExpected, HashSet<long> seen) =>
        seen.Contains(write.Value) || byExpected[write.Value].Any(w => !w.IsUnknown || LeadsToSeen(w, byExpected, seen));

    /// <summary>Each write as early as it can be and as late as it can be; a write that must be later than it may be has no moment.</summary>
    private static string? FindMomentless(
        long initial, List<RegisterOperation> chain, ILookup<long, RegisterOperation> reads, IEnumerable<RegisterOperation> refused)
    {
        long[] values = [initial, .. chain.Select(w => w.Value)];
        var earliest = new long[values.Length + 1];
        var latest = new long[values.Length + 1];
        earliest[0] = long.MinValue;
        for (int i = 1; i < values.Length; i++)
        {
            // After it was asked for, after the write before, and after all reads of what was there before had begun.
            earliest[i] = reads[values[i - 1]].Select(r => r.Invoked).Append(chain[i - 1].Invoked).Append(earliest[i - 1]).Max();
        }

        earliest[^1] = long.MaxValue;
        latest[^1] = long.MaxValue;
        for (int i = values.Length - 1; i >= 0; i--)
        {
            long returned = i == 0 ? long.MaxValue : chain[i - 1].Returned;
            latest[i] = reads[values[i]].Select(r => r.Returned).Append(returned).Append(latest[i + 1]).Min();
            if (i > 0 && earliest[i] > latest[i])
            {
                return $"{values[i]} was not there before {earliest[i]}, and yet was at {latest[i]}";
            }
        }

        foreach (var operation in refused)
        {
            int i = Array.IndexOf(values, operation.Expected!.Value);
            if (i >= 0 && latest[i] < operation.Invoked && earliest[i + 1] > operation.Returned)
            {
                return $"{operation.Value} was refused from {operation.Invoked} to {operation.Returned} although {values[i]} was there all the time";
            }
        }

        return null;
    }
}
