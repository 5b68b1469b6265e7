using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The namespaces this process has open. An unused one beyond <see cref="EngineSettings.MaxOpenNamespaces"/> is closed, least recently used first: a closed
/// namespace costs nothing.
/// </summary>
internal sealed class NamespaceRegistry(EngineContext context, INamespaceObserver observer)
{
    private const int ParallelLooks = 32;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Slot> open = new(StringComparer.Ordinal);
    private readonly LinkedList<Slot> recent = new();

    /// <summary>Opens a namespace, existing or not, for the time until the lease is disposed.</summary>
    public Lease Open(string name)
    {
        List<Namespace>? closing = null;
        Lease lease;
        lock (gate)
        {
            if (!open.TryGetValue(name, out var slot))
            {
                NamespaceKeys.CheckName(name);
                slot = new Slot(new Namespace(context, name, observer));
                open.Add(name, slot);
                slot.Node = recent.AddFirst(slot);
            }
            else if (slot.Node!.Previous is not null)
            {
                recent.Remove(slot.Node);
                recent.AddFirst(slot.Node);
            }

            slot.Users++;
            lease = new Lease(this, slot);
            closing = open.Count > context.Settings.MaxOpenNamespaces ? TakeUnused() : null;
        }

        closing?.ForEach(n => n.Close());
        return lease;
    }

    /// <summary>The view of a namespace that is open already, or null.</summary>
    public NamespaceView? Peek(string name)
    {
        lock (gate)
        {
            return open.GetValueOrDefault(name)?.Namespace.View;
        }
    }

    public IReadOnlyList<Namespace> OpenNamespaces
    {
        get
        {
            lock (gate)
            {
                return open.Values.Select(s => s.Namespace).ToArray();
            }
        }
    }

    /// <summary>One page of existing namespaces in bytewise order. Existence is looked up on the store: a list shows a creation or deletion at once.</summary>
    public async Task<NamespacePage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation)
    {
        string folder = NamespaceKeys.NamespacesFolder(context.Settings.Root);
        string? startAfter = after is null ? null : $"{folder}{NamespaceKeys.EncodeName(after)}0"; // '0' follows '/': beyond everything in that folder
        var names = new List<string>();
        while (true)
        {
            var page = await context.Store.ListAsync(
                new ListOptions(folder + prefix, startAfter, '/', Math.Clamp(limit + 1, 1, 1000)), StorePurpose.User, cancellation);
            foreach (var chunk in page.Prefixes.Select(p => NamespaceKeys.DecodeName(p[folder.Length..^1])).Chunk(ParallelLooks))
            {
                bool[] exist = await Task.WhenAll(chunk.Select(n => ExistsAsync(n, cancellation)));
                names.AddRange(chunk.Where((_, i) => exist[i]));
                if (names.Count > limit)
                {
                    return new NamespacePage(names.Take(limit).ToArray(), names[limit - 1]);
                }
            }

            if (page.Next is null)
            {
                return new NamespacePage(names, null);
            }

            startAfter = page.Next;
        }
    }

    /// <summary>Whether a namespace exists now, without opening it: its manifest, and the newest log entry after it.</summary>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellation)
    {
        var keys = context.KeysOf(name);
        var current = await new ManifestStore(context, keys).ReadAsync(null, cancellation);
        if (current is null || current.Manifest.Deleted)
        {
            return false;
        }

        var log = new WriteAheadLog(context.Store, keys, current.Manifest.Epoch);
        var tail = await log.ListAsync(current.Manifest.IndexedThrough, cancellation);
        if (tail.Count == 0)
        {
            return current.Manifest.BornLive || current.Manifest.IndexedThrough > 0;
        }

        var newest = await log.ReadHeaderAsync(tail[^1], cancellation);
        return newest is null || !newest.Flags.HasFlag(WalEntryFlags.DeletesNamespace);
    }

    private List<Namespace> TakeUnused()
    {
        var closing = new List<Namespace>();
        for (var node = recent.Last; node is not null && open.Count > context.Settings.MaxOpenNamespaces;)
        {
            var slot = node.Value;
            node = node.Previous;
            if (slot.Users == 0 && !slot.Namespace.IsBusy)
            {
                recent.Remove(slot.Node!);
                open.Remove(slot.Namespace.Name);
                closing.Add(slot.Namespace);
            }
        }

        return closing;
    }

    private void Return(Slot slot)
    {
        lock (gate)
        {
            slot.Users--;
        }
    }

    internal sealed class Slot(Namespace value)
    {
        public Namespace Namespace { get; } = value;

        public LinkedListNode<Slot>? Node { get; set; }

        public int Users { get; set; }
    }

    /// <summary>The right to use a namespace; it is not closed meanwhile.</summary>
    internal readonly struct Lease(NamespaceRegistry registry, Slot slot) : IDisposable
    {
        public Namespace Namespace => slot.Namespace;

        public void Dispose() => registry.Return(slot);
    }
}
