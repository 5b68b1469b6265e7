using System.CommandLine;
using System.Text.Json.Nodes;
using Puff.Client;
using Puff.Output;
using Puff.Transfer;

namespace Puff.Commands;

/// <summary>`puff import`: rows from a file or standard input into a namespace, resumable.</summary>
internal sealed class ImportCommand
{
    private readonly Argument<string> name = NamespaceCommands.NamespaceArgument("Namespace; created if it does not exist.");

    private readonly Argument<string> file = new("file") { Description = "ndjson or CSV, also gzipped; - for standard input." };

    private readonly Option<string> format = new("--format") { Description = "ndjson or csv. [default: by the file's name, else ndjson]" };

    private readonly Option<string> id = new("--id") { Description = "Field or column that holds the id. [default: id]", HelpName = "FIELD" };

    private readonly Option<string> schema = new("--schema") { Description = "JSON file: attribute to type or configuration.", HelpName = "FILE" };

    private readonly Option<string[]> fullText = new("--full-text")
    {
        Description = "String attribute to index for full-text search; may be repeated, and takes names separated by commas.", HelpName = "ATTRIBUTE",
    };

    private readonly Option<string> metric = new("--distance-metric")
    {
        Description = "cosine_distance or euclidean_squared; needed with a namespace's first vectors.", HelpName = "METRIC",
    };

    private readonly Option<int> batch = new("--batch") { Description = "Rows of one request.", DefaultValueFactory = _ => 1000, HelpName = "N" };

    private readonly Option<int> parallel = new("--parallel") { Description = "Requests in flight.", DefaultValueFactory = _ => 4, HelpName = "N" };

    private readonly Option<bool> resume = new("--resume") { Description = "Go on where an interrupted import of the same file stopped." };

    public static Command Create(Terminal terminal)
    {
        var parts = new ImportCommand();
        parts.format.AcceptOnlyFromAmong("ndjson", "csv");
        parts.metric.AcceptOnlyFromAmong("cosine_distance", "euclidean_squared");
        var command = new PuffCommand("import", "Import rows.", PuffCommand.ClientSettings, terminal, parts.RunAsync);
        command.Add(parts.name);
        command.Add(parts.file);
        command.Add(parts.format);
        command.Add(parts.id);
        command.Add(parts.schema);
        command.Add(parts.fullText);
        command.Add(parts.metric);
        command.Add(parts.batch);
        command.Add(parts.parallel);
        command.Add(parts.resume);
        return command;
    }

    private async Task<ExitCode> RunAsync(CommandContext context)
    {
        string path = context.Get(file);
        string target = context.Get(name);
        JsonObject? declared = context.Get(schema) is { } schemaFile ? ReadSchema(await context.ReadInputAsync(schemaFile), schemaFile) : null;
        declared = WithFullText(declared, context.Get(fullText) ?? []);
        using PuffClient client = context.Connect();
        TransferState state = FindState(context, path, new TransferState(target, client.Url, 0, path == "-" ? 0 : new FileInfo(path).Length));
        string statePath = TransferState.PathFor(path, "import");
        var plan = new ImportPlan(target, declared, context.Get(metric), Positive(context, batch), Positive(context, parallel), state.Rows);
        using IRowSource source = OpenSource(path, context.Get(format), context.Get(id), declared);
        try
        {
            long rows = await ProgressReport.RunAsync(context.Terminal, $"importing {target}", report =>
                new Importer(client, plan).RunAsync(source, (fraction, done) => Note(report, fraction, done), context.Cancellation));
            File.Delete(statePath);
            context.Results().WriteObject(ResultWriter.ToElement(new JsonObject { ["namespace"] = target, ["rows"] = rows }));
            return ExitCode.Done;
        }
        catch (Exception) when (state.Rows > 0 && path != "-")
        {
            context.Terminal.Say($"{ProgressReport.Count(state.Rows)} rows are imported; the same command with --resume goes on from there");
            throw;
        }

        void Note(Action<double?, long> report, double? fraction, long done)
        {
            state = state with { Rows = done };
            if (path != "-")
            {
                state.Save(statePath);
            }

            report(fraction, done);
        }
    }

    private TransferState FindState(CommandContext context, string path, TransferState fresh)
    {
        if (!context.Get(resume))
        {
            return fresh;
        }

        if (path == "-")
        {
            throw new CommandException(ExitCode.Usage, "standard input cannot be resumed: nobody can tell whether it holds the same rows again");
        }

        if (TransferState.Load(TransferState.PathFor(path, "import")) is not { } earlier)
        {
            return fresh;
        }

        if (earlier with { Rows = 0 } != fresh)
        {
            throw new CommandException(
                ExitCode.Conflict,
                $"the interrupted import was of another file, namespace or server ({earlier.Namespace} at {earlier.Url}); start without --resume");
        }

        context.Terminal.Say($"going on after {ProgressReport.Count(earlier.Rows)} rows");
        return earlier;
    }

    private static JsonObject ReadSchema(byte[] text, string path) =>
        JsonInput.Parse(System.Text.Encoding.UTF8.GetString(text), path) as JsonObject
        ?? throw new CommandException(ExitCode.Usage, $"{path}: the schema must be a JSON object, attribute to type or configuration");

    private static JsonObject? WithFullText(JsonObject? declared, string[] attributes)
    {
        string[] names = [.. attributes.SelectMany(a => a.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        if (names.Length == 0)
        {
            return declared;
        }

        declared ??= [];
        foreach (string name in names)
        {
            if (!declared.TryAdd(name, new JsonObject { ["type"] = "string", ["full_text_search"] = true }))
            {
                throw new CommandException(ExitCode.Usage, $"--full-text {name}: the schema file declares this attribute; put full_text_search there");
            }
        }

        return declared;
    }

    private static int Positive(CommandContext context, Option<int> option) =>
        context.Get(option) is > 0 and var value ? value : throw new CommandException(ExitCode.Usage, $"{option.Name} must be at least 1");

    private static IRowSource OpenSource(string path, string? format, string? idField, JsonObject? schema)
    {
        string plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        bool isCsv = format == "csv" || (format == null && plain.EndsWith(".csv", StringComparison.OrdinalIgnoreCase));
        SourceStream stream = SourceStream.Open(path);
        return isCsv ? new CsvSource(stream, idField, DeclaredTypes(schema)) : new NdjsonSource(stream, idField);
    }

    private static Dictionary<string, string> DeclaredTypes(JsonObject? schema) => (schema ?? [])
        .Select(entry => (entry.Key, Type: entry.Value is JsonObject settings ? settings["type"] : entry.Value))
        .Where(entry => entry.Type is JsonValue)
        .ToDictionary(entry => entry.Key, entry => entry.Type!.ToString());
}
