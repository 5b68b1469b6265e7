using System.Collections;
using System.CommandLine;
using System.Text.Json;
using Puff.Output;
using Puff.Sync;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>What a verb of `puff sync` has at hand.</summary>
internal sealed record SyncContext(ParseResult Arguments, SyncInvocation Invocation, CancellationToken Cancellation)
{
    public T? Get<T>(Option<T> option) => Arguments.GetValue(option);

    public T? Get<T>(Argument<T> argument) => Arguments.GetValue(argument);
}

/// <summary>A verb of `puff sync`: the flags all of them have, and the one way errors are shown.</summary>
internal sealed class SyncCommand : Command
{
    private static readonly Option<string> Project = new("--project") { Description = "Folder with sync.toml.", HelpName = "DIR", Recursive = true };

    private static readonly Option<string> EnvironmentName = new("--env", "-e")
    {
        Description = "Which .env files are read. [default: $PUFF_ENV, else development]", HelpName = "NAME", Recursive = true,
    };

    private static readonly Option<string[]> EnvironmentFile = new("--env-file")
    {
        Description = "Another file of variables; may come several times.", HelpName = "PATH", Recursive = true,
    };

    private static readonly Option<string> Form = Choice(new Option<string>("--output") { Description = "Form of results.", HelpName = "FORM" }, "table",
        "json", "ndjson");

    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Only results and errors.", Recursive = true };

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "More about what goes on.", Recursive = true };

    private static readonly Option<string> Color = Choice(new Option<string>("--color") { Description = "Whether colours are used.", HelpName = "WHEN" },
        "auto", "always", "never");

    private static readonly Option<bool> Yes = new("--yes") { Description = "Answer every question so.", Recursive = true };

    public SyncCommand(string name, string description, Terminal terminal, Func<SyncContext, Task<SyncExit>> run)
        : base(name, description) => SetAction((arguments, cancellation) => RunAsync(arguments, terminal, run, cancellation));

    public SyncCommand(string name, string description, Terminal terminal, Func<SyncContext, SyncExit> run)
        : this(name, description, terminal, context => Task.FromResult(run(context)))
    {
    }

    /// <summary>Flags of `puff sync` that stand at every verb.</summary>
    public static IReadOnlyList<Option> GlobalOptions { get; } = [Project, EnvironmentName, EnvironmentFile, Form, Quiet, Verbose, Color, Yes];

    private static async Task<int> RunAsync(ParseResult arguments, Terminal terminal, Func<SyncContext, Task<SyncExit>> run, CancellationToken cancellation)
    {
        OutputFormat format = Enum.Parse<OutputFormat>(arguments.GetValue(Form) ?? "table", ignoreCase: true);
        try
        {
            var invocation = new SyncInvocation(new SyncConsole(terminal, format, arguments.GetValue(Quiet)))
            {
                WorkingDirectory = Directory.GetCurrentDirectory(),
                Project = arguments.GetValue(Project),
                Environment = arguments.GetValue(EnvironmentName),
                EnvironmentFiles = arguments.GetValue(EnvironmentFile) ?? [],
                Variables = Variables(),
                AssumeYes = arguments.GetValue(Yes),
                IsVerbose = arguments.GetValue(Verbose),
            };
            return (int)await run(new SyncContext(arguments, invocation, cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Say("interrupted");
            return (int)ExitCode.Interrupted;
        }
        catch (SyncException error)
        {
            terminal.Say(format == OutputFormat.Table
                ? SyncErrors.ToText(error)
                : JsonSerializer.Serialize(new { error = SyncErrors.ToJson(error) }));
            return (int)error.Exit;
        }
        catch (Exception error)
        {
            terminal.Say($"error: {error.Message}");
            return (int)ExitCodes.Of(error);
        }
        finally
        {
            terminal.Results.Flush();
        }
    }

    private static Dictionary<string, string> Variables() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);

    private static Option<string> Choice(Option<string> option, params string[] choices)
    {
        option.Recursive = true;
        option.AcceptOnlyFromAmong(choices);
        option.Description += $" One of {string.Join(", ", choices)}. [default: {choices[0]}]";
        return option;
    }
}
