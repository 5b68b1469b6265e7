using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Puff.Server.Tests.Cli;

/// <summary>The built binary as a process of its own: what a user runs.</summary>
internal sealed partial class PuffProcess : IAsyncDisposable
{
    // A bound for a broken build, not a speed that is asserted.
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly Process process;
    private readonly StringBuilder messages = new();
    private readonly TaskCompletionSource<string> url = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PuffProcess(Process process) => this.process = process;

    /// <summary>Runs a command to its end.</summary>
    public static Task<Outcome> RunAsync(string folder, string input, params string[] arguments) => RunAsync(NoVariables, folder, input, arguments);

    /// <summary>Runs a command to its end with further environment variables.</summary>
    public static Task<Outcome> RunAsync(
        IReadOnlyDictionary<string, string> variables, string folder, string input, params string[] arguments) =>
        RunAsync(Patience, variables, folder, input, arguments);

    /// <summary>Runs a command that may take longer than others.</summary>
    public static async Task<Outcome> RunAsync(
        TimeSpan patience, IReadOnlyDictionary<string, string> variables, string folder, string input, params string[] arguments)
    {
        using Process process = Start(variables, folder, arguments);
        Task<string> results = process.StandardOutput.ReadToEndAsync();
        Task<string> messages = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(patience);
        return new Outcome(process.ExitCode, await results, await messages);
    }

    /// <summary>Starts `puff serve` on a free port and waits for its banner.</summary>
    public static Task<PuffProcess> ServeAsync(string folder, params string[] arguments) => ServeAsync(NoVariables, folder, arguments);

    /// <summary>Starts `puff serve` with further environment variables.</summary>
    public static Task<PuffProcess> ServeAsync(IReadOnlyDictionary<string, string> variables, string folder, params string[] arguments) =>
        ServeAsync([], variables, folder, arguments);

    /// <summary>Starts `puff serve` by way of another command, as in "prlimit --nofile=100".</summary>
    public static async Task<PuffProcess> ServeAsync(
        string[] through, IReadOnlyDictionary<string, string> variables, string folder, params string[] arguments)
    {
        string[] listen = arguments.Contains("--listen") ? [] : ["--listen", "127.0.0.1:0"];
        var server = new PuffProcess(Start(variables, folder, ["serve", .. listen, .. arguments], through));
        server.process.ErrorDataReceived += (_, line) => server.Note(line.Data);
        server.process.BeginErrorReadLine();
        server.process.BeginOutputReadLine();
        await server.url.Task.WaitAsync(Patience);
        return server;
    }

    /// <summary>Starts a command that is to be interrupted; its input stays open.</summary>
    public static PuffProcess Begin(string folder, params string[] arguments)
    {
        var command = new PuffProcess(Start(NoVariables, folder, arguments));
        command.process.ErrorDataReceived += (_, line) => command.Note(line.Data);
        command.process.BeginErrorReadLine();
        command.process.BeginOutputReadLine();
        return command;
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
    public Task<int> StopAsync() => SignalAsync("TERM");

    /// <summary>Sends a signal and returns the exit code.</summary>
    /// <param name="signal">TERM or INT.</param>
    public async Task<int> SignalAsync(string signal)
    {
        await SendAsync(signal);
        return await ExitAsync();
    }

    /// <summary>Waits for the end of the process and returns its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode;
    }

    /// <summary>Sends a signal and does not wait for what comes of it.</summary>
    /// <param name="signal">TERM or INT.</param>
    public async Task SendAsync(string signal)
    {
        using Process kill = Process.Start("kill", ["-" + signal, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Sends SIGKILL: the process gets no chance to finish anything.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().WaitAsync(Patience);
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

    private static Process Start(IReadOnlyDictionary<string, string> variables, string folder, string[] arguments, params string[] through)
    {
        // A shell without job control starts background commands with SIGINT ignored, and children inherit that; a terminal's do not.
        var start = new ProcessStartInfo("env")
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.ArgumentList.Add("--default-signal=INT");
        foreach (string argument in (string[])[.. through, "dotnet", Path.Combine(AppContext.BaseDirectory, "puff.dll"), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("PUFF_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
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

        // The banner's last line: whoever has the address may rely on having all of the banner.
        if (line.StartsWith("  stop ", StringComparison.Ordinal))
        {
            url.TrySetResult(Address().Match(Messages).Value);
        }
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}

internal sealed record Outcome(int Code, string Results, string Messages);
