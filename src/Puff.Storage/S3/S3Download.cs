using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>Ranges of an object of a bucket. SDK and network exceptions pass through.</summary>
internal sealed class S3Download(S3ObjectStore store, string bucket, string key, string cacheDirectory) : ObjectDownload(key, cacheDirectory)
{
    private readonly string key = key;

    protected override async Task<DownloadedRange?> FetchAsync(long offset, long length, string? etag, CancellationToken cancellation)
    {
        var request = new GetObjectRequest
        {
            BucketName = bucket,
            Key = key,
            ByteRange = new ByteRange(offset, offset + length - 1),
            EtagToMatch = etag,
        };
        try
        {
            using var response = await store.Client.GetObjectAsync(request, cancellation);
            return new DownloadedRange(await store.ReadBodyAsync(response, cancellation), S3ObjectStore.TotalBytes(response), response.ETag);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            // No byte 0: the object is empty.
            return new DownloadedRange(NativeObjectMemory.Allocate(0), 0, "");
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return null;
        }
    }
}
