using System.Buffers;
using Puff.Engine.Storage;

namespace Puff.Storage;

/// <summary>
/// A write of unknown length: one PUT when it stays below a part, else parts, up to <see cref="MaxInFlight"/> on their way at once, that are joined at the end.
/// Parts have no condition and mean the same twice, so that whoever sends them may repeat them.
/// </summary>
internal abstract class PartedObjectWriter(string key, int maxParts) : IObjectWriter
{
    public const int PartBytes = 16 << 20;

    private const int MaxInFlight = 3;

    private readonly Queue<Task> inFlight = new();
    private byte[]? buffer;
    private int filled;
    private int started;
    private bool closed;
    private bool completed;

    protected string Key => key;

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
        if (started > 0 && filled > 0)
        {
            await StartPartAsync(cancellation);
        }

        await FinishPartsAsync(0);
        string etag = started > 0
            ? await JoinPartsAsync(cancellation)
            : await PutWholeAsync(buffer is null ? default : buffer.AsMemory(0, filled), cancellation);
        completed = true;
        return etag;
    }

    public async ValueTask DisposeAsync()
    {
        closed = true;
        while (inFlight.TryDequeue(out var part))
        {
            // Whoever disposes the writer before its end has a better reason to fail than a part.
            await part.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        if (!completed)
        {
            await AbandonAsync();
        }

        ReturnBuffer(ref buffer);
    }

    /// <summary>Writes an object that is shorter than a part. Returns its ETag.</summary>
    protected abstract Task<string> PutWholeAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Comes once, before the first part.</summary>
    protected virtual Task BeginPartsAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <param name="number">1, 2, 3, …</param>
    /// <param name="content">Valid until the task ends.</param>
    /// <param name="cancellation">Of the write that filled the part.</param>
    protected abstract Task PutPartAsync(int number, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>All parts are there: makes the object of them. Returns its ETag.</summary>
    protected abstract Task<string> JoinPartsAsync(CancellationToken cancellation);

    /// <summary>The writer is given up: removes what was sent, where the store does not do so itself. Does not throw.</summary>
    protected virtual Task AbandonAsync() => Task.CompletedTask;

    private async Task StartPartAsync(CancellationToken cancellation)
    {
        if (started == maxParts)
        {
            throw new StoreException(
                $"{key} is longer than {(long)PartBytes * maxParts} bytes, the most an object can be here", transient: false, outcomeUnknown: false);
        }

        if (started == 0)
        {
            await BeginPartsAsync(cancellation);
        }

        await FinishPartsAsync(MaxInFlight - 1);
        inFlight.Enqueue(SendPartAsync(++started, buffer!, filled, cancellation));
        buffer = null;
        filled = 0;
    }

    private async Task SendPartAsync(int number, byte[] content, int length, CancellationToken cancellation)
    {
        byte[]? owned = content;
        try
        {
            await PutPartAsync(number, content.AsMemory(0, length), cancellation);
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
