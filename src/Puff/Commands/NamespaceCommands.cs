using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Client;
using Puff.Output;

namespace Puff.Commands;

/// <summary>The short verbs over whole namespaces: ls, stat, schema, write, delete, branch, copy.</summary>
internal static class NamespaceCommands
{
    private const int PageSize = 1000;

    public static Argument<string> NamespaceArgument(string description = "Namespace.") => new("namespace") { Description = description };

    public static Command List(Terminal terminal)
    {
        var prefix = new Argument<string>("prefix") { Description = "Only names that begin so.", DefaultValueFactory = _ => "" };
        var command = new PuffCommand("ls", "List namespaces.", PuffCommand.ClientSettings, terminal, async context =>
        {
            using PuffClient client = context.Connect();
            var rows = new List<JsonElement>();
            for (string? cursor = ""; cursor != null;)
            {
                string path = $"/v1/namespaces?page_size={PageSize}&prefix={Uri.EscapeDataString(context.Get(prefix))}";
                using JsonDocument page = await client.GetAsync(cursor == "" ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}", context.Cancellation);
                JsonElement names = page.RootElement.GetProperty("namespaces");
                rows.AddRange(names.EnumerateArray().Select(name => name.Clone()));
                cursor = page.RootElement.TryGetProperty("next_cursor", out JsonElement next) && names.GetArrayLength() > 0 ? next.GetString() : null;
            }

            context.Results().WriteRows(rows);
            return ExitCode.Done;
        });
        command.Add(prefix);
        return command;
    }

    public static Command Stat(Terminal terminal)
    {
        Argument<string> name = NamespaceArgument();
        var command = new PuffCommand("stat", "Show a namespace's metadata.", PuffCommand.ClientSettings, terminal, context =>
            ShowAsync(context, client => client.GetAsync(PuffClient.NamespacePath(2, context.Get(name), "/metadata"), context.Cancellation)));
        command.Add(name);
        return command;
    }

    public static Command Schema(Terminal terminal)
    {
        Argument<string> name = NamespaceArgument();
        var update = new Option<string>("--update") { Description = "JSON file with attributes to add or change (- for standard input).", HelpName = "FILE" };
        var command = new PuffCommand("schema", "Show or change a namespace's schema.", PuffCommand.ClientSettings, terminal, async context =>
        {
            string path = PuffClient.NamespacePath(1, context.Get(name), "/schema");
            byte[]? body = context.Get(update) is { } file ? await context.ReadInputAsync(file) : null;
            return await ShowSchemaAsync(
                context, client => body == null ? client.GetAsync(path, context.Cancellation) : client.PostAsync(path, body, context.Cancellation));
        });
        command.Add(name);
        command.Add(update);
        return command;
    }

    public static Command Write(Terminal terminal)
    {
        Argument<string> name = NamespaceArgument();
        var file = new Argument<string>("file") { Description = "JSON file with one write request (- for standard input)." };
        var command = new PuffCommand("write", "Send one write request as it is.", PuffCommand.ClientSettings, terminal, async context =>
        {
            byte[] body = await context.ReadInputAsync(context.Get(file));
            return await ShowAsync(context, client => client.PostAsync(PuffClient.NamespacePath(2, context.Get(name)), body, context.Cancellation));
        });
        command.Add(name);
        command.Add(file);
        return command;
    }

    public static Command Delete(Terminal terminal)
    {
        Argument<string> name = NamespaceArgument();
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var filter = new Option<string>("--filter") { Description = "Delete only the documents that match this filter (JSON).", HelpName = "JSON" };
        var ids = new Option<string[]>("--id") { Description = "Delete only the document with this id; may be repeated.", HelpName = "ID" };
        var command = new PuffCommand("delete", "Delete a namespace, or documents of it.", PuffCommand.ClientSettings, terminal, async context =>
        {
            if (context.Get(filter) is { } text)
            {
                return await PostAsync(context, context.Get(name), new JsonObject { ["delete_by_filter"] = JsonInput.Parse(text, "--filter") });
            }

            if (context.Get(ids) is { Length: > 0 } given)
            {
                return await PostAsync(context, context.Get(name), new JsonObject { ["deletes"] = new JsonArray([.. given.Select(JsonInput.Id)]) });
            }

            if (!context.Get(yes) && !Confirm(context, context.Get(name)))
            {
                return ExitCode.Failed;
            }

            return await ShowAsync(context, client => client.DeleteAsync(PuffClient.NamespacePath(2, context.Get(name)), context.Cancellation));
        });
        command.Add(name);
        command.Add(ids);
        command.Add(filter);
        command.Add(yes);
        return command;
    }

    public static Command Branch(Terminal terminal) =>
        Derive("branch", "Make a copy-on-write clone of a namespace, in constant time.", "branch_from_namespace", terminal);

    private static Command Derive(string verb, string description, string field, Terminal terminal)
    {
        var source = new Argument<string>("source") { Description = "Existing namespace." };
        var target = new Argument<string>("target") { Description = "New namespace." };
        var command = new PuffCommand(verb, description, PuffCommand.ClientSettings, terminal, context =>
            PostAsync(context, context.Get(target), new JsonObject { [field] = context.Get(source) }));
        command.Add(source);
        command.Add(target);
        return command;
    }

    public static Task<ExitCode> PostAsync(CommandContext context, string name, JsonObject body) =>
        ShowAsync(context, client => client.PostAsync(PuffClient.NamespacePath(2, name), JsonSerializer.SerializeToUtf8Bytes(body), context.Cancellation));

    private static async Task<ExitCode> ShowAsync(CommandContext context, Func<PuffClient, Task<JsonDocument>> call)
    {
        using PuffClient client = context.Connect();
        using JsonDocument answer = await call(client);
        context.Results().WriteObject(answer.RootElement);
        return ExitCode.Done;
    }

    private static async Task<ExitCode> ShowSchemaAsync(CommandContext context, Func<PuffClient, Task<JsonDocument>> call)
    {
        ResultWriter results = context.Results();
        if (results.Format is OutputFormat.Json or OutputFormat.Ndjson)
        {
            return await ShowAsync(context, call);
        }

        using PuffClient client = context.Connect();
        using JsonDocument answer = await call(client);
        results.WriteRows([.. answer.RootElement.EnumerateObject().Select(attribute =>
        {
            var row = new JsonObject { ["attribute"] = attribute.Name };
            foreach (JsonProperty part in attribute.Value.EnumerateObject())
            {
                row[part.Name] = JsonNode.Parse(part.Value.GetRawText());
            }

            return ResultWriter.ToElement(row);
        })]);
        return ExitCode.Done;
    }

    private static bool Confirm(CommandContext context, string name)
    {
        if (!context.Terminal.InputIsTyped || !context.Terminal.MessagesAreSeen)
        {
            throw new CommandException(ExitCode.Usage, $"deleting namespace {name} with all its documents cannot be undone; say --yes to do it");
        }

        context.Terminal.Messages.Write($"Delete namespace {name} with all its documents? This cannot be undone. Type its name: ");
        return context.Terminal.Input.ReadLine()?.Trim() == name;
    }
}
