using Microsoft.Win32.SafeHandles;
using Puff.Engine.Storage;

namespace Puff.Storage;

/// <summary>A range of an object as it came from the store.</summary>
/// <param name="Content">Its bytes; the receiver owns one reference.</param>
/// <param name="TotalBytes">The whole object's length.</param>
/// <param name="ETag">Of the whole object.</param>
internal readonly record struct DownloadedRange(NativeObjectMemory Content, long TotalBytes, string ETag);

/// <summary>
/// Brings a whole object here: a short one into memory with one request, a longer one in parallel ranges into an unnamed local file that is then mapped.
/// Every range names the ETag of the first, so that parts of two versions never mix.
/// </summary>
internal abstract class ObjectDownload(string key, string cacheDirectory)
{
    private const int FirstBytes = 1 << 20;
    private const int RangeBytes = 8 << 20;
    private const int Streams = 8;

    /// <summary>Null when the object is absent. What <see cref="FetchAsync"/> throws passes through.</summary>
    public async Task<ObjectMemory?> RunAsync(CancellationToken cancellation)
    {
        if (await FetchAsync(0, FirstBytes, null, cancellation) is not { } first)
        {
            return null;
        }

        if (first.TotalBytes == first.Content.Length)
        {
            return first.Content;
        }

        try
        {
            return await DownloadAsync(first.Content, first.TotalBytes, first.ETag, cancellation);
        }
        finally
        {
            first.Content.Release();
        }
    }

    /// <summary>Reads a range, clipped to the object (so an empty one of an empty object); null when the object is absent.</summary>
    /// <param name="etag">When given, anything but this version is an error.</param>
    protected abstract Task<DownloadedRange?> FetchAsync(long offset, long length, string? etag, CancellationToken cancellation);

    private async Task<ObjectMemory> DownloadAsync(NativeObjectMemory start, long total, string etag, CancellationToken cancellation)
    {
        var file = CreateFile(total);
        try
        {
            await WriteAsync(file, start, 0, cancellation);
            var ranges = Enumerable.Range(0, (int)((total - start.Length + RangeBytes - 1) / RangeBytes)).Select(i => start.Length + ((long)i * RangeBytes));
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Streams, CancellationToken = cancellation };
            await Parallel.ForEachAsync(
                ranges, parallel, async (offset, stop) => await FetchIntoAsync(file, offset, Math.Min(RangeBytes, total - offset), etag, stop));
            return DownloadedObjectMemory.Map(file, total);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private async Task FetchIntoAsync(SafeFileHandle file, long offset, long length, string etag, CancellationToken cancellation)
    {
        if (await FetchAsync(offset, length, etag, cancellation) is not { } part)
        {
            throw new StoreException($"{key} vanished while it was downloaded", transient: true, outcomeUnknown: false);
        }

        try
        {
            if (part.Content.Length != length)
            {
                throw new StoreException($"{part.Content.Length} bytes of {key} came instead of {length}", transient: true, outcomeUnknown: false);
            }

            await WriteAsync(file, part.Content, offset, cancellation);
        }
        finally
        {
            part.Content.Release();
        }
    }

    private async Task WriteAsync(SafeFileHandle file, NativeObjectMemory part, long offset, CancellationToken cancellation)
    {
        try
        {
            await RandomAccess.WriteAsync(file, part.Memory, offset, cancellation);
        }
        catch (IOException error)
        {
            throw CacheTrouble(error);
        }
    }

    /// <summary>A file that has no name any more, so that neither a crash nor a forgotten release leaves it behind.</summary>
    private SafeFileHandle CreateFile(long length)
    {
        try
        {
            Directory.CreateDirectory(cacheDirectory);
            string path = Path.Combine(cacheDirectory, $"puff-{Path.GetRandomFileName()}");
            var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.Asynchronous, length);
            File.Delete(path);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CacheTrouble(error);
        }
    }

    private StoreException CacheTrouble(Exception error) => new(
        $"the cache directory {cacheDirectory} cannot take {key}: {error.Message}; free space there, check its rights, or choose another with --cache-dir",
        transient: true,
        outcomeUnknown: false,
        error);
}
