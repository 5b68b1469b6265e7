using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Win32.SafeHandles;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>
/// Brings a whole object here: a short one into memory with one request, a longer one in parallel ranges into an unnamed local file that is then mapped.
/// Every range names the ETag of the first, so that parts of two versions never mix.
/// </summary>
internal sealed class S3Download(IAmazonS3 client, string bucket, string key, string cacheDirectory)
{
    private const int FirstBytes = 1 << 20;
    private const int RangeBytes = 8 << 20;
    private const int Streams = 8;

    /// <summary>Null when the object is absent. SDK and network exceptions pass through.</summary>
    public async Task<ObjectMemory?> RunAsync(CancellationToken cancellation)
    {
        try
        {
            using var first = await client.GetObjectAsync(Request(0, FirstBytes, null), cancellation);
            long total = S3ObjectStore.TotalBytes(first);
            var start = await S3ObjectStore.ReadBodyAsync(first, cancellation);
            if (total == start.Length)
            {
                return start;
            }

            try
            {
                return await DownloadAsync(start, total, first.ETag, cancellation);
            }
            finally
            {
                start.Release();
            }
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            // No byte 0: the object is empty.
            return NativeObjectMemory.Allocate(0);
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return null;
        }
    }

    private async Task<ObjectMemory> DownloadAsync(NativeObjectMemory start, long total, string etag, CancellationToken cancellation)
    {
        var file = CreateFile(total);
        try
        {
            await RandomAccess.WriteAsync(file, start.Memory, 0, cancellation);
            var ranges = Enumerable.Range(0, (int)((total - start.Length + RangeBytes - 1) / RangeBytes)).Select(i => start.Length + ((long)i * RangeBytes));
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Streams, CancellationToken = cancellation };
            await Parallel.ForEachAsync(
                ranges, parallel, async (offset, stop) => await FetchAsync(file, offset, Math.Min(RangeBytes, total - offset), etag, stop));
            return DownloadedObjectMemory.Map(file, total);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private async Task FetchAsync(SafeFileHandle file, long offset, long length, string etag, CancellationToken cancellation)
    {
        using var response = await client.GetObjectAsync(Request(offset, length, etag), cancellation);
        var part = await S3ObjectStore.ReadBodyAsync(response, cancellation);
        try
        {
            if (part.Length != length)
            {
                throw new IOException($"{part.Length} bytes came instead of {length}");
            }

            await WriteAsync(file, part, offset, cancellation);
        }
        finally
        {
            part.Release();
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

    private GetObjectRequest Request(long offset, long length, string? etag) => new()
    {
        BucketName = bucket,
        Key = key,
        ByteRange = new ByteRange(offset, offset + length - 1),
        EtagToMatch = etag,
    };
}
