namespace Puff.Workloads;

/// <summary>What a figure was measured on; printed with every one.</summary>
internal static class Machine
{
    public static void Print()
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "?";
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        Console.WriteLine($"machine: {Environment.ProcessorCount} x {model}, "
            + $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30} GiB, .NET {Environment.Version}, load {load}");
    }
}
