using System.CommandLine;
using System.Globalization;
using System.Text;
using Puff.Edge;
using Puff.Output;

namespace Puff.Commands.Edge;

/// <summary>`puff blob …`: a blob store's file, without a server.</summary>
internal static class BlobCommands
{
    private static readonly string[] DataModes = ["data", "bytes", "blob", "content", "contents"];
    private static readonly string[] MetadataModes = ["metadata", "meta"];
    private static readonly string[] BothModes = ["all", "both"];

    public static Command Create(Terminal terminal)
    {
        Option<string> store = EdgeOptions.Store(EdgeOptions.BlobDefault);
        Option<string> backend = EdgeOptions.Backend();
        var blob = new Command("blob", "A blob store's file: get, store, update, delete, compare.") { store, backend };
        BlobStore Open(ParseResult arguments) => BlobStore.Open(EdgeOptions.EngineOf(arguments, backend), arguments.GetRequiredValue(store));
        blob.Subcommands.Add(Get(terminal, Open));
        blob.Subcommands.Add(Store(terminal, Open));
        blob.Subcommands.Add(Update(terminal, Open));
        blob.Subcommands.Add(Delete(terminal, Open));
        blob.Subcommands.Add(Compare("eq-data", "Succeed if all blobs have the same data.", wantsEqual: true, terminal, Open));
        blob.Subcommands.Add(Compare("not-eq-data", "Succeed if no two blobs have the same data.", wantsEqual: false, terminal, Open));
        return blob;
    }

    private static Command Get(Terminal terminal, Func<ParseResult, BlobStore> open)
    {
        var id = new Argument<ulong>("ID");
        var mode = new Argument<string>("MODE")
        {
            Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "data", Description = "data, metadata or all. [default: data]",
        };
        mode.AcceptOnlyFromAmong([.. DataModes, .. MetadataModes, .. BothModes]);
        var get = new Command("get", "Print a blob's data.") { id, mode };
        get.Aliases.Add("fetch");
        get.Run(terminal, async (arguments, cancellation) =>
        {
            await using BlobStore store = open(arguments);
            ulong number = arguments.GetRequiredValue(id);
            StoredBlob blob = store.Get(number) ?? throw Missing(number);
            byte[] metadata = Encoding.UTF8.GetBytes(blob.Metadata ?? "");
            string part = arguments.GetRequiredValue(mode);
            byte[] bytes = MetadataModes.Contains(part) ? metadata : DataModes.Contains(part) ? blob.Data : [.. metadata, 0, .. blob.Data];
            await using Stream output = terminal.OpenResults();
            await output.WriteAsync(bytes, cancellation);
            return true;
        });
        return get;
    }

    private static Command Store(Terminal terminal, Func<ParseResult, BlobStore> open)
    {
        Argument<string> file = File();
        Argument<string?> metadata = Metadata();
        var storing = new Command("store", "Store a file as a new blob and print its id.") { file, metadata };
        foreach (string alias in (string[])["put", "save", "set"])
        {
            storing.Aliases.Add(alias);
        }

        storing.Run(terminal, async (arguments, cancellation) =>
        {
            byte[] data = await ReadAsync(arguments.GetRequiredValue(file), cancellation);
            await using BlobStore store = open(arguments);
            ulong id = await store.StoreAsync(data, arguments.GetValue(metadata));
            terminal.Results.Write(id.ToString(CultureInfo.InvariantCulture) + "\n");
            return true;
        });
        return storing;
    }

    private static Command Update(Terminal terminal, Func<ParseResult, BlobStore> open)
    {
        // The id stands between the verb and what is to be updated, so these are three shapes of arguments of one verb.
        var id = new Argument<ulong>("ID");
        var part = new Argument<string>("PART") { Description = "data FILE, metadata [METADATA], or all FILE [METADATA]." };
        part.AcceptOnlyFromAmong("data", "metadata", "all");
        var values = new Argument<string[]>("VALUES") { Arity = new ArgumentArity(0, 2) };
        var update = new Command("update", "Replace a blob's data, metadata (omitted: none) or both.") { id, part, values };
        update.Validators.Add(result =>
        {
            string[] given = result.GetValue(values) ?? [];
            (int least, int most) = result.GetValue(part) switch
            {
                "data" => (1, 1),
                "metadata" => (0, 1),
                _ => (1, 2),
            };
            if (given.Length < least || given.Length > most)
            {
                result.AddError($"update {result.GetValue(part)} takes {least} to {most} values, not {given.Length}");
            }
        });
        update.Run(terminal, async (arguments, cancellation) =>
        {
            string[] given = arguments.GetValue(values) ?? [];
            string what = arguments.GetRequiredValue(part);
            byte[]? data = what == "metadata" ? null : await ReadAsync(given[0], cancellation);
            string? metadata = given.ElementAtOrDefault(what == "metadata" ? 0 : 1);
            await using BlobStore store = open(arguments);
            ulong number = arguments.GetRequiredValue(id);
            return await store.UpdateAsync(number, data, setsMetadata: what != "data", metadata) ? true : throw Missing(number);
        });
        return update;
    }

    private static Command Delete(Terminal terminal, Func<ParseResult, BlobStore> open)
    {
        var id = new Argument<ulong>("ID");
        var delete = new Command("delete", "Remove a blob, which must exist.") { id };
        delete.Aliases.Add("remove");
        delete.Aliases.Add("rm");
        delete.Run(terminal, async (arguments, _) =>
        {
            await using BlobStore store = open(arguments);
            ulong number = arguments.GetRequiredValue(id);
            return await store.DeleteAsync(number) ? true : throw Missing(number);
        });
        return delete;
    }

    private static Command Compare(string name, string description, bool wantsEqual, Terminal terminal, Func<ParseResult, BlobStore> open)
    {
        var ids = new Argument<ulong[]>("IDS") { Arity = ArgumentArity.ZeroOrMore };
        var compare = new Command(name, description) { ids };
        compare.Run(terminal, async (arguments, _) =>
        {
            await using BlobStore store = open(arguments);
            return EdgeComparison.Run(arguments.GetValue(ids) ?? [], wantsEqual, id => (store.Get(id) ?? throw Missing(id)).Data);
        });
        return compare;
    }

    private static Argument<string> File() => new("FILE") { Description = "A file's path, or - for standard input." };

    private static Argument<string?> Metadata() => new("METADATA") { Arity = ArgumentArity.ZeroOrOne };

    private static async Task<byte[]> ReadAsync(string path, CancellationToken cancellation)
    {
        if (path != "-")
        {
            return await System.IO.File.ReadAllBytesAsync(path, cancellation);
        }

        using var buffer = new MemoryStream();
        await using Stream input = Console.OpenStandardInput();
        await input.CopyToAsync(buffer, cancellation);
        return buffer.ToArray();
    }

    private static CommandException Missing(ulong id) => new(ExitCode.Failed, $"blob {id} does not exist");
}
