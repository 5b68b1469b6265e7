using System.Buffers;
using Amazon.S3;
using Amazon.S3.Model;
using Puff.Engine.Storage;

namespace Puff.Storage.S3;

/// <summary>
/// A write of unknown length: one PUT when it stays below a part, else a multipart upload with up to <see cref="MaxInFlight"/> parts on their way at once.
/// Parts are repeated by the SDK; they have no condition and mean the same twice.
/// </summary>
internal sealed class S3ObjectWriter(S3ObjectStore store, string key) : IObjectWriter
{
    public const int PartBytes = 16 << 20;
    public const int MaxParts = 10_000;

    private const int MaxInFlight = 3;
    private const int MaxCompletions = 3;

    private readonly Queue<Task<PartETag>> inFlight = new();
    private readonly List<PartETag> parts = [];
    private byte[]? buffer;
    private int filled;
    private int started;
    private string? upload;
    private bool closed;
    private bool completed;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        cancellation.ThrowIfCancellationRequested();
        while (content.Length > 0)
        {
            if (filled == PartBytes)
            {
                await StartPartAsync(cancellation);
            }

            buffer ??= ArrayPool<byte>.Shared.Rent(PartBytes);
            int count = Math.Min(content.Length, PartBytes - filled);
            content.Span[..count].CopyTo(buffer.AsSpan(filled));
            filled += count;
            content = content[count..];
        }
    }

    public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        closed = true;
        if (upload is null)
        {
            return await PutWholeAsync(cancellation);
        }

        if (filled > 0)
        {
            await StartPartAsync(cancellation);
        }

        await FinishPartsAsync(0);
        string etag = await store.CallAsync($"completing the upload of {key}", true, () => CompleteUploadAsync(cancellation), cancellation);
        completed = true;
        return etag;
    }

    public async ValueTask DisposeAsync()
    {
        closed = true;
        await AbandonAsync();
        ReturnBuffer(ref buffer);
    }

    private async Task<string> PutWholeAsync(CancellationToken cancellation)
    {
        var content = buffer is null ? default : buffer.AsMemory(0, filled);
        var request = store.PutRequest(key, content);
        string etag = await store.CallAsync(
            $"PUT {key}", true, async () => (await store.RepeatingClient.PutObjectAsync(request, cancellation)).ETag, cancellation);
        completed = true;
        return etag;
    }

    private async Task StartPartAsync(CancellationToken cancellation)
    {
        if (started == MaxParts)
        {
            throw new StoreException(
                $"{key} is longer than {(long)PartBytes * MaxParts} bytes, the most an S3 object can be here", transient: false, outcomeUnknown: false);
        }

        upload ??= await store.CallAsync(
            $"starting the upload of {key}",
            true,
            async () => (await store.RepeatingClient.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest { BucketName = store.Bucket, Key = store.FullKey(key) }, cancellation)).UploadId,
            cancellation);
        await FinishPartsAsync(MaxInFlight - 1);
        inFlight.Enqueue(UploadPartAsync(buffer!, filled, ++started, cancellation));
        buffer = null;
        filled = 0;
    }

    private async Task<PartETag> UploadPartAsync(byte[] content, int length, int number, CancellationToken cancellation)
    {
        byte[]? owned = content;
        try
        {
            var request = new UploadPartRequest
            {
                BucketName = store.Bucket,
                Key = store.FullKey(key),
                UploadId = upload,
                PartNumber = number,
                PartSize = length,
                InputStream = new MemoryContentStream(content.AsMemory(0, length)),
                UseChunkEncoding = false,
            };
            return await store.CallAsync(
                $"uploading part {number} of {key}",
                false,
                async () => new PartETag(number, (await store.RepeatingClient.UploadPartAsync(request, cancellation)).ETag),
                cancellation);
        }
        finally
        {
            ReturnBuffer(ref owned);
        }
    }

    private async Task FinishPartsAsync(int remaining)
    {
        while (inFlight.Count > remaining)
        {
            parts.Add(await inFlight.Dequeue());
        }
    }

    /// <summary>
    /// A repeated completion whose first try had worked is told that there is no such upload; then the object that stands is ours or a later one,
    /// and an unconditional write may be overtaken.
    /// </summary>
    private async Task<string> CompleteUploadAsync(CancellationToken cancellation)
    {
        var request = new CompleteMultipartUploadRequest { BucketName = store.Bucket, Key = store.FullKey(key), UploadId = upload, PartETags = parts };
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return (await store.Client.CompleteMultipartUploadAsync(request, cancellation)).ETag;
            }
            catch (AmazonS3Exception error) when (attempt > 1 && error.ErrorCode == "NoSuchUpload")
            {
                return (await store.HeadAsync(key, StorePurpose.Segment, cancellation))?.ETag ?? throw new IOException($"the upload of {key} is gone", error);
            }
            catch (AmazonS3Exception error) when (attempt < MaxCompletions && (int)error.StatusCode >= 500)
            {
                // Tried again at once: the SDK's own pause would hide whether this was the first try.
            }
        }
    }

    /// <summary>Without this the parts would be stored, and paid for, for ever. When it fails, the bucket's lifecycle rule has to do it.</summary>
    private async Task AbandonAsync()
    {
        while (inFlight.TryDequeue(out var part))
        {
            await part.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        if (upload is null || completed)
        {
            return;
        }

        try
        {
            await store.CallAsync(
                $"abandoning the upload of {key}",
                false,
                () => store.RepeatingClient.AbortMultipartUploadAsync(
                    new AbortMultipartUploadRequest { BucketName = store.Bucket, Key = store.FullKey(key), UploadId = upload }),
                CancellationToken.None);
        }
        catch (StoreException)
        {
            // Whoever disposes the writer has a better reason to fail than this.
        }
    }

    private static void ReturnBuffer(ref byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }
}
