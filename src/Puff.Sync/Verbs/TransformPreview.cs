using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Transforms;

namespace Puff.Sync.Verbs;

/// <summary>What would become of one row.</summary>
/// <param name="Row">In its batch.</param>
/// <param name="IsOutside">The row filter leaves it out.</param>
/// <param name="Actions">What the mapping's code, or the mapping itself, wants done.</param>
/// <param name="Error">Why the row could not be applied; null when it could.</param>
internal sealed record RowPreview(RowChange Row, bool IsOutside, IReadOnlyList<DocumentAction> Actions, int Skips, string? Error);

/// <summary>Runs rows through filter, code, conversion and the check of the schema, as a lane would, and writes nothing.</summary>
internal sealed class TransformPreview(SyncProject project, ISyncConsole console, TimeProvider clock) : IAsyncDisposable
{
    private readonly HttpClient http = new();
    private MappingTransforms? transforms;

    /// <param name="rows">Of one shape; changes of kind Snapshot.</param>
    /// <param name="fetch">Documents that exist, for `[embed]`'s cache.</param>
    public async Task<IReadOnlyList<RowPreview>> RunAsync(
        LiveMapping mapping, TableShape table, ChangeBatch rows, DocumentFetch fetch, CancellationToken cancellation)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var definition = mapping.Definition;
        var plan = new DocumentPlan(definition, table);
        var converter = plan.Bind(rows[0].Relation);
        var filter = definition.Source.Where is { } where ? new MappingFilter(new TableFilter(RowFilter.Parse(where), table)) : null;
        var cases = new ChangeCases(converter, filter);
        transforms ??= new MappingTransforms(Options(), http, Log, clock);
        await using var code = await transforms.LoadAsync(
            definition, mapping.Migration.Content, NamespaceOf(definition), plan, fetch, cancellation);
        var previews = new RowPreview[rows.Count];
        var calls = new List<(int Row, ChangeOutcome Outcome)>();
        for (int i = 0; i < rows.Count; i++)
        {
            previews[i] = Decide(rows[i], cases, out var outcome);
            if (previews[i].Error is null && outcome.Kind == OutcomeKind.Transform)
            {
                calls.Add((i, outcome));
            }
        }

        foreach (var chunk in code is null ? [] : calls.Chunk(definition.Transform.BatchRows))
        {
            await CallAsync(code!, chunk, 1, rows, previews, converter, cancellation);
        }

        return await CheckAsync(previews, plan.Schema(code?.Schema), plan.Metric, cancellation);
    }

    /// <summary>The namespace with the destination's prefix.</summary>
    public string NamespaceOf(MappingDefinition definition) =>
        project.Settings.Destinations.TryGetValue(definition.Destination, out var destination)
            ? destination.StoredName(definition.Target.Namespace, project.Environment)
            : definition.Target.Namespace;

    public async ValueTask DisposeAsync()
    {
        if (transforms is not null)
        {
            await transforms.DisposeAsync();
        }

        http.Dispose();
    }

    private static RowPreview Decide(in RowChange row, ChangeCases cases, out ChangeOutcome outcome)
    {
        outcome = default;
        try
        {
            outcome = cases.Decide(row);

            // A row read from the table that does not belong has its document removed, if there is one.
            bool isOutside = outcome.Kind == OutcomeKind.Nothing || outcome.Action?.Operation == DocumentOperation.Delete;
            return new RowPreview(row, isOutside, outcome.Action is { } action ? [action] : [], 0, null);
        }
        catch (RowException failure)
        {
            return new RowPreview(row, false, [], 0, $"{failure.Code}: {failure.Message}");
        }
    }

    /// <summary>A call that fails as a whole is halved, as in a lane, so that each guilty row is named.</summary>
    private static async Task CallAsync(
        ITransform code, (int Row, ChangeOutcome Outcome)[] chunk, int attempt, ChangeBatch rows, RowPreview[] previews, RowConverter converter,
        CancellationToken cancellation)
    {
        try
        {
            var results = await code.RunAsync([.. chunk.Select(each => Input(rows[each.Row], each.Outcome))], attempt, cancellation);
            for (int i = 0; i < chunk.Length; i++)
            {
                previews[chunk[i].Row] = Interpret(previews[chunk[i].Row], chunk[i].Outcome, results[i], converter);
            }
        }
        catch (TransformException failure) when (chunk.Length == 1 || failure.IsOfMapping)
        {
            foreach (var (row, _) in chunk)
            {
                string detail = failure.Detail is { } lines ? $"\n{lines}" : "";
                previews[row] = previews[row] with { Error = $"{failure.Code}: {failure.Message}{detail}" };
            }
        }
        catch (TransformException)
        {
            int half = chunk.Length / 2;
            await CallAsync(code, chunk[..half], attempt + 1, rows, previews, converter, cancellation);
            await CallAsync(code, chunk[half..], attempt + 1, rows, previews, converter, cancellation);
        }
    }

    private static TransformInput Input(in RowChange row, in ChangeOutcome outcome) => new(
        row.Kind, outcome.Id, row.Relation, outcome.Row, row.Old, row.OldKind, null, row.Position, row.CommitMicroseconds);

    private static RowPreview Interpret(RowPreview preview, in ChangeOutcome outcome, IReadOnlyList<TransformAction> actions, RowConverter converter)
    {
        var documents = new List<DocumentAction>();
        int skips = 0;
        try
        {
            foreach (var action in actions)
            {
                var id = action.Id ?? outcome.Id;
                switch (action.Verb)
                {
                    case TransformVerb.Upsert or TransformVerb.Patch:
                        var operation = action.Verb == TransformVerb.Upsert ? DocumentOperation.Upsert : DocumentOperation.Patch;
                        documents.Add(converter.Finish(operation, id, action.Attributes ?? [], outcome.Row, preview.Row.Position, 0)
                            ?? throw new RowException("vector_patch", "a patch cannot carry a dense vector"));
                        break;
                    case TransformVerb.ReplaceGroup:
                        documents.AddRange((action.Documents ?? []).Select(document => converter.Finish(
                            DocumentOperation.Upsert, document.Id, document.Attributes, default, preview.Row.Position, 0, action.Group)!));
                        break;
                    case TransformVerb.Delete:
                        documents.Add(converter.Delete(id, preview.Row.Position, 0));
                        break;
                    case TransformVerb.Fail:
                        return preview with { Error = $"{action.Code ?? "transform_fail"}: {action.Message}" };
                    default:
                        skips++;
                        break;
                }
            }

            return preview with { Actions = documents, Skips = skips };
        }
        catch (RowException failure)
        {
            return preview with { Error = $"{failure.Code}: {failure.Message}" };
        }
    }

    /// <summary>Writes the documents to an engine in memory, which checks them as the destination would.</summary>
    private async Task<RowPreview[]> CheckAsync(
        RowPreview[] previews, SchemaUpdate schema, DistanceMetric? metric, CancellationToken cancellation)
    {
        await using var engine = await PuffEngine.OpenAsync(
            new EngineSettings { RunIndexer = false }, new EngineComponents { Store = new MemoryObjectStore(clock), Time = clock }, cancellation);
        await using var destination = new EngineDestination(engine);
        for (int i = 0; i < previews.Length; i++)
        {
            try
            {
                foreach (var action in previews[i].Actions.Where(action => action.Operation == DocumentOperation.Upsert))
                {
                    var row = new DocumentRow(action.Id, action.Attributes);
                    await destination.WriteAsync(new DestinationBatch("preview") { Upserts = [row], Schema = schema, Metric = metric }, cancellation);
                }
            }
            catch (DestinationException refused)
            {
                previews[i] = previews[i] with { Error = $"{refused.Code}: {refused.Message}" };
            }
        }

        return previews;
    }

    private TransformHostOptions Options()
    {
        var settings = project.Settings.Transform;
        return new TransformHostOptions
        {
            ProjectFolder = project.Folder ?? "", Environment = project.Environment.All, Runtime = settings.Runtime, Style = settings.Style,
            Timeout = settings.Timeout, MaxMemory = settings.MaxMemory, PassDatabaseUrl = settings.PassDatabaseUrl, IsDryRun = true,
        };
    }

    private void Log(TransformLog entry) => console.Say($"{entry.Level}: {entry.Text}");
}
