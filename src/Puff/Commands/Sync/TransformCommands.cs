using System.CommandLine;
using Puff.Output;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>Verbs that try mappings out: test, dry-run.</summary>
internal static class TransformCommands
{
    public static IEnumerable<Command> All(Terminal terminal) => [Test(terminal), DryRun(terminal)];

    private static SyncCommand Test(Terminal terminal)
    {
        var mapping = new Argument<string?>("NAME") { Description = "Of the mapping. [default: all]", Arity = ArgumentArity.ZeroOrOne };
        var rows = new Option<int>("--rows") { Description = "How many made-up rows. [default: 5]", HelpName = "N", DefaultValueFactory = _ => 5 };
        var seed = new Option<int>("--seed") { Description = "The same rows for the same seed. [default: 1]", HelpName = "N", DefaultValueFactory = _ => 1 };
        var input = new Option<string?>("--input") { Description = "A file of JSON objects, one a line, in place of made-up rows.", HelpName = "FILE" };
        return new SyncCommand("test", "Run mappings over made-up rows; needs no database.", terminal, context => TestVerb.RunAsync(
            context.Invocation, new TestOptions(context.Get(mapping), context.Get(rows), context.Get(seed), context.Get(input)), context.Cancellation))
        {
            mapping, rows, seed, input,
        };
    }

    private static SyncCommand DryRun(Terminal terminal)
    {
        var mapping = new Argument<string?>("NAME") { Description = "Of the mapping. [default: all]", Arity = ArgumentArity.ZeroOrOne };
        var rows = new Option<int>("--rows") { Description = "How many rows of the table. [default: 1]", HelpName = "N", DefaultValueFactory = _ => 1 };
        var key = new Option<string?>("--key") { Description = "The row with this key; ':' between parts of a key of several columns.", HelpName = "VALUE" };
        var where = new Option<string?>("--sql") { Description = "Which rows, as a condition in SQL.", HelpName = "WHERE" };
        var difference = new Option<bool>("--diff") { Description = "Compare with the documents that are there." };
        var cost = new Option<bool>("--cost") { Description = "Only estimate the tokens that embedding all rows would take." };
        return new SyncCommand("dry-run", "Show what rows of the table would become; writes nothing.", terminal, context => DryRunVerb.RunAsync(
            context.Invocation,
            new DryRunOptions(
                context.Get(mapping), context.Get(rows), context.Get(key), context.Get(where), context.Get(difference), context.Get(cost)),
            context.Cancellation))
        {
            mapping, rows, key, where, difference, cost,
        };
    }
}
