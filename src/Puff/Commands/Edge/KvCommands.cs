using System.CommandLine;
using System.Text;
using Puff.Edge;
using Puff.Output;

namespace Puff.Commands.Edge;

/// <summary>`puff kv …`: a key-value store's file, without a server.</summary>
internal static class KvCommands
{
    public static Command Create(Terminal terminal)
    {
        Option<string> store = EdgeOptions.Store(EdgeOptions.KvDefault);
        Option<string> backend = EdgeOptions.Backend();
        var kv = new Command("kv", "A key-value store's file: get, set, delete, compare.") { store, backend };
        kv.Aliases.Add("key-value");
        kv.Aliases.Add("k-v");
        KvStore Open(ParseResult arguments) => KvStore.Open(EdgeOptions.EngineOf(arguments, backend), arguments.GetRequiredValue(store));
        kv.Subcommands.Add(Get(terminal, Open));
        kv.Subcommands.Add(Set(terminal, Open));
        kv.Subcommands.Add(Delete(terminal, Open));
        kv.Subcommands.Add(Compare("eq", ["equal", "equals"], "Succeed if all keys have the same value.", wantsEqual: true, terminal, Open));
        kv.Subcommands.Add(Compare("not-eq", ["unique", "ne", "neq"], "Succeed if no two keys have the same value.", wantsEqual: false, terminal, Open));
        return kv;
    }

    private static Command Get(Terminal terminal, Func<ParseResult, KvStore> open)
    {
        var keys = new Argument<string[]>("KEY") { Arity = ArgumentArity.OneOrMore };
        var get = new Command("get", "Print a key's value; several values are separated by a NUL byte.") { keys };
        get.Aliases.Add("fetch");
        get.Run(terminal, async (arguments, cancellation) =>
        {
            await using KvStore store = open(arguments);
            await using Stream output = terminal.OpenResults();
            bool isFirst = true;
            foreach (string key in arguments.GetRequiredValue(keys))
            {
                byte[] value = store.Get(Encoding.UTF8.GetBytes(key)) ?? throw Missing(key);
                await output.WriteAsync(isFirst ? value : [0, .. value], cancellation);
                isFirst = false;
            }

            return true;
        });
        return get;
    }

    private static Command Set(Terminal terminal, Func<ParseResult, KvStore> open)
    {
        var key = new Argument<string>("KEY");
        var value = new Argument<string>("VALUE");
        var set = new Command("set", "Insert or replace a key.") { key, value };
        foreach (string alias in (string[])["put", "save", "store"])
        {
            set.Aliases.Add(alias);
        }

        set.Run(terminal, async (arguments, _) =>
        {
            await using KvStore store = open(arguments);
            await store.SetAsync(Encoding.UTF8.GetBytes(arguments.GetRequiredValue(key)), Encoding.UTF8.GetBytes(arguments.GetRequiredValue(value)));
            return true;
        });
        return set;
    }

    private static Command Delete(Terminal terminal, Func<ParseResult, KvStore> open)
    {
        var key = new Argument<string>("KEY");
        var delete = new Command("delete", "Remove a key, which must exist.") { key };
        delete.Aliases.Add("remove");
        delete.Aliases.Add("rm");
        delete.Run(terminal, async (arguments, _) =>
        {
            await using KvStore store = open(arguments);
            string name = arguments.GetRequiredValue(key);
            return await store.DeleteAsync(Encoding.UTF8.GetBytes(name)) ? true : throw Missing(name);
        });
        return delete;
    }

    private static Command Compare(
        string name, string[] aliases, string description, bool wantsEqual, Terminal terminal, Func<ParseResult, KvStore> open)
    {
        var keys = new Argument<string[]>("KEYS") { Arity = ArgumentArity.ZeroOrMore };
        var compare = new Command(name, description) { keys };
        foreach (string alias in aliases)
        {
            compare.Aliases.Add(alias);
        }

        compare.Run(terminal, async (arguments, _) =>
        {
            await using KvStore store = open(arguments);
            return EdgeComparison.Run(arguments.GetValue(keys) ?? [], wantsEqual, key => store.Get(Encoding.UTF8.GetBytes(key)) ?? throw Missing(key));
        });
        return compare;
    }

    private static CommandException Missing(string key) => new(ExitCode.Failed, $"key \"{key}\" does not exist");
}
