using System.Collections.Concurrent;
using Amazon.S3;
using Amazon.S3.Model;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>Parts of a multipart upload. The SDK repeats them.</summary>
internal sealed class S3ObjectWriter(S3ObjectStore store, string key) : PartedObjectWriter(key, MaxParts)
{
    public const int MaxParts = 10_000;

    private const int MaxCompletions = 3;

    private readonly ConcurrentBag<PartETag> parts = [];
    private string? upload;

    protected override Task<string> PutWholeAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var request = store.PutRequest(Key, content);
        return store.CallAsync($"PUT {Key}", true, async () => (await store.RepeatingClient.PutObjectAsync(request, cancellation)).ETag, cancellation);
    }

    protected override async Task BeginPartsAsync(CancellationToken cancellation)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = store.Bucket, Key = store.FullKey(Key) };
        upload = await store.CallAsync(
            $"starting the upload of {Key}",
            true,
            async () => (await store.RepeatingClient.InitiateMultipartUploadAsync(request, cancellation)).UploadId,
            cancellation);
    }

    protected override async Task PutPartAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var request = new UploadPartRequest
        {
            BucketName = store.Bucket,
            Key = store.FullKey(Key),
            UploadId = upload,
            PartNumber = number,
            PartSize = content.Length,
            InputStream = new MemoryContentStream(content),
            UseChunkEncoding = false,
        };
        string etag = await store.CallAsync(
            $"uploading part {number} of {Key}",
            false,
            async () => (await store.RepeatingClient.UploadPartAsync(request, cancellation)).ETag,
            cancellation);
        parts.Add(new PartETag(number, etag));
    }

    protected override Task<string> JoinPartsAsync(CancellationToken cancellation) =>
        store.CallAsync($"completing the upload of {Key}", true, () => CompleteUploadAsync(cancellation), cancellation);

    /// <summary>Without this the parts would be stored, and paid for, for ever. When it fails, the bucket's lifecycle rule has to do it.</summary>
    protected override async Task AbandonAsync()
    {
        if (upload is null)
        {
            return;
        }

        try
        {
            await store.CallAsync(
                $"abandoning the upload of {Key}",
                false,
                () => store.RepeatingClient.AbortMultipartUploadAsync(
                    new AbortMultipartUploadRequest { BucketName = store.Bucket, Key = store.FullKey(Key), UploadId = upload }),
                CancellationToken.None);
        }
        catch (StoreException)
        {
            // Whoever disposes the writer has a better reason to fail than this.
        }
    }

    /// <summary>
    /// A repeated completion whose first try had worked is told that there is no such upload; then the object that stands is ours or a later one,
    /// and an unconditional write may be overtaken.
    /// </summary>
    private async Task<string> CompleteUploadAsync(CancellationToken cancellation)
    {
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = store.Bucket,
            Key = store.FullKey(Key),
            UploadId = upload,
            PartETags = [.. parts.OrderBy(part => part.PartNumber)],
        };
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return (await store.Client.CompleteMultipartUploadAsync(request, cancellation)).ETag;
            }
            catch (AmazonS3Exception error) when (attempt > 1 && error.ErrorCode == "NoSuchUpload")
            {
                return (await store.HeadAsync(Key, StorePurpose.Segment, cancellation))?.ETag ?? throw new IOException($"the upload of {Key} is gone", error);
            }
            catch (AmazonS3Exception error) when (attempt < MaxCompletions && (int)error.StatusCode >= 500)
            {
                // Tried again at once: the SDK's own pause would hide whether this was the first try.
            }
        }
    }
}
