using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Puff.Server.Tests.Cli;

/// <summary>The built binary as a process of its own: what a user runs.</summary>
internal sealed partial class PuffProcess : IAsyncDisposable
{
    // A bound for a broken build, not a speed that is asserted.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly StringBuilder messages = new();
    private readonly TaskCompletionSource<string> url = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PuffProcess(Process process) => this.process = process;

    /// <summary>Runs a command to its end.</summary>
    public static async Task<Outcome> RunAsync(string folder, string input, params string[] arguments)
    {
        using Process process = Start(folder, arguments);
        Task<string> results = process.StandardOutput.ReadToEndAsync();
        Task<string> messages = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new Outcome(process.ExitCode, await results, await messages);
    }

    /// <summary>Starts `puff serve` on a free port and waits for its banner.</summary>
    public static async Task<PuffProcess> ServeAsync(string folder, params string[] arguments)
    {
        var server = new PuffProcess(Start(folder, ["serve", "--listen", "127.0.0.1:0", .. arguments]));
        server.process.ErrorDataReceived += (_, line) => server.Note(line.Data);
        server.process.BeginErrorReadLine();
        server.process.BeginOutputReadLine();
        await server.url.Task.WaitAsync(Patience);
        return server;
    }

    public string Url => url.Task.Result;

    public string Messages
    {
        get
        {
            lock (messages)
            {
                return messages.ToString();
            }
        }
    }

    /// <summary>Sends SIGTERM and returns the exit code.</summary>
    public async Task<int> StopAsync()
    {
        using (Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private static Process Start(string folder, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "puff.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("PUFF_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        return Process.Start(start)!;
    }

    private void Note(string? line)
    {
        if (line == null)
        {
            url.TrySetException(new InvalidOperationException($"puff serve ended: {Messages}"));
            return;
        }

        lock (messages)
        {
            messages.AppendLine(line);
        }

        if (Address().Match(line) is { Success: true } match)
        {
            url.TrySetResult(match.Value);
        }
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}

internal sealed record Outcome(int Code, string Results, string Messages);
