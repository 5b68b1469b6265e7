using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Puff.Workloads.Vectors;

/// <summary>`puff serve` as a user runs it, on a free port.</summary>
internal sealed partial class PuffBinary : IDisposable
{
    private readonly Process process;

    private PuffBinary(Process process) => this.process = process;

    public ProcessMemory Memory => ProcessMemory.Of(process.Id);

    public static PuffBinary Start(Options options, string store)
    {
        string binary = options.Text("binary", Path.Combine(Repository.Root, "src/Puff/bin/Release/net10.0/puff.dll"));
        if (!File.Exists(binary))
        {
            throw new FileNotFoundException($"{binary} is missing: dotnet build -c Release src/Puff");
        }

        var start = new ProcessStartInfo("dotnet", [binary, "serve", "--listen", "127.0.0.1:0", "--store", store])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        return new PuffBinary(Process.Start(start)!);
    }

    public async Task<Uri> AddressAsync()
    {
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            if (Address().Match(line) is { Success: true } found)
            {
                // Whatever it still says is read and dropped, so that a full pipe never blocks it.
                _ = process.StandardError.ReadToEndAsync();
                _ = process.StandardOutput.ReadToEndAsync();
                return new Uri(found.Value);
            }
        }

        throw new InvalidOperationException("puff serve ended before it listened");
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}
