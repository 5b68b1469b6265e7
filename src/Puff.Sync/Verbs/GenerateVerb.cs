using System.Text.Json.Nodes;
using Npgsql;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync generate`: declarations of rows for TypeScript, from the tables as they are.</summary>
public static class GenerateVerb
{
    internal const string Folder = "generated";

    /// <param name="mapping">Null for all that live.</param>
    /// <param name="check">Write nothing; <see cref="SyncExit.Different"/> when a file would change.</param>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, string? mapping, bool check, CancellationToken cancellation)
    {
        SyncProject project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        MigrationHistory history = project.ReadHistory();
        if (mapping != null && history.Find(mapping) is null)
        {
            throw new SyncException(
                SyncExit.NotFound, "mapping_not_found",
                $"There is no mapping `{mapping}`{Suggestion.Phrase(mapping, [.. history.Live.Select(live => live.Name)])}");
        }

        await using NpgsqlConnection session = await new ProjectSessions(project).OpenSourceAsync(cancellation);
        var rows = new List<JsonObject>();
        foreach (LiveMapping live in history.Live.Where(live => mapping is null || live.Name == mapping))
        {
            string path = $"{Folder}/{live.Name}.ts";
            string text = await WriteAsync(session, live, cancellation);
            bool isCurrent = IsCurrent(project, path, text);
            if (!check && !isCurrent)
            {
                Directory.CreateDirectory(Path.Combine(project.Folder!, Folder));
                await File.WriteAllTextAsync(Path.Combine(project.Folder!, path), text, cancellation);
            }

            rows.Add(new JsonObject { ["file"] = path, ["action"] = isCurrent ? "kept" : check ? "stale" : "written" });
        }

        invocation.Console.WriteRows(rows);
        return check && rows.Any(row => (string?)row["action"] == "stale") ? SyncExit.Different : SyncExit.Done;
    }

    internal static async Task<string> WriteAsync(NpgsqlConnection session, LiveMapping live, CancellationToken cancellation)
    {
        SourceDefinition source = live.Definition.Source;
        TableFacts table = await Catalog.FindTableAsync(session, source.Schema, source.Table, cancellation)
            ?? throw new SyncException(SyncExit.NotFound, "table_not_found", $"Table {source.Schema}.{source.Table} does not exist.");
        return TypeDeclarations.Write(live.Definition, table.Shape);
    }

    internal static bool IsCurrent(SyncProject project, string path, string text)
    {
        string full = Path.Combine(project.Folder!, path);
        return File.Exists(full) && File.ReadAllText(full).ReplaceLineEndings("\n") == text;
    }
}
