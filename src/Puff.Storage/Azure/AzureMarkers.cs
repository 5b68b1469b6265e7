using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// Where listings can go on: for each listing, the last name before a marker of the service. A bounded memory; forgetting costs requests only. Thread-safe.
/// </summary>
internal sealed class AzureMarkers
{
    private const int MaxMarkers = 4096;

    private readonly Lock guard = new();
    private readonly Dictionary<string, SortedList<string, string>> scopes = [];
    private int count;

    public void Add(string scope, string lastName, string marker)
    {
        lock (guard)
        {
            if (count >= MaxMarkers)
            {
                scopes.Clear();
                count = 0;
            }

            if (!scopes.TryGetValue(scope, out var known))
            {
                scopes[scope] = known = new SortedList<string, string>(Comparer<string>.Create(ObjectKeys.Compare));
            }

            count += known.ContainsKey(lastName) ? 0 : 1;
            known[lastName] = marker;
        }
    }

    /// <summary>The last known marker all names before which are at or before <paramref name="startAfter"/>; null to begin at the beginning.</summary>
    public string? Find(string scope, string? startAfter)
    {
        lock (guard)
        {
            if (startAfter is null || !scopes.TryGetValue(scope, out var known))
            {
                return null;
            }

            int low = 0;
            for (int high = known.Count; low < high;)
            {
                int middle = (low + high) / 2;
                (low, high) = ObjectKeys.Compare(known.Keys[middle], startAfter) <= 0 ? (middle + 1, high) : (low, middle);
            }

            return low == 0 ? null : known.Values[low - 1];
        }
    }
}
