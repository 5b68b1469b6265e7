using System.Globalization;

namespace Puff.Engine.Storage;

/// <summary>
/// A store that lives as long as its process. Every operation completes at once, so a simulation that schedules around it stays deterministic.
/// Content is native memory, shared with readers: reads and maps copy nothing.
/// </summary>
public sealed class MemoryObjectStore(TimeProvider time) : IObjectStore
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly SortedSet<string> keys = new(ObjectKeys.Order);
    private long writes;

    public MemoryObjectStore()
        : this(TimeProvider.System)
    {
    }

    public string Description => "memory";

    public StoreCapabilities Capabilities { get; } = new(SupportsMapping: true, IsShared: false, IsDurable: false, MaxObjectBytes: long.MaxValue);

    public ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        ObjectKeys.Validate(options);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (!entries.TryGetValue(key, out var entry))
            {
                return new(new GetResult(GetStatus.Absent, null, null, 0));
            }

            long total = entry.Content.Length;
            if (options.IfNoneMatch == entry.ETag)
            {
                return new(new GetResult(GetStatus.NotModified, null, entry.ETag, total));
            }

            var (offset, length) = ObjectKeys.Clip(options, total);
            return new(new GetResult(GetStatus.Found, new SharedObjectMemory(entry.Content, offset, length), entry.ETag, total));
        }
    }

    public ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        var copy = NativeObjectMemory.CopyOf(content.Span);
        lock (gate)
        {
            bool exists = entries.TryGetValue(key, out var entry);
            if ((condition.IfAbsent && exists) || (condition.IfMatch is { } etag && (!exists || entry!.ETag != etag)))
            {
                copy.Release();
                return new(new PutResult(PutStatus.PreconditionFailed, null));
            }

            return new(new PutResult(PutStatus.Written, Replace(key, copy)));
        }
    }

    public ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        return new(new Writer(this, key));
    }

    public ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (entries.Remove(key, out var entry))
            {
                keys.Remove(key);
                entry.Content.Release();
            }
        }

        return default;
    }

    public ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(options);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            var page = new ListPageBuilder(options);
            string? from = options.Prefix;
            while (from is not null)
            {
                from = AddFrom(from, options, page);
            }

            return new(page.Build());
        }
    }

    public ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            return new(entries.TryGetValue(key, out var entry) ? entry.Describe(key) : null);
        }
    }

    public ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(sourceKey);
        ObjectKeys.Validate(targetKey);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (!entries.TryGetValue(sourceKey, out var entry))
            {
                return new(false);
            }

            entry.Content.AddReference();
            Replace(targetKey, entry.Content);
            return new(true);
        }
    }

    public ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            return new(entries.TryGetValue(key, out var entry) ? new SharedObjectMemory(entry.Content, 0, entry.Content.Length) : null);
        }
    }

    /// <summary>Forgets everything; memory that readers still hold stays valid until they release it.</summary>
    public ValueTask DisposeAsync()
    {
        lock (gate)
        {
            foreach (var entry in entries.Values)
            {
                entry.Content.Release();
            }

            entries.Clear();
            keys.Clear();
        }

        return default;
    }

    /// <summary>
    /// Lists from a key on. Returns where to go on after a folded prefix, so that a fold costs one step however many keys it hides; null at the end.
    /// </summary>
    private string? AddFrom(string from, ListOptions options, ListPageBuilder page)
    {
        string start = options.StartAfter is { } after && ObjectKeys.Compare(after, from) > 0 ? after : from;
        if (keys.Count == 0 || ObjectKeys.Compare(start, keys.Max!) > 0)
        {
            return null;
        }

        foreach (string key in keys.GetViewBetween(start, keys.Max))
        {
            if (!key.StartsWith(options.Prefix, StringComparison.Ordinal))
            {
                return null;
            }

            if (ObjectKeys.Fold(key, options) is { } folded)
            {
                return page.IsAfterStart(folded) && !page.AddPrefix(folded) ? null : AfterFold(folded);
            }

            if (page.IsAfterStart(key) && !page.Add(entries[key].Describe(key)))
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>The first string behind every key that begins with a prefix ending in '/'.</summary>
    private static string AfterFold(string folded) => string.Concat(folded.AsSpan(0, folded.Length - 1), "0");

    private string Replace(string key, ObjectMemory content)
    {
        if (entries.TryGetValue(key, out var old))
        {
            old.Content.Release();
        }
        else
        {
            keys.Add(key);
        }

        string etag = string.Create(CultureInfo.InvariantCulture, $"m{++writes}");
        entries[key] = new Entry(content, etag, time.GetUtcNow());
        return etag;
    }

    private sealed record Entry(ObjectMemory Content, string ETag, DateTimeOffset Written)
    {
        public ObjectInfo Describe(string key) => new(key, Content.Length, ETag, Written);
    }

    private sealed class Writer(MemoryObjectStore store, string key) : IObjectWriter
    {
        private readonly List<byte[]> parts = [];
        private bool completed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(completed, this);
            cancellation.ThrowIfCancellationRequested();
            parts.Add(content.ToArray());
            return default;
        }

        public unsafe ValueTask<string> CompleteAsync(CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(completed, this);
            cancellation.ThrowIfCancellationRequested();
            var whole = NativeObjectMemory.Allocate(parts.Sum(part => (long)part.Length));
            long position = 0;
            foreach (byte[] part in parts)
            {
                part.CopyTo(new Span<byte>(whole.Pointer + position, part.Length));
                position += part.Length;
            }

            completed = true;
            lock (store.gate)
            {
                return new(store.Replace(key, whole));
            }
        }

        public ValueTask DisposeAsync()
        {
            completed = true;
            parts.Clear();
            return default;
        }
    }
}
