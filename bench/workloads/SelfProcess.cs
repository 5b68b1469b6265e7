using System.Diagnostics;

namespace Puff.Workloads;

/// <summary>This program as a child process: for measurements that want a process to themselves.</summary>
internal static class SelfProcess
{
    public static ProcessStartInfo Command(string workload, Options options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(SelfProcess).Assembly.Location);
        }

        start.ArgumentList.Add(workload);
        foreach (var (name, value) in options.Pairs)
        {
            start.ArgumentList.Add("--" + name);
            start.ArgumentList.Add(value);
        }

        return start;
    }
}
