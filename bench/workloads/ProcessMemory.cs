using System.Globalization;

namespace Puff.Workloads;

/// <summary>Memory of a process in bytes.</summary>
/// <param name="Resident">In use, shared pages of mapped files included.</param>
/// <param name="Anonymous">Of these, what is not pages of files.</param>
/// <param name="Peak">The most that was ever resident.</param>
/// <param name="Managed">The garbage-collected heap, where it is known.</param>
internal readonly record struct ProcessMemory(long Resident, long Anonymous, long Peak, long? Managed)
{
    public static ProcessMemory OfThis() => Of(Environment.ProcessId) with { Managed = GC.GetTotalMemory(forceFullCollection: false) };

    public static ProcessMemory Of(int process)
    {
        string[] lines = File.ReadAllLines($"/proc/{process}/status");
        return new ProcessMemory(Field(lines, "VmRSS:"), Field(lines, "RssAnon:"), Field(lines, "VmHWM:"), null);
    }

    private static long Field(string[] lines, string name)
    {
        string line = lines.First(l => l.StartsWith(name, StringComparison.Ordinal));
        string kibibytes = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kibibytes, CultureInfo.InvariantCulture) << 10;
    }
}
