using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Puff.Engine.Storage;

namespace Puff.Storage.Azure;

/// <summary>
/// A write of unknown length: one Put Blob when it stays below a block, else blocks, a few on their way at once, and a block list that makes them the blob.
/// Blocks and block lists mean the same twice and are repeated. What an unfinished writer sent, the service removes after a week.
/// </summary>
internal sealed class AzureBlockWriter(AzureBlobStore store, string key) : IObjectWriter
{
    public const int BlockBytes = 16 << 20;
    public const int MaxBlocks = 50_000;

    private const int MaxInFlight = 3;

    /// <summary>Tells the blocks of this writer from those of another that writes the same blob.</summary>
    private readonly string writer = RandomNumberGenerator.GetHexString(16);
    private readonly Queue<Task> inFlight = new();
    private readonly List<string> blocks = [];
    private byte[]? buffer;
    private int filled;
    private bool closed;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        cancellation.ThrowIfCancellationRequested();
        while (content.Length > 0)
        {
            if (filled == BlockBytes)
            {
                await StartBlockAsync(cancellation);
            }

            buffer ??= ArrayPool<byte>.Shared.Rent(BlockBytes);
            int count = Math.Min(content.Length, BlockBytes - filled);
            content.Span[..count].CopyTo(buffer.AsSpan(filled));
            filled += count;
            content = content[count..];
        }
    }

    public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        closed = true;
        if (blocks.Count == 0)
        {
            var put = store.PutCall(key, buffer is null ? default : buffer.AsMemory(0, filled));
            return (await store.RepeatOrThrowAsync(put, cancellation)).ETag!;
        }

        if (filled > 0)
        {
            await StartBlockAsync(cancellation);
        }

        await FinishBlocksAsync(0);
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        foreach (string block in blocks)
        {
            list.Append("<Latest>").Append(block).Append("</Latest>");
        }

        var commit = store.BlobCall(HttpMethod.Put, key, "completing the upload of") with
        {
            Query = [("comp", "blocklist")],
            Body = Encoding.ASCII.GetBytes(list.Append("</BlockList>").ToString()),
        };
        return (await store.RepeatOrThrowAsync(commit, cancellation)).ETag!;
    }

    public async ValueTask DisposeAsync()
    {
        closed = true;
        while (inFlight.TryDequeue(out var block))
        {
            // Whoever disposes the writer before its end has a better reason to fail than a block.
            await block.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        ReturnBuffer(ref buffer);
    }

    private async Task StartBlockAsync(CancellationToken cancellation)
    {
        if (blocks.Count == MaxBlocks)
        {
            throw new StoreException(
                $"{key} is longer than {(long)BlockBytes * MaxBlocks} bytes, the most a blob can be here", transient: false, outcomeUnknown: false);
        }

        await FinishBlocksAsync(MaxInFlight - 1);
        string block = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{writer}{blocks.Count:D6}"));
        blocks.Add(block);
        inFlight.Enqueue(PutBlockAsync(block, buffer!, filled, cancellation));
        buffer = null;
        filled = 0;
    }

    private async Task PutBlockAsync(string block, byte[] content, int length, CancellationToken cancellation)
    {
        byte[]? owned = content;
        try
        {
            var call = store.BlobCall(HttpMethod.Put, key, "uploading a block of") with
            {
                Query = [("comp", "block"), ("blockid", block)],
                Body = content.AsMemory(0, length),
            };
            await store.RepeatOrThrowAsync(call, cancellation);
        }
        finally
        {
            ReturnBuffer(ref owned);
        }
    }

    private async Task FinishBlocksAsync(int remaining)
    {
        while (inFlight.Count > remaining)
        {
            await inFlight.Dequeue();
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
