using System.Buffers;

namespace Puff.Engine.Storage;

/// <summary>
/// A store in a local folder, one file an object, for any number of processes on one machine. A write goes to a hidden file, is synced,
/// and appears by one rename; so no reader ever sees a part, and `kill -9` or a loss of power leaves the old object or the new one.
/// Racing if-absent puts are decided by the kernel's exclusive rename; every other change of a key holds the key's lock. Linux only.
/// </summary>
public sealed class DirectoryObjectStore : IObjectStore
{
    /// <summary>Reads up to this size are done at once: from the page cache they take less time than a change of threads.</summary>
    private const int InlineReadBytes = 256 * 1024;

    private const int CopyBufferBytes = 1 << 20;

    private readonly StoreFolder folder;
    private readonly DirectoryStoreOptions options;
    private readonly KeyLocks locks;

    private DirectoryObjectStore(StoreFolder folder, DirectoryStoreOptions options)
    {
        this.folder = folder;
        this.options = options;
        locks = new KeyLocks(folder.Locks, options);
    }

    public string Description => $"directory {folder.Root}";

    public StoreCapabilities Capabilities => new(SupportsMapping: true, IsShared: true, IsDurable: options.Durable, MaxObjectBytes: long.MaxValue);

    /// <summary>
    /// Opens a folder, made if it does not exist. A <see cref="StoreException"/> says when it belongs to something else or cannot be written.
    /// </summary>
    public static async Task<DirectoryObjectStore> OpenAsync(string path, DirectoryStoreOptions? options = null, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        options ??= new DirectoryStoreOptions();
        return new DirectoryObjectStore(await IoThreads.Run(() => StoreFolder.Open(path, options)), options);
    }

    public ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        ObjectKeys.Validate(options);
        cancellation.ThrowIfCancellationRequested();
        string path = folder.PathOf(key);
        if (!TryOpen(path, out int file, out var facts))
        {
            return new(new GetResult(GetStatus.Absent, null, null, 0));
        }

        string etag = FileETag.Of(facts);
        if (options.IfNoneMatch == etag)
        {
            Posix.Close(file);
            return new(new GetResult(GetStatus.NotModified, null, etag, facts.Bytes));
        }

        var (offset, length) = ObjectKeys.Clip(options, facts.Bytes);
        return length <= InlineReadBytes
            ? new(new GetResult(GetStatus.Found, Read(path, file, offset, length), etag, facts.Bytes))
            : new(ReadLongAsync());

        async Task<GetResult> ReadLongAsync()
        {
            var content = await IoThreads.Run(() => Read(path, file, offset, length));
            return new GetResult(GetStatus.Found, content, etag, facts.Bytes);
        }
    }

    public async ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        string path = folder.PathOf(key);
        if ((condition.IfAbsent || condition.IfMatch is not null) && !MayHold(path, condition))
        {
            // Losers that come late, the common case, pay one look instead of a write.
            return new PutResult(PutStatus.PreconditionFailed, null);
        }

        if (condition.IfAbsent)
        {
            return await IoThreads.Run(() =>
            {
                using var file = Write(content, direct: purpose == StorePurpose.Wal);
                return Result(file, folder.Publish(file, path, exclusive: true));
            });
        }

        using var prepared = await IoThreads.Run(() => Write(content, direct: false));
        return await PublishLockedAsync(key, path, prepared, condition, cancellation);
    }

    public async ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        string path = folder.PathOf(key);
        return new Writer(this, key, path, await IoThreads.Run(folder.CreateTemporary));
    }

    public async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        string path = folder.PathOf(key);
        using var held = await locks.TakeAsync(key, cancellation);
        await IoThreads.Run(() =>
        {
            folder.Remove(path);
            return true;
        });
    }

    public async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(options);
        cancellation.ThrowIfCancellationRequested();
        return await IoThreads.Run(() => DirectoryListing.Run(folder.Root, options, cancellation));
    }

    public ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        return new(TryExamine(folder.PathOf(key), out var facts)
            ? new ObjectInfo(key, facts.Bytes, FileETag.Of(facts), FileETag.ModifiedAt(facts))
            : null);
    }

    public async ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(sourceKey);
        ObjectKeys.Validate(targetKey);
        cancellation.ThrowIfCancellationRequested();
        string source = folder.PathOf(sourceKey);
        string target = folder.PathOf(targetKey);
        if (!TryOpen(source, out int file, out var facts))
        {
            return false;
        }

        // A hard link would be free, but would also hand the source's age to the copy, and age protects an object from collection.
        using var copy = await IoThreads.Run(() => CopyContent(source, file, facts.Bytes));
        await PublishLockedAsync(targetKey, target, copy, PutCondition.None, cancellation);
        return true;
    }

    public ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        string path = folder.PathOf(key);
        if (!TryOpen(path, out int file, out var facts))
        {
            return new((ObjectMemory?)null);
        }

        if (facts.Bytes == 0)
        {
            Posix.Close(file);
            return new(NativeObjectMemory.Allocate(0));
        }

        return new(MappedObjectMemory.TryMap(file, facts.Bytes, path, out int error) ?? throw FileErrors.Create(error, "mapping", path));
    }

    public ValueTask DisposeAsync()
    {
        locks.Dispose();
        return default;
    }

    private static PutResult Result(TemporaryFile file, bool written) =>
        written ? new PutResult(PutStatus.Written, file.ETag) : new PutResult(PutStatus.PreconditionFailed, null);

    /// <summary>False when there is no such object. The caller closes the file.</summary>
    private static bool TryOpen(string path, out int file, out Posix.FileFacts facts)
    {
        facts = default;
        file = Posix.Open(path, Posix.ReadOnly);
        if (file is -Posix.ENoEnt or -Posix.ENotDir)
        {
            return false;
        }

        if (file < 0)
        {
            throw FileErrors.Create(-file, "opening", path);
        }

        int result = Posix.Stat(file, out facts);
        if (result < 0)
        {
            Posix.Close(file);
            throw FileErrors.Create(-result, "examining", path);
        }

        return true;
    }

    private static bool TryExamine(string path, out Posix.FileFacts facts)
    {
        int result = Posix.Stat(path, out facts);
        return result is -Posix.ENoEnt or -Posix.ENotDir ? false : result < 0 ? throw FileErrors.Create(-result, "examining", path) : true;
    }

    /// <summary>Whether the condition holds right now; without the key's lock only a "no" to if-absent and if-match is final.</summary>
    private static bool MayHold(string path, PutCondition condition)
    {
        bool exists = TryExamine(path, out var facts);
        return condition.IfAbsent ? !exists : exists && FileETag.Of(facts) == condition.IfMatch;
    }

    private static unsafe NativeObjectMemory Read(string path, int file, long offset, long length)
    {
        var content = NativeObjectMemory.Allocate(length);
        int result = Posix.ReadFully(file, content.Pointer, length, offset);
        Posix.Close(file);
        if (result < 0)
        {
            content.Release();
            throw FileErrors.Create(-result, "reading", path);
        }

        return content;
    }

    private TemporaryFile Write(ReadOnlyMemory<byte> content, bool direct)
    {
        var file = folder.CreateTemporary();
        try
        {
            if (direct)
            {
                file.WriteDirect(content.Span);
            }
            else
            {
                file.Write(content.Span);
            }

            file.Seal();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private async ValueTask<PutResult> PublishLockedAsync(
        string key, string path, TemporaryFile file, PutCondition condition, CancellationToken cancellation)
    {
        using var held = await locks.TakeAsync(key, cancellation);
        return await IoThreads.Run(() =>
            Result(file, (condition.IfMatch is null || MayHold(path, condition)) && folder.Publish(file, path, exclusive: false)));
    }

    private unsafe TemporaryFile CopyContent(string source, int from, long length)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, CopyBufferBytes));
        TemporaryFile? file = null;
        try
        {
            file = folder.CreateTemporary();
            fixed (byte* start = buffer)
            {
                for (long position = 0; position < length; position += buffer.Length)
                {
                    int part = (int)Math.Min(length - position, buffer.Length);
                    int result = Posix.ReadFully(from, start, part, position);
                    file.Write(result == 0 ? buffer.AsSpan(0, part) : throw FileErrors.Create(-result, "reading", source));
                }
            }

            file.Seal();
            return file;
        }
        catch
        {
            file?.Dispose();
            throw;
        }
        finally
        {
            Posix.Close(from);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private sealed class Writer(DirectoryObjectStore store, string key, string path, TemporaryFile file) : IObjectWriter
    {
        private readonly StreamedFile content = new(file, store.options.DirectFrom);
        private bool closed;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            cancellation.ThrowIfCancellationRequested();
            await content.WriteAsync(bytes);
        }

        public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            closed = true;
            await content.CompleteAsync();
            string etag = (await store.PublishLockedAsync(key, path, file, PutCondition.None, cancellation)).ETag!;
            content.BringToCache(path);
            return etag;
        }

        public async ValueTask DisposeAsync()
        {
            closed = true;
            await content.DisposeAsync();
            file.Dispose();
        }
    }
}
