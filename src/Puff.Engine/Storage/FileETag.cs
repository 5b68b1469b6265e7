using System.Globalization;

namespace Puff.Engine.Storage;

/// <summary>
/// A file's ETag: inode, modification time in nanoseconds, and length, so that one stat call, without reading the content, yields it.
/// It must differ for every write, also when a rewrite gets the same length and, freed a moment ago, the same inode. The time stamps
/// that the kernel gives are too coarse for that (one tick, up to 10 ms), so every writer sets the time itself from <see cref="NextStamp"/>.
/// The time of the last status change is no help: the final rename moves it.
/// </summary>
internal static class FileETag
{
    private static readonly long Epoch = DateTimeOffset.UnixEpoch.Ticks;
    private static long lastStamp;

    public static string Of(Posix.FileFacts facts) => string.Create(
        CultureInfo.InvariantCulture, $"{facts.Inode:x}-{facts.Seconds:x}.{facts.Nanoseconds:x}-{facts.Bytes:x}");

    public static DateTimeOffset ModifiedAt(Posix.FileFacts facts) =>
        DateTimeOffset.FromUnixTimeSeconds(facts.Seconds).AddTicks(facts.Nanoseconds / 100);

    /// <summary>
    /// Nanoseconds since 1970, never the same twice in a process. The clock counts in 100 ns; the two digits below are random, which keeps
    /// processes apart that write the same key in the same moment.
    /// </summary>
    public static long NextStamp(TimeProvider time)
    {
        long stamp = ((time.GetUtcNow().Ticks - Epoch) * 100) + System.Security.Cryptography.RandomNumberGenerator.GetInt32(100);
        while (true)
        {
            long last = Interlocked.Read(ref lastStamp);
            long next = Math.Max(stamp, last + 1);
            if (Interlocked.CompareExchange(ref lastStamp, next, last) == last)
            {
                return next;
            }
        }
    }
}
