using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Client;
using Puff.Commands;
using Puff.Configuration;
using Puff.Engine;
using Puff.Hosting;
using Puff.Output;
using Puff.Transfer;

namespace Puff.Demo;

/// <summary>`puff demo`: a server with real data and a few queries, so that a newcomer sees requests and answers within a minute.</summary>
internal sealed class DemoCommand
{
    private const string Namespace = "stackexchange";

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Option<bool> exit = new("--exit") { Description = "End after the queries instead of going on serving." };

    private readonly Option<string> folder = new("--folder") { Description = "Where the demo keeps its data.", DefaultValueFactory = _ => "./puff-demo" };

    public static Command Create(Terminal terminal)
    {
        var parts = new DemoCommand();
        Setting[] settings = [Settings.Listen, Settings.ApiKey, Settings.LogLevel];
        var command = new PuffCommand("demo", "Serve the bundled data and show a few queries.", settings, terminal, parts.RunAsync);
        command.Add(parts.exit);
        command.Add(parts.folder);
        return command;
    }

    private async Task<ExitCode> RunAsync(CommandContext context)
    {
        await using Node node = await StartAsync(context, context.Get(folder)!);
        ServeCommand.Announce(context.Terminal, node, context.Settings.GetAll(Settings.ApiKey).Count);
        using var client = new PuffClient(node.Url, context.Settings.Find(Settings.ApiKey));
        await ImportAsync(context, client);
        foreach (DemoQuery query in DemoQueries.Create([.. SampleData.Read("queries")]))
        {
            await ShowAsync(context, client, query);
        }

        if (!context.Get(exit))
        {
            context.Terminal.Say($"\nStill serving. Try: puff query {Namespace} --url {node.Url} --filter '[\"forum\",\"Eq\",\"gis\"]' --include title");
            return await ServeCommand.UntilStoppedAsync(context, node);
        }

        return ExitCode.Done;
    }

    /// <summary>On the usual address; when that is taken and the user did not insist on it, on a free port.</summary>
    private static async Task<Node> StartAsync(CommandContext context, string location)
    {
        SettingValues settings = context.Settings;
        bool isDefault = settings.All.Single(value => value.Setting == Settings.Listen).Source == "default";
        try
        {
            return await Node.StartAsync(settings, location, settings.Get(Settings.Listen), context.Cancellation);
        }
        catch (PuffException error) when (isDefault && error.Kind == ErrorKind.Unavailable)
        {
            context.Terminal.Say($"{settings.Get(Settings.Listen)} is in use; taking a free port");
            return await Node.StartAsync(settings, location, "127.0.0.1:0", context.Cancellation);
        }
    }

    private static async Task ImportAsync(CommandContext context, PuffClient client)
    {
        if (await CountAsync(client, context.Cancellation) == SampleData.Documents)
        {
            // An older demo may have made it, without the full-text index.
            byte[] declared = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["schema"] = SampleSource.Schema() });
            using JsonDocument updated = await client.PostAsync(PuffClient.NamespacePath(2, Namespace), declared, context.Cancellation);
            context.Terminal.Say($"namespace {Namespace} is there already: {ProgressReport.Count(SampleData.Documents)} questions");
            return;
        }

        var plan = new ImportPlan(Namespace, SampleSource.Schema(), "cosine_distance", BatchRows: 500, Parallel: 2, SkipRows: 0);
        using var source = new SampleSource();
        string title = $"importing {ProgressReport.Count(SampleData.Documents)} Stack Exchange questions with 768-d embeddings";
        await ProgressReport.RunAsync(context.Terminal, title, progress => new Importer(client, plan).RunAsync(source, progress, context.Cancellation));
    }

    private static async Task<long> CountAsync(PuffClient client, CancellationToken cancellation)
    {
        try
        {
            byte[] request = """{"aggregate_by":{"n":["Count"]}}"""u8.ToArray();
            using JsonDocument answer = await client.PostAsync(PuffClient.NamespacePath(2, Namespace, "/query"), request, cancellation);
            return answer.RootElement.GetProperty("aggregations").GetProperty("n").GetInt64();
        }
        catch (CommandException error) when (error.Code == ExitCode.NotFound)
        {
            return 0;
        }
    }

    private static async Task ShowAsync(CommandContext context, PuffClient client, DemoQuery query)
    {
        string path = PuffClient.NamespacePath(2, Namespace, "/query");
        using JsonDocument answer = await client.PostAsync(path, JsonSerializer.SerializeToUtf8Bytes(query.Body), context.Cancellation);
        JsonElement root = answer.RootElement;
        JsonElement rows = (root.TryGetProperty("results", out JsonElement results) ? results[0] : root).GetProperty("rows");
        TextWriter output = context.Terminal.Results;
        await output.WriteLineAsync($"\n{query.Heading}\n   looking for: {query.Question}\n\n   POST {path}\n   {Shorten(query.Shown)}\n");
        foreach (JsonElement row in rows.EnumerateArray())
        {
            string score = row.GetProperty("$dist").GetDouble().ToString("F4", CultureInfo.InvariantCulture);
            string link = $"https://{row.GetProperty("forum").GetString()}.stackexchange.com/q/{row.GetProperty("question_id").GetRawText()}";
            await output.WriteLineAsync($"   {score}  {row.GetProperty("title").GetString(),-76}  {link}");
        }

        string milliseconds = root.GetProperty("performance").GetProperty("server_total_ms").GetRawText();
        await output.WriteLineAsync($"\n   {rows.GetArrayLength()} rows, {milliseconds} ms on the server\n");
        await output.FlushAsync(context.Cancellation);
    }

    // The abbreviated vector is a string in the shown request; a reader wants to see the array it stands for.
    private static string Shorten(JsonObject request) =>
        request.ToJsonString(Readable).Replace("\"[", "[", StringComparison.Ordinal).Replace(" numbers]\"", " numbers]", StringComparison.Ordinal);
}
