namespace Puff.Engine.Storage;

/// <summary>
/// The content of an object that is written piece by piece. The beginning goes through the page cache; the rest of an object so large goes past it, a buffer at
/// a time while the next is being filled: copying gigabytes into fresh pages takes a processor, and the sync at the end then waits for all of them. For one
/// writer at a time.
/// </summary>
internal sealed class StreamedFile(TemporaryFile file, long directFrom) : IAsyncDisposable
{
    /// <summary>A system may limit what it reads ahead at once; so much it always does.</summary>
    private const int ReadAheadBytes = 128 << 10;

    private const int BufferBytes = 4 << 20;

    private NativeObjectMemory? filling;
    private NativeObjectMemory? writing;
    private int filled;
    private long length;
    private Task pending = Task.CompletedTask;

    /// <summary>Appends. A failure may only show at a later call.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> content)
    {
        int cached = (int)Math.Clamp(directFrom - length, 0, content.Length);
        if (cached > 0)
        {
            await RunAsync(() => file.Write(content.Span[..cached]));
            length += cached;
            content = content[cached..];
        }

        while (content.Length > 0)
        {
            content = content[Fill(content.Span)..];
            if (filled == BufferBytes)
            {
                await SwapAsync();
            }
        }
    }

    /// <summary>Writes the rest and seals the file.</summary>
    public async Task CompleteAsync()
    {
        await pending;
        await RunAsync(() =>
        {
            if (filled > 0)
            {
                file.WriteDirect(filling!.Span[..filled]);
            }

            file.Seal();
        });
        length += filled;
    }

    /// <summary>Has what went past the page cache read into it, without waiting: a new object of this size is about to be searched.</summary>
    /// <param name="path">Where the file is now.</param>
    public void BringToCache(string path)
    {
        long end = length;
        if (end > directFrom)
        {
            _ = RunAsync(() => ReadAhead(path, directFrom, end));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAny(pending);
        filling?.Release();
        writing?.Release();
        filling = writing = null;
    }

    private static void ReadAhead(string path, long start, long end)
    {
        int opened = Posix.Open(path, Posix.ReadOnly);
        if (opened < 0)
        {
            return; // given up already
        }

        for (long offset = start; offset < end && Posix.ReadAhead(opened, offset, ReadAheadBytes) == 0; offset += ReadAheadBytes)
        {
        }

        Posix.Close(opened);
    }

    private static Task RunAsync(Action work) => IoThreads.Run(() =>
    {
        work();
        return true;
    });

    private int Fill(ReadOnlySpan<byte> content)
    {
        filling ??= NativeObjectMemory.Allocate(BufferBytes);
        int taken = Math.Min(content.Length, BufferBytes - filled);
        content[..taken].CopyTo(filling.WritableSpan[filled..]);
        filled += taken;
        return taken;
    }

    /// <summary>Begins to write the full buffer, once the one before has been written.</summary>
    private async Task SwapAsync()
    {
        await pending;
        (filling, writing) = (writing, filling);
        filled = 0;
        length += BufferBytes;
        var full = writing!;
        pending = RunAsync(() => file.WriteDirect(full.Span));
    }
}
