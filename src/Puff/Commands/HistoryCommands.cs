using System.CommandLine;
using System.Text.Json.Nodes;
using Puff.Configuration;
using Puff.Engine.Namespaces;
using Puff.Output;

namespace Puff.Commands;

/// <summary>The verbs over a namespace's past: history, restore. They open the store themselves, beside running servers or without one.</summary>
internal static class HistoryCommands
{
    private static readonly Setting[] StoreSettings = [Settings.Store, Settings.CacheDirectory, Settings.Grace, Settings.Output];

    public static Command History(Terminal terminal)
    {
        Argument<string> name = NamespaceCommands.NamespaceArgument();
        var command = new PuffCommand("history", "List the moments a namespace can be restored to.", StoreSettings, terminal, context =>
            StoreCommands.WithEngineAsync(context, async engine =>
            {
                NamespaceHistory history = await engine.GetHistoryAsync(context.Get(name), context.Cancellation);
                context.Results().WriteRows([.. history.Spans.Select(span => ResultWriter.ToElement(new JsonObject
                {
                    ["from"] = RestoreMoment.At(span.From).ToString(), ["through"] = RestoreMoment.At(span.Through).ToString(),
                    ["first"] = RestoreMoment.After(span.Epoch, span.FirstSequence).ToString(),
                    ["last"] = RestoreMoment.After(span.Epoch, span.LastSequence).ToString(),
                    ["then"] = span.IsEnded ? "deleted" : "", ["indexed_documents"] = span.Documents,
                }))]);
                return ExitCode.Done;
            }));
        command.Add(name);
        return command;
    }

    public static Command Restore(Terminal terminal)
    {
        Argument<string> name = NamespaceCommands.NamespaceArgument("Namespace to restore, existing or deleted.");
        var at = new Option<string>("--at")
        {
            Description = "Moment: a time such as 2026-01-31T09:30:00Z, or EPOCH/SEQUENCE as `puff history` shows it.", HelpName = "TIME", Required = true,
        };
        var to = new Option<string>("--to")
        {
            Description = "Name of what is made. [default: the same name, which must have been deleted]", HelpName = "NAME",
        };
        var command = new PuffCommand("restore", "Make a branch of a namespace as it was at a moment.", StoreSettings, terminal, context =>
            StoreCommands.WithEngineAsync(context, async engine =>
            {
                string target = context.Get(to) ?? context.Get(name);
                RestoreResult result = await engine.RestoreAsync(context.Get(name), RestoreMoment.Parse(context.Get(at)!), target, context.Cancellation);
                context.Results().WriteObject(ResultWriter.ToElement(new JsonObject
                {
                    ["namespace"] = result.Namespace, ["last_entry"] = RestoreMoment.After(result.Epoch, result.Sequence).ToString(),
                    ["committed"] = RestoreMoment.At(result.At).ToString(), ["documents"] = result.Documents,
                }));
                return ExitCode.Done;
            }));
        command.Add(name);
        command.Add(at);
        command.Add(to);
        return command;
    }
}
