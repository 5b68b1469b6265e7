using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Points in time inside stored objects: ms since the Unix epoch, up to what <see cref="DateTimeOffset"/> can hold.</summary>
internal static class TimeFormat
{
    /// <summary>The last millisecond of the year 9999.</summary>
    public const long LatestMs = 253_402_300_799_999;

    /// <exception cref="CorruptDataException">Before 1970 or after 9999.</exception>
    public static long Read(ref ByteReader reader)
    {
        long value = reader.Int64();
        return value is >= 0 and <= LatestMs ? value : throw new CorruptDataException($"time {value} is out of range");
    }
}
