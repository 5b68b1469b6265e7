using System.CommandLine;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Hosting;
using Puff.Output;

namespace Puff.Commands;

/// <summary>`puff copy`: a namespace on a server under another name; or, with --to, namespaces from store to store under their names.</summary>
internal static class CopyCommand
{
    private static readonly Argument<string?> Source = new("source")
    {
        Description = "Existing namespace; with --to and --all the beginning of names.", Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Target = new("target") { Description = "New namespace on the server.", Arity = ArgumentArity.ZeroOrOne };

    private static readonly Option<string> To = new("--to")
    {
        Description = "Copy from --store to this store: a directory, s3://bucket/prefix or az://container/prefix.", HelpName = "STORE",
    };

    private static readonly Option<bool> All = new("--all") { Description = "With --to: every namespace whose name begins with SOURCE, or every one." };

    private static readonly Option<bool> Verify = new("--verify")
    {
        Description = "With --to: read everything back from the target, and mend what is damaged there.",
    };

    public static Command Create(Terminal terminal) =>
        new PuffCommand("copy", "Copy a namespace on the server, or namespaces to another store.",
            [Settings.Url, Settings.ApiKey, Settings.Store, Settings.CacheDirectory, Settings.Grace, Settings.Output], terminal, RunAsync)
        {
            Source, Target, To, All, Verify,
        };

    private static Task<ExitCode> RunAsync(CommandContext context)
    {
        string? source = context.Arguments.GetValue(Source);
        string? target = context.Arguments.GetValue(Target);
        if (context.Get(To) is { } location)
        {
            return target is not null || (source is null && !context.Get(All))
                ? throw new CommandException(ExitCode.Usage, "with --to give one namespace, or --all and perhaps how names begin; copies keep their names")
                : StoreCommands.WithEngineAsync(context, engine => CopyAsync(context, engine, location, source));
        }

        return source is null || target is null || context.Get(All) || context.Get(Verify)
            ? throw new CommandException(ExitCode.Usage, "give a source and a target namespace; or --to STORE to copy to another store")
            : NamespaceCommands.PostAsync(context, target, new JsonObject { ["copy_from_namespace"] = source });
    }

    private static async Task<ExitCode> CopyAsync(CommandContext context, PuffEngine engine, string location, string? source)
    {
        await using IObjectStore target = await StoreOpener.ClaimAsync(context.Settings, location, keepsCache: false, context.Cancellation);
        var rows = new List<JsonObject>();
        ExitCode worst = ExitCode.Done;
        foreach (string name in context.Get(All) ? await NamesAsync(context, engine, source ?? "") : [source!])
        {
            try
            {
                rows.Add(RowOf(await CopyAsync(context, engine, target, name)));
            }
            catch (PuffException error)
            {
                // One that cannot be copied must not keep the others from being backed up.
                context.Terminal.Say($"puff copy: {name}: {error.Message}");
                rows.Add(new JsonObject { ["namespace"] = name, ["state"] = "failed" });
                worst = worst == ExitCode.Done ? ExitCodes.Of(error.Kind) : worst;
            }
        }

        context.Results().WriteRows([.. rows.Select(row => ResultWriter.ToElement(row))]);
        return worst;
    }

    private static async Task<CopyReport> CopyAsync(CommandContext context, PuffEngine engine, IObjectStore target, string name)
    {
        CopyReport? report = null;
        await ProgressReport.RunAsync(context.Terminal, $"copying {name}", "objects", async show =>
        {
            var options = new CopyOptions
            {
                ReadBack = context.Get(Verify),
                Progress = done => show(done.AllBytes == 0 ? null : (double)done.Bytes / done.AllBytes, done.Objects),
            };
            report = await engine.CopyToAsync(name, target, options, context.Cancellation);
            return report.Objects;
        });
        return report!;
    }

    private static async Task<List<string>> NamesAsync(CommandContext context, PuffEngine engine, string prefix)
    {
        var names = new List<string>();
        string? after = null;
        do
        {
            NamespacePage page = await engine.ListAsync(prefix, after, 1000, context.Cancellation);
            names.AddRange(page.Names);
            after = page.Next;
        }
        while (after is not null);
        return names;
    }

    private static JsonObject RowOf(CopyReport report) => new()
    {
        ["namespace"] = report.Namespace, ["state"] = report.Objects == 0 ? "unchanged" : "copied", ["last_entry"] = $"{report.Epoch}/{report.Sequence}",
        ["objects"] = report.Objects, ["bytes"] = report.Bytes, ["present_objects"] = report.PresentObjects, ["present_bytes"] = report.PresentBytes,
    };
}
