namespace Puff.Sync.Transforms;

/// <summary>Reads a process's standard error to its end and keeps the last lines for error messages.</summary>
internal sealed class StandardErrorTail
{
    private const int KeptLines = 100;
    private const int KeptCharacters = 8 * 1024;

    private readonly Queue<string> lines = new();

    private readonly Task reading;

    public StandardErrorTail(StreamReader error, Action<string> onLine) => reading = ReadAsync(error, onLine);

    /// <summary>Waits for the end of the stream, but not for a descendant of the process that keeps it open.</summary>
    public Task EndAsync() => Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1)));

    /// <summary>The last lines, at most 8 KiB of them.</summary>
    public override string ToString()
    {
        string text;
        lock (lines)
        {
            text = string.Join('\n', lines);
        }

        return text.Length <= KeptCharacters ? text : text[^KeptCharacters..];
    }

    private async Task ReadAsync(StreamReader error, Action<string> onLine)
    {
        await Task.Yield();
        try
        {
            while (await error.ReadLineAsync() is { } line)
            {
                Keep(line);
                onLine(line);
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            // The process is gone; what it wrote before is kept.
        }
    }

    private void Keep(string line)
    {
        lock (lines)
        {
            if (lines.Count == KeptLines)
            {
                lines.Dequeue();
            }

            lines.Enqueue(line);
        }
    }
}
