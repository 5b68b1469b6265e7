using System.Diagnostics;

namespace Puff.Workloads;

/// <summary>What the disk gives at this moment: on a shared machine it changes by the minute, and durable writes cannot be faster.</summary>
internal static class DiskSpeed
{
    private const int Megabytes = 1_000;

    public static double MegabytesPerSecond(string folder)
    {
        string path = Path.Combine(folder, "disk-speed");
        byte[] megabyte = new byte[1_000_000];
        new Random(1).NextBytes(megabyte);
        var clock = Stopwatch.StartNew();
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            for (int i = 0; i < Megabytes; i++)
            {
                file.Write(megabyte);
            }

            file.Flush(flushToDisk: true);
        }

        double seconds = clock.Elapsed.TotalSeconds;
        File.Delete(path);
        return Megabytes / seconds;
    }
}
