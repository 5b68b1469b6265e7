using System.Diagnostics;
using System.Text.RegularExpressions;
using Puff.Server.Tests.Cli;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.Documentation;

/// <summary>
/// The commands that the documents print are run as printed, in their order, in an empty folder. In the place of ./puff stands a script that calls the built
/// binary, sends client verbs to this test's server, and makes the verbs that would serve for ever serve on a free port and end.
/// </summary>
public sealed partial class DocumentedCommandTests : IDisposable
{
    // A bound for a broken build, not a speed that is asserted.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const string Stand = """
        #!/usr/bin/env bash
        set -euo pipefail
        verb=$1; shift
        given=()
        while (( $# )); do
          if [[ $1 == --listen ]]; then shift; else given+=("$1"); fi
          shift
        done
        puff() { dotnet "$PUFF_BINARY" "$verb" ${given[@]+"${given[@]}"} "$@"; }
        case $verb in
          demo) [[ " ${given[*]-} " == *" --exit "* ]] || given+=(--exit); puff --listen 127.0.0.1:0 ;;
          serve)
            coproc dotnet "$PUFF_BINARY" serve ${given[@]+"${given[@]}"} --listen 127.0.0.1:0 2>&1
            server=$COPROC_PID
            while read -r line <&"${COPROC[0]}"; do echo "$line"; [[ $line != *Ctrl+C* ]] || break; done
            kill -TERM "$server"
            wait "$server" ;;
          *) puff ;;
        esac
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("puff-docs-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("README.md", 4, "hello")]
    [InlineData("docs/quickstart.md", 15, "red panda")]
    [InlineData("docs/quickstart.md", 15, "walruses sleep on ice")]
    public async Task What_a_document_prints_works(string document, int commands, string shown)
    {
        string[] script = [.. Commands(await File.ReadAllTextAsync(Repository.Resolve(document), TestContext.Current.CancellationToken))];
        Assert.True(script.Length == commands, $"{document} prints other commands than were counted here:\n{string.Join('\n', script)}");
        const string rows = "{\"id\":1,\"title\":\"hello\"}\n{\"id\":2,\"title\":\"bye\"}\n";
        await File.WriteAllTextAsync(Path.Combine(folder, "rows.ndjson"), rows, TestContext.Current.CancellationToken);
        await using PuffProcess server = await PuffProcess.ServeAsync(folder, "--store", "memory://");
        Outcome outcome = await RunAsync(server.Url, script);
        Assert.True(outcome.Code == 0, outcome.Messages + outcome.Results);
        Assert.Contains(shown, outcome.Results, StringComparison.Ordinal);
    }

    /// <summary>The lines of sh blocks, and code within sentences that begins with ./puff, in the order of the text.</summary>
    private static IEnumerable<string> Commands(string text) => Printed().Matches(text).SelectMany(match => match.Groups["inline"].Success
        ? [match.Groups["inline"].Value]
        : match.Groups["block"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    private async Task<Outcome> RunAsync(string url, string[] script)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "puff"), Stand);
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            ArgumentList = { "-euxo", "pipefail", "-c", string.Join('\n', script.Prepend("chmod +x puff")) },
            Environment = { ["PUFF_BINARY"] = Path.Combine(AppContext.BaseDirectory, "puff.dll"), ["PUFF_URL"] = url },
        };
        using Process bash = Process.Start(start)!;
        bash.StandardInput.Close();
        Task<string> results = bash.StandardOutput.ReadToEndAsync();
        Task<string> messages = bash.StandardError.ReadToEndAsync();
        try
        {
            await bash.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            bash.Kill(entireProcessTree: true);
        }

        return new Outcome(bash.HasExited ? bash.ExitCode : -1, await results, await messages);
    }

    [GeneratedRegex(@"```sh\n(?<block>.*?)```|```.*?```|`(?<inline>\./puff [^`\n]*)`", RegexOptions.Singleline)]
    private static partial Regex Printed();
}
