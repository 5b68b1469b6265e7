using System.Net;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>Ranges of a blob, each asked for again when it fails for a passing reason.</summary>
internal sealed class AzureDownload(AzureBlobStore store, string key, string cacheDirectory) : ObjectDownload(key, cacheDirectory)
{
    private readonly string key = key;

    protected override async Task<DownloadedRange?> FetchAsync(long offset, long length, string? etag, CancellationToken cancellation)
    {
        var call = store.BlobCall(HttpMethod.Get, key, "GET") with
        {
            Headers = [AzureBlobStore.RangeHeader(offset, length), .. etag is null ? [] : new[] { ("If-Match", etag) }],
        };
        var answer = await store.RepeatAsync(call, cancellation);
        return answer switch
        {
            { IsSuccess: true } => new DownloadedRange(answer.Content!, answer.TotalBytes, answer.ETag!),
            { IsNoSuchBlob: true } => null,

            // No byte 0: the blob is empty.
            { Status: HttpStatusCode.RequestedRangeNotSatisfiable } => new DownloadedRange(NativeObjectMemory.Allocate(0), 0, ""),
            _ => throw AzureErrors.Answer(answer, call, store.Description),
        };
    }
}
