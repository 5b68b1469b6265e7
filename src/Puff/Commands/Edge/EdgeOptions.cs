using System.CommandLine;
using Puff.Edge;
using Puff.Edge.Transport;
using Puff.Output;

namespace Puff.Commands.Edge;

/// <summary>The options of the edge verbs, accepted before and after their subcommands, and how these commands end.</summary>
internal static class EdgeOptions
{
    public const string KvDefault = "kv_store.db";
    public const string BlobDefault = "blob_store.db";

    public static Option<string> Store(string usual) => new("--store", "-s")
    {
        Description = $"The store's file. [default: {usual}]", HelpName = "PATH", Recursive = true, DefaultValueFactory = _ => usual,
    };

    public static Option<string> Backend()
    {
        var option = new Option<string>("--backend", "-b")
        {
            Description = $"Engine: {string.Join(", ", EdgeEngines.All.Select(Describe))}. [default: sqlite]", HelpName = "ENGINE", Recursive = true,
            DefaultValueFactory = _ => "sqlite",
        };
        option.Validators.Add(result =>
        {
            string name = result.GetValueOrDefault<string>();
            if (!EdgeEngines.TryParse(name, out EdgeEngine engine))
            {
                result.AddError($"unknown engine {name}: {string.Join(", ", EdgeEngines.All.Select(EdgeEngines.NameOf))}");
            }
            else if (EdgeEngines.WhatIsMissing(engine) is { } missing)
            {
                result.AddError($"engine {name} is not available: {missing} is missing");
            }
        });
        return option;
    }

    public static EdgeEngine EngineOf(ParseResult arguments, Option<string> backend) =>
        EdgeEngines.TryParse(arguments.GetRequiredValue(backend), out EdgeEngine engine)
            ? engine
            : throw new CommandException(ExitCode.Usage, "unknown engine");

    /// <summary>Runs a verb: false from a comparison and every error is exit code 1, an error with one line on standard error.</summary>
    public static void Run(this Command command, Terminal terminal, Func<ParseResult, CancellationToken, Task<bool>> run) =>
        command.SetAction(async (arguments, cancellation) =>
        {
            try
            {
                return (int)(await run(arguments, cancellation) ? ExitCode.Done : ExitCode.Failed);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return (int)ExitCode.Interrupted;
            }
            catch (Exception error) when (error is EdgeException or IOException or UnauthorizedAccessException or CommandException)
            {
                terminal.Say($"Error: {error.Message}");
                return (int)(error is CommandException command ? command.Code : ExitCode.Failed);
            }
        });

    private static string Describe(EdgeEngine engine) =>
        EdgeEngines.NameOf(engine) + (EdgeEngines.WhatIsMissing(engine) is null ? "" : " (unavailable)");
}
