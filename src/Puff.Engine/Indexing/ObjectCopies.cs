using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Indexing;

/// <summary>An object of the source is there no more: the manifest that names it is out of date, or the namespace is damaged.</summary>
internal sealed class VanishedException(string key) : Exception($"object {key} is gone")
{
    public string Key { get; } = key;
}

/// <summary>An immutable object to be copied.</summary>
/// <param name="Key">The same in both stores.</param>
/// <param name="Bytes">Its length; null when nothing says it.</param>
/// <param name="IsEntry">A log entry: its slot at the target may be somebody else's.</param>
/// <param name="Verify">Reads the whole object; throws <see cref="CorruptDataException"/> when something in it is wrong.</param>
internal sealed record CopiedObject(string Key, long? Bytes, bool IsEntry, Action<ObjectMemory> Verify)
{
    public static CopiedObject Part(SegmentDescriptor segment, SegmentPart part) =>
        new(segment.KeyOf(part.Name), part.Bytes, false, memory => VerifyPart(memory, segment.Documents));

    public static CopiedObject Deletes(string key, int documents) => new(key, null, false, memory =>
    {
        if (DeletesFormat.Read(memory.Span).Count != documents)
        {
            throw new CorruptDataException($"it is not about {documents} documents");
        }
    });

    public static CopiedObject Tree(TreeDescriptor tree, TreePart part) => new(part.Key, part.Bytes, false, memory =>
    {
        var nodes = TreeFormat.Read(memory.Span);
        if (nodes.Header.TreeId != tree.Id || nodes.FirstNode != part.FirstNode || nodes.Count != part.Nodes)
        {
            throw new CorruptDataException($"it has {nodes.Count} nodes of tree {nodes.Header.TreeId:x16} from {nodes.FirstNode}");
        }
    });

    public static CopiedObject Entry(NamespaceKeys keys, ulong epoch, long sequence)
    {
        string key = keys.WalEntry(epoch, sequence);
        return new(key, null, true, memory =>
        {
            memory.AddReference();
            WalEntry.Open(key, memory, epoch, sequence).Memory.Release();
        });
    }

    private static unsafe void VerifyPart(ObjectMemory memory, int documents)
    {
        var reader = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), null);
        if (reader.Documents != documents)
        {
            throw new CorruptDataException($"it holds {reader.Documents} documents instead of {documents}");
        }

        if (reader.FindDamagedBlocks() is [var first, ..])
        {
            throw new CorruptDataException($"the checksum of the block at byte {first} does not match");
        }
    }
}

/// <summary>Copies objects from store to store, verified, and keeps count. Those that are there already are left.</summary>
internal sealed class ObjectCopies(IObjectStore source, IObjectStore target, CopyOptions options)
{
    private const StorePurpose Purpose = StorePurpose.Segment;

    private readonly Lock gate = new();
    private readonly Dictionary<string, long> present = new(StringComparer.Ordinal);
    private int all;
    private long allBytes;
    private int objects;
    private long bytes;
    private int left;
    private long leftBytes;

    /// <summary>Finds out what there is to do.</summary>
    public async Task PrepareAsync(IEnumerable<CopiedObject> planned, CancellationToken cancellation)
    {
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in planned)
        {
            all++;
            allBytes += item.Bytes ?? 0;
            folders.Add(item.Key[..(item.Key.LastIndexOf('/') + 1)]);
        }

        foreach (string folder in folders)
        {
            await foreach (var item in ObjectListing.ListAsync(target, folder, Purpose, cancellation))
            {
                present[item.Key] = item.Bytes;
            }
        }
    }

    public async Task CopyAsync(CopiedObject item, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!item.IsEntry && present.TryGetValue(item.Key, out long there) && (item.Bytes ?? there) == there && await IsSoundAsync(item, cancellation))
        {
            Count(there, isNew: false);
            return;
        }

        var memory = await ReadAsync(item, cancellation);
        try
        {
            bool isNew = item.IsEntry ? await PutEntryAsync(item, memory, cancellation) : await WriteAsync(item, memory, cancellation);
            if (isNew && options.ReadBack && !await IsSoundAsync(item, cancellation))
            {
                throw new PuffException(ErrorKind.Corrupt, $"object {item.Key} cannot be read back from the target as it was written");
            }

            Count(memory.Length, isNew);
        }
        finally
        {
            memory.Release();
        }
    }

    public CopyReport Report(string name, string epoch, long sequence) => new(name, epoch, sequence, objects, bytes, left, leftBytes);

    /// <summary>The source's object, verified. The caller releases it.</summary>
    private async Task<ObjectMemory> ReadAsync(CopiedObject item, CancellationToken cancellation)
    {
        var memory = await source.MapAsync(item.Key, Purpose, cancellation) ?? throw new VanishedException(item.Key);
        try
        {
            memory.Require(0, memory.Length);
            if (item.Bytes is { } expected && memory.Length != expected)
            {
                throw new CorruptDataException($"it has {memory.Length} bytes instead of {expected}");
            }

            item.Verify(memory);
            return memory;
        }
        catch (CorruptDataException damage)
        {
            memory.Release();
            throw MappedPart.Damaged(item.Key, damage);
        }
        catch
        {
            memory.Release();
            throw;
        }
    }

    private async Task<bool> WriteAsync(CopiedObject item, ObjectMemory memory, CancellationToken cancellation)
    {
        await using var writer = await target.CreateAsync(item.Key, Purpose, cancellation);
        await RegionMemory.WriteAsync(writer, RegionOf(memory), cancellation);
        await writer.CompleteAsync(cancellation);
        var written = await target.HeadAsync(item.Key, Purpose, cancellation);
        return written?.Bytes == memory.Length ? true
            : throw new PuffException(ErrorKind.Unavailable, $"object {item.Key} has {written?.Bytes ?? 0} bytes at the target instead of {memory.Length}");
    }

    /// <summary>False when the target has this very entry.</summary>
    private async Task<bool> PutEntryAsync(CopiedObject item, ObjectMemory memory, CancellationToken cancellation)
    {
        byte[] content = memory.Span.ToArray();
        if (!present.ContainsKey(item.Key)
            && (await target.PutAsync(item.Key, content, PutCondition.Absent, StorePurpose.Wal, cancellation)).Status == PutStatus.Written)
        {
            return true;
        }

        var found = await target.GetAsync(item.Key, default, StorePurpose.Wal, cancellation);
        bool isSame = found.Content is not null && found.Content.Span.SequenceEqual(memory.Span);
        found.Content?.Release();
        return isSame ? false : throw PuffException.Conflict($"the target has another log entry {item.Key}: the copy was written to");
    }

    /// <summary>Whether the target's object is what it should be, as far as that is to be looked at.</summary>
    private async Task<bool> IsSoundAsync(CopiedObject item, CancellationToken cancellation)
    {
        if (!options.ReadBack)
        {
            return true;
        }

        var memory = await target.MapAsync(item.Key, Purpose, cancellation);
        try
        {
            memory?.Require(0, memory.Length);
            if (memory is not null && (item.Bytes ?? memory.Length) == memory.Length)
            {
                item.Verify(memory);
                return true;
            }

            return false;
        }
        catch (Exception damage) when (damage is CorruptDataException or PuffException { Kind: ErrorKind.Corrupt })
        {
            return false;
        }
        finally
        {
            memory?.Release();
        }
    }

    private void Count(long length, bool isNew)
    {
        CopyProgress progress;
        lock (gate)
        {
            objects += isNew ? 1 : 0;
            bytes += isNew ? length : 0;
            left += isNew ? 0 : 1;
            leftBytes += isNew ? 0 : length;
            progress = new CopyProgress(objects + left, all, bytes + leftBytes, Math.Max(allBytes, bytes + leftBytes));
        }

        options.Progress?.Invoke(progress);
    }

    private static unsafe MemoryRegion RegionOf(ObjectMemory memory) => new(memory.Pointer, memory.Length);
}
