using System.CommandLine;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Storage;
using Puff.Hosting;
using Puff.Output;

namespace Puff.Commands;

/// <summary>The verbs that open a store themselves, beside a running server or without one, and change nothing: check, inspect.</summary>
internal static class StoreCommands
{
    private static readonly Setting[] StoreSettings = [Settings.Store, Settings.CacheDirectory, Settings.Output];

    public static Command Check(Terminal terminal)
    {
        var name = new Argument<string?>("namespace") { Description = "Only this namespace.", Arity = ArgumentArity.ZeroOrOne };
        var command = new PuffCommand("check", "Read every stored object, verify every checksum, follow every reference.", StoreSettings, terminal, context =>
            WithEngineAsync(context, async engine =>
            {
                CheckReport report = await engine.CheckAsync(context.Arguments.GetValue(name), context.Cancellation);
                return Show(context, report);
            }));
        command.Add(name);
        return command;
    }

    public static Command Inspect(Terminal terminal)
    {
        var sequence = new Option<long?>("--sequence") { Description = "Only this entry.", HelpName = "N" };
        var segment = new Argument<string>("segment") { Description = "Segment, as `inspect manifest` lists it." };
        PuffCommand manifest = Part("manifest", "Show a namespace's manifest.", terminal, (engine, context, name) =>
            engine.InspectManifestAsync(name, context.Cancellation));
        PuffCommand wal = Part("wal", "Show a namespace's log, or one entry of it.", terminal, (engine, context, name) =>
            engine.InspectWalAsync(name, context.Get(sequence), context.Cancellation));
        PuffCommand parts = Part("segment", "Show one segment.", terminal, (engine, context, name) =>
            engine.InspectSegmentAsync(name, context.Get(segment), context.Cancellation));
        wal.Add(sequence);
        parts.Add(segment);
        return new Command("inspect", "Look inside stored objects.") { manifest, wal, parts };
    }

    private static PuffCommand Part(
        string verb, string description, Terminal terminal, Func<PuffEngine, CommandContext, string, Task<InspectionReport>> inspect)
    {
        Argument<string> name = NamespaceCommands.NamespaceArgument();
        var command = new PuffCommand(verb, description, StoreSettings, terminal, context => WithEngineAsync(context, async engine =>
        {
            Show(context, await inspect(engine, context, context.Get(name)));
            return ExitCode.Done;
        }));
        command.Add(name);
        return command;
    }

    /// <summary>An engine without background work: looking must not change what is looked at.</summary>
    public static async Task<ExitCode> WithEngineAsync(CommandContext context, Func<PuffEngine, Task<ExitCode>> run)
    {
        await using IObjectStore store = await StoreOpener.OpenCheckedAsync(context.Settings, context.Settings.Get(Settings.Store), context.Cancellation);
        var settings = new EngineSettings { RunIndexer = false, Grace = Quantity.Duration(context.Settings.Get(Settings.Grace)) };
        await using PuffEngine engine = await PuffEngine.OpenAsync(settings, new EngineComponents { Store = store }, context.Cancellation);
        return await run(engine);
    }

    private static ExitCode Show(CommandContext context, CheckReport report)
    {
        ResultWriter results = context.Results();
        // A table of no problems would only say "no rows"; programs get their empty list.
        if (report.Problems.Count > 0 || results.Format != OutputFormat.Table)
        {
            results.WriteRows([.. report.Problems.Select(problem => ResultWriter.ToElement(new JsonObject
            {
                ["namespace"] = problem.Namespace, ["key"] = problem.Key, ["problem"] = problem.Problem,
            }))]);
        }

        string seen = $"{report.Namespaces} namespaces, {ProgressReport.Count(report.Objects)} objects, {ProgressReport.Count(report.Bytes)} bytes read";
        string waiting = report.Unreferenced.Count == 0 ? "" : $"; {report.Unreferenced.Count} objects wait for the collector";
        context.Terminal.Say($"{seen}{waiting}; {(report.Problems.Count == 0 ? "all is well" : $"{report.Problems.Count} problems")}");
        return report.Problems.Count == 0 ? ExitCode.Done : ExitCode.Corruption;
    }

    private static void Show(CommandContext context, InspectionReport report)
    {
        ResultWriter results = context.Results();
        if (results.Format != OutputFormat.Table)
        {
            results.WriteObject(ResultWriter.ToElement(Describe(report)));
            return;
        }

        context.Terminal.Results.WriteLine(report.Key);
        results.WriteRows([.. report.Fields.Select(field => ResultWriter.ToElement(new JsonObject { ["field"] = field.Key, ["value"] = field.Value }))]);
        foreach (InspectionTable table in report.Tables.Where(table => table.Rows.Count > 0))
        {
            context.Terminal.Results.WriteLine($"\n{table.Title}");
            results.WriteRows([.. table.Rows.Select(row => ResultWriter.ToElement(RowOf(table, row)))]);
        }
    }

    private static JsonObject Describe(InspectionReport report)
    {
        var value = new JsonObject { ["key"] = report.Key };
        foreach ((string name, string text) in report.Fields)
        {
            value[name] = text;
        }

        foreach (InspectionTable table in report.Tables)
        {
            value[table.Title] = new JsonArray([.. table.Rows.Select(row => RowOf(table, row))]);
        }

        return value;
    }

    private static JsonObject RowOf(InspectionTable table, IReadOnlyList<string> row) =>
        new(table.Columns.Zip(row, (column, cell) => KeyValuePair.Create(column, (JsonNode?)JsonValue.Create(cell))));
}
