using Puff.Engine.Formats;

namespace Puff.TestKit.Simulation;

/// <summary>
/// Which objects a manifest on the store reaches now, and since when those that none reaches were given up: nothing may be deleted while it is reached,
/// nor before
/// grace has passed since.
/// </summary>
/// <param name="earliest">Grace, less what clocks may differ by.</param>
internal sealed class Reachability(string root, TimeSpan earliest)
{
    private readonly Dictionary<string, int> references = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> givenUp = new(StringComparer.Ordinal);

    public bool IsReached(string key) => references.ContainsKey(key);

    public IEnumerable<string> Reached => references.Keys;

    public void Reach(string key)
    {
        references[key] = references.GetValueOrDefault(key) + 1;
        givenUp.Remove(key);
    }

    public void GiveUp(string key, long now)
    {
        if (references[key] == 1)
        {
            references.Remove(key);
            givenUp[key] = now;
        }
        else
        {
            references[key]--;
        }
    }

    /// <summary>Why a key must not be deleted now, or null.</summary>
    public string? Forbids(string key, long now)
    {
        if (references.ContainsKey(key))
        {
            return "a manifest reaches it";
        }

        return givenUp.TryGetValue(key, out long since) && now - since < earliest.Ticks
            ? $"it was given up only {TimeSpan.FromTicks(now - since).TotalSeconds:F1} s ago"
            : null;
    }

    /// <summary>What a manifest itself names. The log entries after it are added as they come.</summary>
    public IEnumerable<string> NamedBy(Manifest manifest) =>
        manifest.ObjectKeys()
            .Concat(manifest.InheritedTails.SelectMany(t => EntriesOf(new NamespaceKeys(root, t.Name), t.Epoch, t.From, t.Through)));

    public static IEnumerable<string> EntriesOf(NamespaceKeys keys, ulong epoch, long from, long through)
    {
        for (long sequence = from; sequence <= through; sequence++)
        {
            yield return keys.WalEntry(epoch, sequence);
        }
    }
}
