using System.Globalization;

namespace Puff.Workloads;

/// <summary>What a server says about itself at /metrics.</summary>
internal static class ServerMetrics
{
    /// <summary>Bytes of its managed heap.</summary>
    public static async Task<long> HeapAsync(HttpClient http)
    {
        string metrics = await http.GetStringAsync("/metrics");
        string? line = metrics.Split('\n').FirstOrDefault(l => l.StartsWith("puff_process_managed_heap_bytes ", StringComparison.Ordinal));
        return line is null ? 0 : (long)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
