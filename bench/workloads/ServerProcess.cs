using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Server;

namespace Puff.Workloads;

/// <summary>A Puff server on a directory store in a process of its own, so that client and server share nothing but the cores.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process process;

    private ServerProcess(Process process, Uri address)
    {
        this.process = process;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>Bytes of memory in use, shared pages of mapped files included.</summary>
    public long ResidentBytes => ProcessMemory.Of(process.Id).Resident;

    /// <summary>Bytes of memory that are not pages of files.</summary>
    public long AnonymousBytes => ProcessMemory.Of(process.Id).Anonymous;

    /// <summary>Processor time the server has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    public static async Task<ServerProcess> StartAsync(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        }

        start.ArgumentList.Add("serve");
        start.ArgumentList.Add(folder);
        var process = Process.Start(start)!;
        string line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server did not start");
        return new ServerProcess(process, new Uri(line));
    }

    public static async Task ServeAsync(string[] args)
    {
        ThreadPool.SetMinThreads(16, 16);
        await using var store = await DirectoryObjectStore.OpenAsync(args[0]);
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
        await using var server = await PuffServer.StartAsync(new PuffServerOptions { Listen = ["127.0.0.1:0"] }, engine, NullLoggerFactory.Instance);
        Console.WriteLine(server.Urls[0]);
        await Task.Delay(Timeout.Infinite);
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
