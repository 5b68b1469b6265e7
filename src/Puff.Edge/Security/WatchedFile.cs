using System.Security.Cryptography;
using Puff.Edge.Transport;

namespace Puff.Edge.Security;

/// <summary>What files say, read again when one of them has changed; while a new version cannot be read, the last good one holds. Thread-safe.</summary>
internal sealed class WatchedFile<T>
{
    /// <summary>How often the files are looked at.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Func<T> read;
    private readonly TimeProvider time;
    private readonly string[] paths;
    private readonly Lock gate = new();
    private DateTime written;
    private long looked;
    private T current;

    /// <summary>Reads the files, which must be there and be right: a server does not start with less safety than it was told to have.</summary>
    public WatchedFile(Func<T> read, TimeProvider time, params string[] paths)
    {
        this.read = read;
        this.time = time;
        this.paths = paths;
        written = LastWrite();
        current = read();
        looked = time.GetTimestamp();
    }

    public T Current
    {
        get
        {
            lock (gate)
            {
                if (time.GetElapsedTime(looked) >= Interval)
                {
                    looked = time.GetTimestamp();
                    Refresh();
                }

                return current;
            }
        }
    }

    private void Refresh()
    {
        try
        {
            DateTime now = LastWrite();
            if (now != written)
            {
                current = read();
                written = now;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or EdgeException or CryptographicException)
        {
            // A file that is being replaced: the next look sees it whole.
        }
    }

    private DateTime LastWrite() => paths.Max(File.GetLastWriteTimeUtc);
}
