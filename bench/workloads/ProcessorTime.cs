using System.Globalization;

namespace Puff.Workloads;

/// <summary>Processor time of this process's children that have ended, user and system: what a build costs whatever else the machine does.</summary>
internal static class ProcessorTime
{
    private const double TicksPerSecond = 100;

    /// <summary>Seconds, from fields 16 and 17 of /proc/self/stat.</summary>
    public static double OfChildren()
    {
        string stat = File.ReadAllText("/proc/self/stat");

        // The second field, the name, is in parentheses and may hold spaces.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
