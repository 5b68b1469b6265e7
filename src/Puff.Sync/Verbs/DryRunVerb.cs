using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.Transforms;

namespace Puff.Sync.Verbs;

/// <param name="Mapping">Null for all.</param>
/// <param name="Rows">Sample rows, each.</param>
/// <param name="Key">The row with this key, parts of a key of several columns with ':' between.</param>
/// <param name="Where">Which rows, in SQL.</param>
/// <param name="Difference">Compare with the documents that are there.</param>
/// <param name="Cost">Only estimate what embedding all rows would take.</param>
public sealed record DryRunOptions(
    string? Mapping = null, int Rows = 1, string? Key = null, string? Where = null, bool Difference = false, bool Cost = false);

/// <summary>`puff sync dry-run`: rows of the table through everything, and what would be written. Writes nothing.</summary>
public static class DryRunVerb
{
    private const int CostSample = 1000;
    private const long MaxPageBytes = 64 << 20;

    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, DryRunOptions options, CancellationToken cancellation = default)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: options.Difference);
        var mappings = TestVerb.Choose(project, options.Mapping);
        var sessions = new ProjectSessions(project);
        await using var source = new RowSource(sessions.Snapshot);
        var report = new PreviewReport(invocation.Console);
        await using var preview = new TransformPreview(project, invocation.Console, invocation.Clock);
        foreach (var mapping in mappings)
        {
            var facts = await FindTableAsync(sessions, mapping, cancellation);
            var rows = await ReadAsync(source, facts.Shape, mapping, options, cancellation);
            if (options.Cost)
            {
                Estimate(invocation.Console, mapping, facts, rows);
                continue;
            }

            try
            {
                await RunAsync(project, preview, report, mapping, facts.Shape, rows, options, cancellation);
            }
            catch (TransformException failure)
            {
                report.Fail(mapping, $"{failure.Code}: {failure.Message}" + (failure.Detail is { } detail ? $"\n{detail}" : ""));
            }
        }

        return options.Cost ? SyncExit.Done : report.Finish();
    }

    private static async Task RunAsync(
        SyncProject project, TransformPreview preview, PreviewReport report, LiveMapping mapping, TableShape table, ChangeBatch rows, DryRunOptions options,
        CancellationToken cancellation)
    {
        if (!options.Difference)
        {
            report.Add(mapping, await preview.RunAsync(mapping, table, rows, TestVerb.NothingThere, cancellation));
            return;
        }

        await using var destination = Open(project, mapping.Definition.Destination);
        string name = preview.NamespaceOf(mapping.Definition);
        var previews = await preview.RunAsync(
            mapping, table, rows, (ids, attributes, token) => destination.FetchAsync(name, ids, attributes, token), cancellation);
        Value[] ids = [.. previews.SelectMany(row => row.Actions).Select(action => action.Id)];
        var there = await destination.FetchAsync(name, ids, null, cancellation);
        report.Add(mapping, previews, there.ToDictionary(
            row => PreviewReport.Json(row.Id)!.ToJsonString(), row => PreviewReport.Document(row.Attributes), StringComparer.Ordinal));
    }

    private static IDestination Open(SyncProject project, string name)
    {
        var settings = project.Settings.Destinations[name];
        if (settings.Kind != DestinationKind.Turbopuffer)
        {
            throw new SyncException(
                SyncExit.Usage, "config_invalid",
                $"--diff compares with an endpoint, and destination `{name}` is of kind {settings.Kind.ToString().ToLowerInvariant()}.",
                "leave --diff out, or serve the engine and name its address as url");
        }

        string url = settings.Url?.Find(project.Environment) is { Length: > 0 } given ? given
            : $"https://{settings.Region?.Find(project.Environment)}.turbopuffer.com";
        return new HttpDestination(new HttpDestinationOptions(new Uri(url), settings.ApiKey?.Find(project.Environment) ?? ""));
    }

    private static async Task<TableFacts> FindTableAsync(ProjectSessions sessions, LiveMapping mapping, CancellationToken cancellation)
    {
        var wanted = mapping.Definition.Source;
        await using var session = await sessions.OpenSourceAsync(cancellation);
        if (await Catalog.FindTableAsync(session, wanted.Schema, wanted.Table, cancellation) is { } facts)
        {
            return facts;
        }

        var tables = await Catalog.ListTablesAsync(session, cancellation);
        throw new SyncException(
            SyncExit.NotFound, "table_not_found",
            $"Table {wanted.Schema}.{wanted.Table} does not exist{Suggestion.Phrase($"{wanted.Schema}.{wanted.Table}", [.. tables])}");
    }

    private static async Task<ChangeBatch> ReadAsync(
        RowSource source, TableShape table, LiveMapping mapping, DryRunOptions options, CancellationToken cancellation)
    {
        var plan = new DocumentPlan(mapping.Definition, table);
        var key = plan.Decisions.Id.Columns;
        var query = new RowQuery(table.Schema, table.Table, [.. plan.Columns.Select(column => column.Name)], key, options.Where);
        if (options.Key is { } given)
        {
            string[] parts = key.Count == 1 ? [given] : given.Split(':');
            return parts.Length == key.Count
                ? (await source.ReadKeysAsync(query, [parts], cancellation)).Rows
                : throw new SyncException(
                    SyncExit.Usage, "config_invalid",
                    $"--key has {parts.Length} parts, the key ({string.Join(", ", key)}) has {key.Count}.", "put ':' between parts");
        }

        int rows = options.Cost ? Math.Max(options.Rows, CostSample) : options.Rows;
        return (await source.ReadPageAsync(query, null, null, rows, MaxPageBytes, cancellation)).Rows;
    }

    /// <summary>Tokens of the sample, and of the whole table in proportion, before anything is spent.</summary>
    private static void Estimate(ISyncConsole console, LiveMapping mapping, TableFacts facts, ChangeBatch rows)
    {
        if (mapping.Definition.Embed is not { } embed)
        {
            console.Print($"{mapping.Name}: embeds nothing");
            return;
        }

        var template = new EmbeddingTemplate(embed);
        long tokens = 0;
        var texts = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < rows.Count; i++)
        {
            string text = template.Fill(rows[i].Relation, rows[i].New);
            tokens += text.Length > 0 && texts.Add(text) ? EmbeddingTemplate.EstimateTokens(text) : 0;
        }

        long total = Math.Max(facts.Rows, rows.Count);
        double all = rows.Count == 0 ? 0 : (double)tokens / rows.Count * total;
        console.Print(string.Create(
            CultureInfo.InvariantCulture,
            $"{mapping.Name}: about {all:N0} tokens of {embed.Model} for about {total:N0} rows ({tokens:N0} in {rows.Count:N0} sampled)"));
        if (console.IsForPrograms)
        {
            console.WriteObject(new JsonObject
            {
                ["mapping"] = mapping.Name, ["model"] = embed.Model, ["sampled_rows"] = rows.Count, ["sampled_tokens"] = tokens, ["rows"] = total,
                ["tokens"] = (long)all,
            });
        }
    }
}
