using System.CommandLine;
using Puff.Output;
using Puff.Sync.Verbs;

namespace Puff.Commands.Sync;

/// <summary>Verbs about a project's files: init, new, generate, check, pull, import.</summary>
internal static class ProjectCommands
{
    public static IEnumerable<Command> All(Terminal terminal) =>
        [Init(terminal), New(terminal), Generate(terminal), Check(terminal), Pull(terminal), Import(terminal)];

    private static SyncCommand Init(Terminal terminal)
    {
        var directory = new Argument<string?>("DIR") { Description = "Where. [default: puff-sync]", Arity = ArgumentArity.ZeroOrOne };
        var pipeline = new Option<string?>("--pipeline") { Description = "Its name.", HelpName = "NAME" };
        var runtime = new Option<string?>("--runtime") { Description = "What runs TypeScript: node, bun, deno or none.", HelpName = "RUNTIME" };
        runtime.AcceptOnlyFromAmong("node", "bun", "deno", "none");
        var docker = new Option<bool>("--docker") { Description = "Write a Dockerfile." };
        var noDocker = new Option<bool>("--no-docker") { Description = "Write none." };
        var force = new Option<bool>("--force") { Description = "Overwrite what is there." };
        return new SyncCommand("init", "Make a project's folder; what exists stays.", terminal, context => InitVerb.Run(
            context.Invocation,
            new InitOptions(
                context.Get(directory), context.Get(pipeline), context.Get(runtime), context.Get(docker) ? true : context.Get(noDocker) ? false : null,
                context.Get(force))))
        {
            directory, pipeline, runtime, docker, noDocker, force,
        };
    }

    private static SyncCommand New(Terminal terminal)
    {
        var name = new Argument<string?>("NAME") { Description = "Of the mapping.", Arity = ArgumentArity.ZeroOrOne };
        var table = new Option<string?>("--table") { Description = "The table, with its schema unless that is public.", HelpName = "TABLE" };
        var space = new Option<string?>("--namespace") { Description = "The namespace. [default: NAME]", HelpName = "NAMESPACE" };
        Option<string[]> id = List("--id", "Columns of the id. [default: the primary key]");
        Option<string[]> columns = List("--columns", "Columns that are read. [default: all]");
        var where = new Option<string?>("--where") { Description = "Which rows belong.", HelpName = "EXPR" };
        var template = new Option<string?>("--template") { Description = $"One of {string.Join(", ", NewVerb.Templates)}.", HelpName = "TEMPLATE" };
        Option<string[]> embed = List("--embed", "Text columns that are embedded (template builtin).");
        var replace = new Option<string?>("--replace") { Description = "Replace this mapping.", HelpName = "MAPPING" };
        var end = new Option<string?>("--end") { Description = "End this mapping.", HelpName = "MAPPING" };
        var from = new Option<string?>("--from") { Description = "Begin with a copy of this migration.", HelpName = "MIGRATION" };
        var number = new Option<long?>("--number") { Description = "[default: the next one]", HelpName = "N" };
        return new SyncCommand("new", "Write the next migration.", terminal, context => NewVerb.Run(
            context.Invocation,
            new NewOptions(
                context.Get(name), context.Get(table), context.Get(space), context.Get(id), context.Get(columns), context.Get(where), context.Get(template),
                context.Get(replace), context.Get(end), context.Get(from), context.Get(number), context.Get(embed))))
        {
            name, table, space, id, columns, where, template, embed, replace, end, from, number,
        };
    }

    private static SyncCommand Check(Terminal terminal)
    {
        var offline = new Option<bool>("--offline") { Description = "Ask no database." };
        var online = new Option<bool>("--online") { Description = "Fail when the database does not answer." };
        return new SyncCommand(
            "check", "Check settings, migrations, hashes and generated files.", terminal,
            context => context.Get(offline)
                ? Task.FromResult(CheckVerb.RunOffline(context.Invocation))
                : CheckVerb.RunAsync(context.Invocation, context.Get(online), context.Cancellation))
        {
            offline, online,
        };
    }

    private static SyncCommand Generate(Terminal terminal)
    {
        var name = new Argument<string?>("NAME") { Description = "The mapping. [default: all]", Arity = ArgumentArity.ZeroOrOne };
        var check = new Option<bool>("--check") { Description = "Write nothing; exit 7 when a file would change." };
        return new SyncCommand(
            "generate", "Write generated/NAME.ts: the rows as TypeScript sees them.", terminal,
            context => GenerateVerb.RunAsync(context.Invocation, context.Get(name), context.Get(check), context.Cancellation))
        {
            name, check,
        };
    }

    private static SyncCommand Pull(Terminal terminal)
    {
        var to = new Option<string?>("--to") { Description = "Another folder than the project.", HelpName = "DIR" };
        var force = new Option<bool>("--force") { Description = "Overwrite what differs." };
        return new SyncCommand(
            "pull", "Restore the files of applied migrations from the database.", terminal,
            context => PullVerb.RunAsync(context.Invocation, context.Get(to), context.Get(force), context.Cancellation))
        {
            to, force,
        };
    }

    private static SyncCommand Import(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The earlier project." };
        return new SyncCommand(
            "import", "Take over a project of an earlier system.", terminal, context => ImportVerb.Run(context.Invocation, context.Get(directory)!))
        {
            directory,
        };
    }

    private static Option<string[]> List(string name, string description) => new(name)
    {
        Description = description, HelpName = "COLUMN,…", CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(','))],
    };
}
