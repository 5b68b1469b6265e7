using System.CommandLine;
using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Hosting;
using Puff.Output;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>Verbs that run a pipeline or speak with one that runs: run, status, pause, resume, snapshot, dlq.</summary>
internal static class RunCommands
{
    public static IEnumerable<Command> All(Terminal terminal) =>
        [Run(terminal), Status(terminal), Pause(terminal), Resume(terminal), Snapshot(terminal), Letters(terminal)];

    /// <summary>The engine in this process, with its indexer, on a directory or a bucket.</summary>
    public static async Task<(PuffEngine Engine, Func<ValueTask> Close)> OpenEngineAsync(string location, CancellationToken cancellation)
    {
        SettingValues settings = SettingValues.Resolve(_ => [], Environment.GetEnvironmentVariable, [], "");
        IObjectStore store = await StoreOpener.ClaimAsync(settings, location, keepsCache: false, cancellation);
        PuffEngine engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store }, cancellation);
        return (engine, async () =>
        {
            await engine.DisposeAsync();
            await store.DisposeAsync();
        });
    }

    private static SyncCommand Run(Terminal terminal)
    {
        var apply = new Option<bool>("--apply") { Description = "Apply pending migrations first." };
        var only = new Option<string?>("--only") { Description = "One mapping.", HelpName = "MAPPING" };
        var caughtUp = new Option<bool>("--until-caught-up") { Description = "End when all that was logged at the start is done and no snapshot is open." };
        var until = new Option<string?>("--until") { Description = "End when all up to this position is done.", HelpName = "LSN" };
        var wait = new Option<bool>("--wait") { Description = "Wait while another runner holds the pipeline." };
        var stored = new Option<bool>("--use-stored") { Description = "Run what was applied, without project files." };
        var noSnapshot = new Option<bool>("--no-snapshot") { Description = "Read no snapshots." };
        var accept = new Option<bool>("--accept-source") { Description = "Go on with another database: every mapping starts over." };
        var http = new Option<string?>("--http") { Description = "Address of health and metrics; empty for none.", HelpName = "ADDR" };
        return new SyncCommand("run", "Feed the mappings until stopped.", terminal, context => RunVerb.RunAsync(
            context.Invocation,
            new RunOptions(
                context.Get(apply), context.Get(only), context.Get(caughtUp), context.Get(until), context.Get(wait), context.Get(stored),
                    context.Get(noSnapshot),
                context.Get(accept), context.Get(http)),
            OpenEngineAsync, context.Cancellation))
        {
            apply, only, caughtUp, until, wait, stored, noSnapshot, accept, http,
        };
    }

    private static SyncCommand Status(Terminal terminal)
    {
        var mapping = new Argument<string?>("MAPPING") { Description = "One mapping. [default: all]", Arity = ArgumentArity.ZeroOrOne };
        return new SyncCommand(
            "status", "How the pipeline and its mappings are.", terminal, context => StatusVerb.RunAsync(context.Invocation, context.Get(mapping),
                context.Cancellation))
        {
            mapping,
        };
    }

    private static SyncCommand Pause(Terminal terminal)
    {
        (Argument<string?> mapping, Option<bool> all) = Which();
        return new SyncCommand("pause", "Hold a mapping where it is.", terminal, context => RequestVerbs.PauseAsync(
            context.Invocation, context.Get(mapping), context.Get(all), context.Cancellation))
        {
            mapping, all,
        };
    }

    private static SyncCommand Resume(Terminal terminal)
    {
        (Argument<string?> mapping, Option<bool> all) = Which();
        var snapshot = new Option<bool>("--snapshot") { Description = "Read all rows again." };
        return new SyncCommand("resume", "Go on with a mapping.", terminal, context => RequestVerbs.ResumeAsync(
            context.Invocation, context.Get(mapping), context.Get(all), context.Get(snapshot), context.Cancellation))
        {
            mapping, all, snapshot,
        };
    }

    private static Command Snapshot(Terminal terminal)
    {
        var mapping = new Argument<string>("MAPPING") { Description = "Whose rows." };
        var where = new Option<string?>("--where") { Description = "Only rows with this condition, in SQL.", HelpName = "EXPR" };
        var start = new SyncCommand("start", "Read rows again, all or some.", terminal, context => RequestVerbs.SnapshotAsync(
            context.Invocation, context.Get(mapping)!, context.Get(where), context.Cancellation))
        {
            mapping, where,
        };
        var list = new SyncCommand(
            "list", "Snapshots that are known.", terminal, context => RequestVerbs.ListSnapshotsAsync(context.Invocation, context.Cancellation));
        var snapshot = new Command("snapshot", "Read existing rows of a table.") { start, list };
        snapshot.Aliases.Add("backfill");
        return snapshot;
    }

    private static Command Letters(Terminal terminal)
    {
        var ofMapping = new Option<string?>("--mapping") { Description = "Of one mapping.", HelpName = "MAPPING" };
        var state = new Option<string>("--state") { Description = "open, permanent or all. [default: all]", HelpName = "STATE", DefaultValueFactory = _ =>
            "all" };
        state.AcceptOnlyFromAmong("open", "permanent", "all");
        var limit = new Option<int>("--limit") { Description = "At most. [default: 50]", DefaultValueFactory = _ => 50 };
        var list = new SyncCommand("list", "Rows that could not be applied.", terminal, context => LetterVerbs.ListAsync(
            context.Invocation, context.Get(ofMapping), context.Get(state)!, context.Get(limit), context.Cancellation))
        {
            ofMapping, state, limit,
        };
        var ids = new Argument<long[]>("ID") { Description = "Numbers of letters.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "All of them." };
        var retry = new SyncCommand("retry", "Read the rows again and apply them.", terminal, context => LetterVerbs.RetryAsync(
            context.Invocation, context.Get(ids) ?? [], context.Get(ofMapping), context.Get(all), context.Cancellation))
        {
            ids, ofMapping, all,
        };
        var drop = new SyncCommand("drop", "Close letters without applying them.", terminal, context => LetterVerbs.DropAsync(
            context.Invocation, context.Get(ids) ?? [], context.Get(ofMapping), context.Get(all), context.Cancellation))
        {
            ids, ofMapping, all,
        };
        return new Command("dlq", "Dead letters.") { list, retry, drop };
    }

    private static (Argument<string?> Mapping, Option<bool> All) Which() => (
        new Argument<string?>("MAPPING") { Description = "One mapping.", Arity = ArgumentArity.ZeroOrOne },
            new Option<bool>("--all") { Description = "All mappings." });
}
