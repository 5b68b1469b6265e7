using Puff.Engine.Formats;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The namespaces this process has open. An unused one beyond <see cref="EngineSettings.MaxOpenNamespaces"/> is closed, least recently used first: a closed
/// namespace costs nothing.
/// </summary>
internal sealed class NamespaceRegistry(EngineContext context, INamespaceObserver observer)
{
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
