using System.CommandLine;
using Puff.Client;
using Puff.Output;
using Puff.Transfer;

namespace Puff.Commands;

/// <summary>`puff export`: all rows by ascending id, to standard output or to a file; resumable.</summary>
internal sealed class ExportCommand
{
    private readonly Argument<string> name = NamespaceCommands.NamespaceArgument();

    private readonly Argument<string> file = new("file") { Description = "Target; - for standard output.", DefaultValueFactory = _ => "-" };

    private readonly Option<string> format = new("--format") { Description = "ndjson or csv. [default: by the file's name, else ndjson]" };

    private readonly Option<bool> vectors = new("--vectors") { Description = "Vectors too." };

    private readonly Option<int> page = new("--page") { Description = "Rows of one request, 1..10000.", DefaultValueFactory = _ => 1000 };

    private readonly Option<string> after = new("--after") { Description = "Only ids greater than this.", HelpName = "ID" };

    private readonly Option<bool> resume = new("--resume") { Description = "Go on where an interrupted export to the same file stopped." };

    public static Command Create(Terminal terminal)
    {
        var parts = new ExportCommand();
        parts.format.AcceptOnlyFromAmong("ndjson", "csv");
        var command = new PuffCommand("export", "Export all rows.", PuffCommand.ClientSettings, terminal, parts.RunAsync);
        command.Add(parts.name);
        command.Add(parts.file);
        command.Add(parts.format);
        command.Add(parts.vectors);
        command.Add(parts.page);
        command.Add(parts.after);
        command.Add(parts.resume);
        return command;
    }

    private async Task<ExitCode> RunAsync(CommandContext context)
    {
        string path = context.Get(file);
        using PuffClient client = context.Connect();
        if (path == "-")
        {
            if (context.Get(resume))
            {
                throw new CommandException(ExitCode.Usage, "standard output cannot be resumed; use --after with the last id you have");
            }

            await ProgressReport.RunAsync(context.Terminal, $"exporting {context.Get(name)}", report =>
                new Exporter(client, Plan(context, path, null)).RunAsync(context.Terminal.Results, (rows, _) => report(null, rows), context.Cancellation));
            return ExitCode.Done;
        }

        return await ToFileAsync(context, client, path);
    }

    private async Task<ExitCode> ToFileAsync(CommandContext context, PuffClient client, string path)
    {
        string statePath = TransferState.PathFor(path, "export");
        TransferState? earlier = context.Get(resume) ? TransferState.Load(statePath) : null;
        if (earlier != null && (earlier.Namespace != context.Get(name) || earlier.Url != client.Url))
        {
            throw new CommandException(ExitCode.Conflict, $"the interrupted export was of {earlier.Namespace} at {earlier.Url}; start without --resume");
        }

        await using var stream = new FileStream(path, earlier == null ? FileMode.Create : FileMode.Open, FileAccess.Write);
        // What an interrupted run wrote beyond its last complete page is written again.
        stream.SetLength(earlier?.Bytes ?? 0);
        stream.Position = stream.Length;
        await using var writer = new StreamWriter(stream, bufferSize: 1 << 16);
        await ProgressReport.RunAsync(context.Terminal, $"exporting {context.Get(name)}", report =>
            new Exporter(client, Plan(context, path, earlier)).RunAsync(writer, (rows, last) => Note(report, rows, last), context.Cancellation));
        File.Delete(statePath);
        return ExitCode.Done;

        void Note(Action<double?, long> report, long rows, string last)
        {
            stream.Flush(flushToDisk: true);
            new TransferState(context.Get(name), client.Url, rows, stream.Position, last).Save(statePath);
            report(null, rows);
        }
    }

    private ExportPlan Plan(CommandContext context, string path, TransferState? earlier)
    {
        int rows = context.Get(page);
        if (rows is < 1 or > 10_000)
        {
            throw new CommandException(ExitCode.Usage, "--page must be 1 to 10000");
        }

        bool isCsv = context.Get(format) == "csv" || (context.Get(format) == null && path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase));
        string? start = earlier?.LastId ?? (context.Get(after) is { } id ? JsonInput.Id(id).ToJsonString() : null);
        return new ExportPlan(context.Get(name), isCsv, context.Get(vectors), rows, start, earlier?.Rows ?? 0);
    }
}
