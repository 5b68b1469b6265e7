using Puff.Engine.Namespaces;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;

namespace Puff.Sync.Verbs;

/// <param name="Mapping">Null for all.</param>
/// <param name="Rows">Fake rows, each.</param>
/// <param name="Seed">The same rows for the same seed.</param>
/// <param name="Input">A file of JSON objects, one a line, in place of fake rows.</param>
public sealed record TestOptions(string? Mapping = null, int Rows = 5, int Seed = 1, string? Input = null);

/// <summary>`puff sync test`: runs mappings over made-up rows. Needs no database where generated files are there.</summary>
public static class TestVerb
{
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, TestOptions options, CancellationToken cancellation = default)
    {
        var project = invocation.OpenProject();
        var report = new PreviewReport(invocation.Console);
        await using var preview = new TransformPreview(project, invocation.Console, invocation.Clock);
        foreach (var mapping in Choose(project, options.Mapping))
        {
            var (table, rows) = RowsOf(project, mapping, options);
            try
            {
                report.Add(mapping, await preview.RunAsync(mapping, table, rows, NothingThere, cancellation));
            }
            catch (TransformException failure)
            {
                report.Fail(mapping, $"{failure.Code}: {failure.Message}" + (failure.Detail is { } detail ? $"\n{detail}" : ""));
            }
        }

        return report.Finish();
    }

    /// <summary>A mapping by name, or all that live.</summary>
    /// <exception cref="SyncException">mapping_not_found.</exception>
    internal static IReadOnlyList<LiveMapping> Choose(SyncProject project, string? name)
    {
        var history = project.ReadHistory();
        if (name is null)
        {
            return history.Live;
        }

        return history.Find(name) is { } one
            ? [one]
            : throw new SyncException(
                SyncExit.NotFound, "mapping_not_found", $"There is no mapping `{name}`{Suggestion.Phrase(name, [.. history.Live.Select(live => live.Name)])}");
    }

    internal static Task<IReadOnlyList<DocumentRow>> NothingThere(
        IReadOnlyList<Engine.Schema.Value> ids, IReadOnlyList<string> attributes, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DocumentRow>>([]);

    private static (TableShape Table, ChangeBatch Rows) RowsOf(SyncProject project, LiveMapping mapping, TestOptions options)
    {
        string path = Path.Combine(project.Folder!, "generated", $"{mapping.Name}.ts");
        string? lines = options.Input is { } input ? File.ReadAllText(input) : null;
        try
        {
            var source = mapping.Definition.Source;
            var table = File.Exists(path) ? GeneratedTable.Read(File.ReadAllText(path))
                : lines is not null ? FakeRows.Infer(source.Schema, source.Table, mapping.Definition.Id.Columns ?? [], lines)
                : throw new SyncException(
                    SyncExit.Usage, "generated_missing",
                    $"generated/{mapping.Name}.ts does not exist, so the columns of {source.Schema}.{source.Table} are not known.",
                    "`puff sync generate`, or give rows with --input");
            return (table, lines is null ? FakeRows.Make(table, options.Rows, options.Seed) : FakeRows.Read(table, lines));
        }
        catch (FormatException wrong)
        {
            throw new SyncException(
                SyncExit.Usage, "config_invalid", lines is null ? $"generated/{mapping.Name}.ts: {wrong.Message}" : $"{options.Input}: {wrong.Message}",
                lines is null ? "`puff sync generate` writes it anew" : null);
        }
    }
}
