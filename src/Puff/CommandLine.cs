using System.CommandLine;
using System.CommandLine.Parsing;
using Puff.Commands;
using Puff.Commands.Edge;
using Puff.Commands.Sync;
using Puff.Demo;
using Puff.Hosting;
using Puff.Output;

namespace Puff;

/// <summary>The verbs of the binary, and the rule that whatever cannot be parsed is a usage error.</summary>
internal static class CommandLine
{
    public static RootCommand Create(Terminal terminal) => new("Search on object storage.")
    {
        PuffCommand.ConfigurationFile,
        ServeCommand.Create(terminal),
        DemoCommand.Create(terminal),
        NamespaceCommands.List(terminal),
        NamespaceCommands.Stat(terminal),
        NamespaceCommands.Schema(terminal),
        NamespaceCommands.Write(terminal),
        ImportCommand.Create(terminal),
        ExportCommand.Create(terminal),
        NamespaceCommands.Delete(terminal),
        QueryCommand.Create(terminal),
        NamespaceCommands.Branch(terminal),
        CopyCommand.Create(terminal),
        HistoryCommands.History(terminal),
        HistoryCommands.Restore(terminal),
        StoreCommands.Check(terminal),
        StoreCommands.Inspect(terminal),
        DoctorCommand.Create(terminal),
        EdgeCommands.Create(terminal),
        KvCommands.Create(terminal),
        BlobCommands.Create(terminal),
        SyncCommands.Create(terminal),
        LocalCommands.Config(terminal),
        LocalCommands.Completion(terminal),
        LocalCommands.VersionOf(terminal),
    };

    public static async Task<int> RunAsync(string[] arguments, Terminal terminal)
    {
        ParseResult parsed = Create(terminal).Parse(arguments.Length == 0 ? ["--help"] : arguments);
        // A flag nobody knows would otherwise pass as a file or namespace of that name; what stands after "--" is meant as it is.
        string[] flags = [.. arguments.TakeWhile(argument => argument != "--")];
        var strays = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(result => result.Tokens)
            .Where(token => token.Value.StartsWith("--", StringComparison.Ordinal) && flags.Contains(token.Value))
            .Select(token => $"unknown option {token.Value}");
        string[] errors = [.. strays, .. parsed.Errors.Select(error => error.Message)];
        if (errors.Length > 0)
        {
            foreach (string error in errors)
            {
                terminal.Say($"puff: {error}");
            }

            terminal.Say("Try 'puff --help', or 'puff VERB --help'.");
            return (int)ExitCode.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = terminal.Results, Error = terminal.Messages, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
        };
        using var signals = new StopSignals();
        int code = await parsed.InvokeAsync(invocation, signals.Requested);
        await terminal.Results.FlushAsync();
        return arguments.Length == 0 ? (int)ExitCode.Usage : code;
    }
}
