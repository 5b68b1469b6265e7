using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.State;
using Puff.Sync.Transforms;

namespace Puff.Sync.Pipelines;

/// <summary>From changes to a batch's actions: filter and table of cases by the plan, user code, conversion, letters for rows that fail.</summary>
internal sealed class LanePreparer(PipelineMapping mapping, LaneContext context, LaneIntake intake, LaneLetters letters, Rereader rereader, LaneStats stats)
{
    private readonly List<Step> steps = [];
    private readonly FailureRate failures = new();
    private Hold? hold;

    /// <summary>All documents.</summary>
    public static Filter Everything { get; } = new AttributeFilter("id", FilterOperator.NotEq, Value.Null);

    /// <summary>Adds changes of an item to a batch, from one index on; returns where the next batch begins.</summary>
    public async Task<int> PrepareAsync(LaneItem item, int from, LaneBatch batch, int maxRows, CancellationToken cancellation)
    {
        int next = from;
        bool isPage = item.Page is not null;
        hold = null;
        steps.Clear();
        try
        {
            while (next < item.Indices.Count && batch.Changes < maxRows && batch.Bytes < context.Options.BatchBytes)
            {
                RowChange change = item.Rows[item.Indices[next]];
                if (change.Kind == ChangeKind.Truncate)
                {
                    if (!TryTruncate(change, batch))
                    {
                        break;
                    }

                    next++;
                    if (batch.IsClosed)
                    {
                        break;
                    }

                    continue;
                }

                next++;
                batch.Changes++;
                batch.Bytes += Weigh(change);
                Count(change);
                Decide(item, change, batch);
            }

            await TransformAsync(batch, item, cancellation);
            foreach (Step step in steps)
            {
                Add(step, batch, isPage);
            }

            CheckLetters(batch);
            if (next == item.Indices.Count)
            {
                Finish(item, batch);
            }
        }
        finally
        {
            hold?.Release();
        }

        return next;
    }

    private static long Weigh(in RowChange change)
    {
        long bytes = 0;
        RowTuple row = change.New;
        for (int i = 0; row.Exists && i < row.ColumnCount; i++)
        {
            bytes += row.Bytes(i).Length;
        }

        return bytes;
    }

    private bool TryTruncate(in RowChange change, LaneBatch batch)
    {
        switch (mapping.Definition.OnTruncate)
        {
            case TruncateEvent.Stop:
                throw new LaneStoppedException("truncate_stop",
                    $"{change.Relation.Schema}.{change.Relation.Table} was truncated; [events] truncate = \"stop\"");
            case TruncateEvent.Ignore:
                stats.Truncates++;
                batch.Changes++;
                batch.Last = change.Position;
                return true;
            default:
                if (batch.Changes > 0 || steps.Count > 0)
                {
                    batch.IsClosed = true;
                    return false;
                }

                stats.Truncates++;
                batch.DeleteByFilter = mapping.Definition.Target.Shared
                    ? new AttributeFilter("_sync_mapping", FilterOperator.Eq, Value.String(mapping.Definition.Name))
                    : Everything;
                batch.Changes++;
                batch.Last = change.Position;
                batch.CommitMicroseconds = change.CommitMicroseconds;
                batch.IsClosed = true;
                return true;
        }
    }

    private void Decide(LaneItem item, in RowChange change, LaneBatch batch)
    {
        if (item.Page is null)
        {
            batch.Last = change.Position;
            batch.CommitMicroseconds = Math.Max(batch.CommitMicroseconds, change.CommitMicroseconds);
        }

        RowKey? letterKey = letters.HasOpen ? rereader.KeyOf(change) : null;
        if (letterKey is { } key && letters.IsOpen(key) && item.Page is null)
        {
            // A partial change would build on a document that was never written.
            Reread(item, change, key);
            return;
        }

        try
        {
            ChangeOutcome outcome = mapping.Plan.Decide(change);
            if (outcome.Gone is { } gone)
            {
                steps.Add(Step.Of(change, default, [gone]));
            }

            switch (outcome.Kind)
            {
                case OutcomeKind.Nothing:
                    batch.Skipped++;
                    break;
                case OutcomeKind.Unchanged:
                    batch.Unchanged++;
                    break;
                case OutcomeKind.Write:
                    steps.Add(Step.Of(change, outcome, [outcome.Action!]));
                    break;
                case OutcomeKind.Transform:
                    steps.Add(Step.Of(change, outcome, null));
                    break;
                case OutcomeKind.Reread:
                    Reread(item, change, rereader.KeyOf(change) ?? throw new RowException("id_null", "the change carries no key"));
                    break;
                default:
                    throw new LaneStoppedException("unchanged_stop", $"an update does not carry all columns ({outcome.Cause}); [updates] unchanged = \"stop\"");
            }
        }
        catch (RowException failure)
        {
            if (failure.Gone is { } gone)
            {
                steps.Add(Step.Of(change, default, [gone]));
            }

            Fail(change, batch, LetterStage.Convert, failure.Code, failure.Message, failure.Remedy, isRetryable: false);
        }
        catch (SyncException drift)
        {
            throw new LaneStoppedException(drift.Code, drift.Message, drift);
        }
    }

    private void Reread(LaneItem item, in RowChange change, RowKey key)
    {
        if (hold is null)
        {
            var before = new SyncPosition(change.Position.Commit, change.Position.Ordinal == 0 ? 0 : change.Position.Ordinal - 1);
            hold = new Hold(before, item.Boundary);
            intake.Keep(hold);
        }

        rereader.Ask(key, hold);
    }

    private async Task TransformAsync(LaneBatch batch, LaneItem item, CancellationToken cancellation)
    {
        if (mapping.Transform is null)
        {
            return;
        }

        var chunks = Chunks();
        int width = Math.Max(1, mapping.Definition.Transform.Concurrency);
        for (int i = 0; i < chunks.Count; i += width)
        {
            await Task.WhenAll(chunks.Skip(i).Take(width).Select(chunk => CallAsync(chunk, 1, batch, item, cancellation)));
        }
    }

    /// <summary>Calls of at most batch_rows changes, an id at most once in each.</summary>
    private List<List<Step>> Chunks()
    {
        var chunks = new List<List<Step>>();
        var seen = new HashSet<DocumentId>();
        List<Step>? current = null;
        foreach (Step step in steps)
        {
            if (step.Actions is not null)
            {
                continue;
            }

            if (current is null || current.Count == mapping.Definition.Transform.BatchRows || !seen.Add(ActionMerger.KeyOf(step.Outcome.Id)))
            {
                chunks.Add(current = []);
                seen.Clear();
                seen.Add(ActionMerger.KeyOf(step.Outcome.Id));
            }

            current.Add(step);
        }

        return chunks;
    }

    private async Task CallAsync(List<Step> chunk, int attempt, LaneBatch batch, LaneItem item, CancellationToken cancellation)
    {
        try
        {
            TransformInput[] inputs = [.. chunk.Select(s => mapping.Plan.Describe(s.Change, s.Outcome))];
            IReadOnlyList<IReadOnlyList<TransformAction>> results = await mapping.Transform!.RunAsync(inputs, attempt, cancellation);
            if (results.Count != chunk.Count)
            {
                throw new TransformException("transform_result_count", $"Got {results.Count} results for {chunk.Count} changes.");
            }

            for (int i = 0; i < chunk.Count; i++)
            {
                Interpret(chunk[i], results[i], batch, item);
            }
        }
        catch (TransformException failure) when (failure.IsOfMapping)
        {
            throw new LaneStoppedException(failure.Code, failure.Message, failure);
        }
        catch (TransformException failure) when (failure.IsRetryable && attempt == 1)
        {
            stats.Retries++;
            await CallAsync(chunk, attempt + 1, batch, item, cancellation);
        }
        catch (TransformException failure) when (chunk.Count == 1)
        {
            chunk[0].Actions = [];
            Fail(chunk[0].Change, batch, LetterStage.Transform, failure.Code, failure.Message, failure.Detail, isRetryable: true);
        }
        catch (TransformException)
        {
            // Not a first attempt: neither the caller nor the host sends a half twice, so that a row that crashes is found within the host's patience.
            int half = chunk.Count / 2;
            await CallAsync(chunk[..half], attempt + 1, batch, item, cancellation);
            await CallAsync(chunk[half..], attempt + 1, batch, item, cancellation);
        }
    }

    private void Interpret(Step step, IReadOnlyList<TransformAction> actions, LaneBatch batch, LaneItem item)
    {
        step.Actions = [];
        if (actions.FirstOrDefault(a => a.Verb == TransformVerb.Fail) is { } refused)
        {
            string why = refused.Message ?? "the transform refused the row";
            Fail(step.Change, batch, LetterStage.Transform, refused.Code ?? "transform_fail", why, null, refused.IsRetryable);
            return;
        }

        try
        {
            PlannedResult result = mapping.Plan.Interpret(step.Change, step.Outcome, actions);
            if (result.NeedsRow && rereader.KeyOf(step.Change) is { } key)
            {
                Reread(item, step.Change, key);
                return;
            }

            batch.Skipped += result.Skips;
            step.Actions = result.Actions;
            step.Groups = result.Groups;
        }
        catch (RowException failure)
        {
            Fail(step.Change, batch, LetterStage.Convert, failure.Code, failure.Message, failure.Remedy, isRetryable: false);
        }
    }

    private void Add(Step step, LaneBatch batch, bool isPage)
    {
        batch.Sources.Add(step.Change);
        foreach (DocumentAction action in step.Actions ?? [])
        {
            batch.Actions.Add(action);
        }

        foreach (DocumentGroup group in step.Groups)
        {
            var keep = new AttributeFilter("_sync_group", FilterOperator.Eq, Value.String(group.Name));
            batch.DeleteByFilter = batch.DeleteByFilter is { } before ? new OrFilter([before, keep]) : keep;
            foreach (DocumentAction document in group.Documents)
            {
                batch.Actions.Add(document);
            }
        }

        failures.Succeeded();
        if (isPage && letters.HasOpen && rereader.KeyOf(step.Change) is { } key && letters.IsOpen(key))
        {
            batch.Settled.Add((key, LetterState.Superseded));
        }
    }

    /// <summary>All rows of an item are in batches: for pages, rows that are gone and what follows from its judgement.</summary>
    private void Finish(LaneItem item, LaneBatch batch)
    {
        batch.Finished.Add(item);
        if (item.Page is not { } page)
        {
            return;
        }

        stats.Stale += page.Stale;
        foreach (RowKey key in page.Gone)
        {
            try
            {
                if (mapping.Plan.Remove(key.Values, page.Position) is { } action)
                {
                    batch.Actions.Add(action);
                    batch.Changes++;
                }
            }
            catch (RowException)
            {
                batch.Skipped++; // No document can have had this key.
            }

            if (letters.HasOpen && letters.IsOpen(key))
            {
                batch.Settled.Add((key, LetterState.Applied));
            }
        }

        if (page.Held.Owner.MarkOf(page) is { } mark)
        {
            batch.Mark = mark;
        }
    }

    private void Fail(in RowChange change, LaneBatch batch, LetterStage stage, string code, string message, string? detail, bool isRetryable)
    {
        failures.Failed();
        lock (batch.Letters)
        {
            switch (mapping.Definition.Errors)
            {
                case ErrorPolicy.Stop:
                    throw new LaneStoppedException(code, message);
                case ErrorPolicy.Skip:
                    batch.Skipped++;
                    context.Events.Warn("row_skipped", mapping.Definition.Name, $"{code}: {message}");
                    return;
                default:
                    batch.Letters.Add(letters.Make(change, rereader.KeyOf(change), stage, code, message, detail, isRetryable));
                    break;
            }
        }

        if (failures.IsTooHigh)
        {
            throw new LaneStoppedException("too_many_failures", $"{failures.Count} of the last 1,000 rows failed ({code}).");
        }
    }

    /// <summary>When nothing but failures of one kind came of a batch, the mapping is at fault and not its rows.</summary>
    private static void CheckLetters(LaneBatch batch)
    {
        if (batch.Letters.Count > 8 && batch.Letters.Count == batch.Changes && batch.Letters.TrueForAll(l => l.Code == batch.Letters[0].Code))
        {
            throw new LaneStoppedException(
                "too_many_failures", $"all of {batch.Letters.Count} rows failed ({batch.Letters[0].Code}): {batch.Letters[0].Message}");
        }
    }

    private void Count(in RowChange change)
    {
        switch (change.Kind)
        {
            case ChangeKind.Insert:
                stats.Inserts++;
                break;
            case ChangeKind.Update:
                stats.Updates++;
                break;
            case ChangeKind.Delete:
                stats.Deletes++;
                break;
        }
    }

    private sealed class Step
    {
        public RowChange Change { get; private init; }

        public ChangeOutcome Outcome { get; private init; }

        /// <summary>Null while the transform has still to be called.</summary>
        public IReadOnlyList<DocumentAction>? Actions { get; set; }

        public IReadOnlyList<DocumentGroup> Groups { get; set; } = [];

        public static Step Of(in RowChange change, in ChangeOutcome outcome, IReadOnlyList<DocumentAction>? actions) =>
            new() { Change = change, Outcome = outcome, Actions = actions };
    }
}
