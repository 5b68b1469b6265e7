using System.CommandLine;
using System.Globalization;
using Puff.Output;
using Puff.Sync;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>Verbs about the source: apply, doctor, slot, teardown, end, reset.</summary>
internal static class DatabaseCommands
{
    public static IEnumerable<Command> All(Terminal terminal) =>
        [Apply(terminal), Doctor(terminal), Slot(terminal), Teardown(terminal), End(terminal), Remove(terminal), Reset(terminal)];

    private static SyncCommand Apply(Terminal terminal)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Check and list, change nothing." };
        var printSql = new Option<bool>("--print-sql") { Description = "Print the statements for somebody who may run them, change nothing." };
        var only = new Option<string?>("--only") { Description = "Numbers of migrations.", HelpName = "N..M" };
        var noSample = new Option<bool>("--no-sample") { Description = "Read no rows." };
        var identity = new Option<string>("--replica-identity")
        {
            Description = "What becomes of tables without one: keep (refuse) or set (FULL).", HelpName = "WHAT",
        };
        identity.AcceptOnlyFromAmong("ask", "keep", "set");
        return new SyncCommand("apply", "Check pending migrations against the database and apply them, all or nothing.", terminal, context =>
        {
            var (from, to) = Range(context.Get(only));
            return ApplyVerb.RunAsync(
                context.Invocation,
                new ApplyOptions(context.Get(dryRun), context.Get(printSql), from, to, context.Get(noSample), context.Get(identity) == "set"),
                context.Cancellation);
        })
        {
            dryRun, printSql, only, noSample, identity,
        };
    }

    private static SyncCommand Doctor(Terminal terminal) => new(
        "doctor", "Look for what stands in the way of the pipeline.", terminal, context => DoctorVerb.RunAsync(context.Invocation, context.Cancellation));

    private static Command Slot(Terminal terminal)
    {
        var to = new Option<string>("--to") { Description = "The position.", HelpName = "LSN", Required = true };
        return new Command("slot", "The replication slot of the pipeline.")
        {
            new SyncCommand("show", "Show it.", terminal, context => SlotVerb.ShowAsync(context.Invocation, context.Cancellation)),
            new SyncCommand("create", "Create it.", terminal, context => SlotVerb.CreateAsync(context.Invocation, context.Cancellation)),
            new SyncCommand("drop", "Drop it: changes are then missed.", terminal, context => SlotVerb.DropAsync(context.Invocation, context.Cancellation)),
            new SyncCommand("advance", "Skip changes up to a position.", terminal, context =>
                SlotVerb.AdvanceAsync(context.Invocation, context.Get(to)!, context.Cancellation)) { to },
        };
    }

    private static SyncCommand Teardown(Terminal terminal)
    {
        var keepState = new Option<bool>("--keep-state") { Description = "Leave positions and history." };
        var namespaces = new Option<bool>("--namespaces") { Description = "Delete the documents too." };
        return new SyncCommand("teardown", "Drop slot, publication and state.", terminal, context =>
            TeardownVerb.RunAsync(
                context.Invocation, context.Get(keepState), context.Get(namespaces) ? RunCommands.OpenEngineAsync : null, context.Cancellation))
        {
            keepState, namespaces,
        };
    }

    private static SyncCommand End(Terminal terminal)
    {
        var mapping = new Argument<string>("MAPPING") { Description = "Its name." };
        var drop = new Option<bool>("--drop-namespace") { Description = "Delete the documents too." };
        return new SyncCommand("end", "End a mapping; its documents stay.", terminal, context =>
            MappingVerbs.EndAsync(
                context.Invocation, context.Get(mapping)!, context.Get(drop) ? RunCommands.OpenEngineAsync : null, context.Cancellation)) { mapping, drop };
    }

    private static SyncCommand Remove(Terminal terminal)
    {
        var mapping = new Argument<string?>("MAPPING") { Description = "Its name.", Arity = ArgumentArity.ZeroOrOne };
        var last = new Option<bool>("--last") { Description = "The mapping of the last migration." };
        var force = new Option<bool>("--force") { Description = "In production too." };
        return new SyncCommand("remove", "Undo a mapping that was never released: documents, state, migrations.", terminal, context =>
        {
            string? name = context.Get(mapping);
            return name is null == context.Get(last)
                ? MappingVerbs.RemoveAsync(context.Invocation, name, context.Get(force), RunCommands.OpenEngineAsync, context.Cancellation)
                : throw new SyncException(SyncExit.Usage, "usage", "Either MAPPING or --last is needed.");
        })
        {
            mapping, last, force,
        };
    }

    private static SyncCommand Reset(Terminal terminal)
    {
        var mapping = new Argument<string?>("MAPPING") { Description = "[default: all]", Arity = ArgumentArity.ZeroOrOne };
        var clear = new Option<bool>("--clear") { Description = "Delete the documents too." };
        return new SyncCommand("reset", "Forget positions: the next run starts over.", terminal, context =>
            MappingVerbs.ResetAsync(
                context.Invocation, context.Get(mapping), context.Get(clear) ? RunCommands.OpenEngineAsync : null, context.Cancellation)) { mapping, clear };
    }

    private static (long? From, long? To) Range(string? text)
    {
        if (text is null)
        {
            return (null, null);
        }

        string[] parts = text.Split("..");
        if (parts.Length <= 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            && long.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out long to))
        {
            return (from, to);
        }

        throw new SyncException(SyncExit.Usage, "usage", $"--only {text} is no range.", "Write N or N..M.");
    }
}
