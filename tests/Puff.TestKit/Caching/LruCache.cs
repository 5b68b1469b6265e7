namespace Puff.TestKit.Caching;

/// <summary>The policy everybody knows, to compare with: the least recently used key goes.</summary>
public sealed class LruCache<T>(int capacity)
    where T : notnull
{
    private readonly Dictionary<T, LinkedListNode<T>> nodes = [];
    private readonly LinkedList<T> recent = new();

    /// <summary>True when the key is there; afterwards it is.</summary>
    public bool Use(T key)
    {
        if (nodes.TryGetValue(key, out var node))
        {
            recent.Remove(node);
            recent.AddFirst(node);
            return true;
        }

        nodes.Add(key, recent.AddFirst(key));
        if (nodes.Count > capacity)
        {
            nodes.Remove(recent.Last!.Value);
            recent.RemoveLast();
        }

        return false;
    }
}
