using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Writes the batches of one mapping, one at a time: tokens or conditions, retries of what may pass later, halving of what is refused until the guilty rows are
/// alone. When it returns, everything in the batch is durable or recorded as a letter.
/// </summary>
internal sealed class BatchWriter(PipelineMapping mapping, LaneContext context, LaneLetters letters, Rereader rereader, LaneStats stats, string writer)
{
    private readonly string tokenName = $"{context.Options.Name}/{mapping.Definition.Name}/{mapping.Record.Generation}";
    private WriteToken? token;
    private SnapshotMark? mark;
    private long number;
    private int sentSchema;
    private bool isUnknown;
    private bool exists;

    /// <summary>What there was at the destination when the process began.</summary>
    public NamespaceState? Found { get; private set; }

    /// <summary>How many attempts have failed in a row: the mapping is degraded above the retries' limit.</summary>
    public int FailedAttempts { get; private set; }

    public string? LastFailure { get; private set; }

    public SnapshotMark? Mark => mark;

    /// <summary>Reads the destination's token: where the mapping is, as far as the destination knows.</summary>
    public async Task<SyncPosition?> OpenAsync(CancellationToken cancellation)
    {
        Found = await TryAsync(() => mapping.Destination.OpenAsync(mapping.Namespace, tokenName, cancellation), cancellation);
        token = Found.Token;
        mark = TokenPayload.ReadMark(token?.Payload);
        return token is { } there && SyncPosition.TryParse(there.Position, out SyncPosition position) ? position : null;
    }

    /// <summary>Goes on where another writer of the same mapping was before its first write.</summary>
    public void Adopt(BatchWriter before) => (Found, token, mark, exists) = (before.Found, before.token, before.mark, before.exists);

    public async Task WriteAsync(LaneBatch batch, SyncPosition position, CancellationToken cancellation)
    {
        IReadOnlyList<DocumentAction> actions = batch.Actions.Take();
        if (batch.Letters.Count > 0)
        {
            await RecordLettersAsync(batch.Letters, cancellation);
        }

        mark = batch.Mark ?? mark;
        exists |= Found?.Exists == true || actions.Any(a => a.Operation == DocumentOperation.Upsert);
        if (exists && (actions.Count > 0 || batch.DeleteByFilter is not null))
        {
            long started = context.Time.GetTimestamp();
            var bad = new List<(DocumentAction Action, DestinationException Failure)>();
            await WriteOrHalveAsync(actions, 0, actions.Count, batch.DeleteByFilter, position, bad, cancellation);
            stats.WriteTicks += context.Time.GetElapsedTime(started).Ticks;
            if (bad.Count > 0)
            {
                await RecordLettersAsync([.. bad.Select(b => LetterOf(batch, b.Action, b.Failure))], cancellation);
            }

            CountWritten(actions, bad.Count);
        }

        stats.Add(new MappingCounts(0, 0, 0, batch.Skipped));
        stats.Unchanged += batch.Unchanged;
        if (batch.Settled.Count > 0)
        {
            await CloseLettersAsync(batch, cancellation);
        }
    }

    private async Task WriteOrHalveAsync(
        IReadOnlyList<DocumentAction> actions, int from, int count, Filter? deleteByFilter, SyncPosition position,
        List<(DocumentAction, DestinationException)> bad, CancellationToken cancellation)
    {
        try
        {
            await SendAsync(Form(actions, from, count, deleteByFilter, position), cancellation);
        }
        catch (DestinationException failure) when (failure.Failure is DestinationFailure.Row or DestinationFailure.TooLarge && count > 0)
        {
            if (count == 1)
            {
                switch (mapping.Definition.Errors)
                {
                    case Migrations.ErrorPolicy.Stop:
                        throw new LaneStoppedException(failure.Code, failure.Message, failure);
                    case Migrations.ErrorPolicy.DeadLetter:
                        bad.Add((actions[from], failure));
                        break;
                }

                if (bad.Count > 8 && bad.Count >= actions.Count / 2 && bad.TrueForAll(b => b.Item2.Code == failure.Code))
                {
                    throw new LaneStoppedException("too_many_failures", $"{bad.Count} of {actions.Count} rows were refused: {failure.Message}", failure);
                }

                return;
            }

            // The position moves with the last of the pieces, and only when nothing was refused before: letters come first.
            int half = count / 2;
            SyncPosition before = token is { } last && SyncPosition.TryParse(last.Position, out SyncPosition stored) ? stored : default;
            await WriteOrHalveAsync(actions, from, half, deleteByFilter, before, bad, cancellation);
            await WriteOrHalveAsync(actions, from + half, count - half, null, bad.Count == 0 ? position : before, bad, cancellation);
        }
    }

    private DestinationBatch Form(IReadOnlyList<DocumentAction> actions, int from, int count, Filter? deleteByFilter, SyncPosition position)
    {
        var upserts = new List<DocumentRow>(count);
        var patches = new List<DocumentRow>();
        var deletes = new List<Value>();
        var highest = default(SyncPosition);
        for (int i = from; i < from + count; i++)
        {
            DocumentAction action = actions[i];
            highest = action.Position > highest ? action.Position : highest;
            switch (action.Operation)
            {
                case DocumentOperation.Upsert:
                    upserts.Add(new DocumentRow(action.Id, action.Attributes));
                    break;
                case DocumentOperation.Patch:
                    patches.Add(new DocumentRow(action.Id, action.Attributes));
                    break;
                default:
                    deletes.Add(action.Id);
                    break;
            }
        }

        bool isConditional = mapping.Definition.VersionCondition == true && mapping.Definition.VersionAttribute is not null;
        Filter? newer = isConditional && upserts.Count + patches.Count > 0 ? Newer(mapping.Definition.VersionAttribute!) : null;
        int schema = mapping.Plan.SchemaVersion;
        return new DestinationBatch(mapping.Namespace)
        {
            Upserts = upserts,
            Patches = patches,
            Deletes = deletes,
            DeleteByFilter = deleteByFilter,
            Schema = sentSchema != schema && upserts.Count + patches.Count > 0 ? mapping.Plan.Schema : null,
            Metric = upserts.Count > 0 ? mapping.Plan.Metric : null,
            UpsertCondition = newer,
            PatchCondition = newer,
            DeleteCondition = isConditional && deletes.Count > 0
                ? new AttributeFilter(mapping.Definition.VersionAttribute!, FilterOperator.Lte, Value.String(highest.ToString()))
                : null,
            Token = mapping.Destination.HasTokens
                ? new WriteToken(tokenName, position.ToString(), new TokenPayload(writer, ++number, mark).Write())
                : null,
            Expected = token,
        };
    }

    private static OrFilter Newer(string attribute) => new([
        new AttributeFilter(attribute, FilterOperator.Lt, new FilterOperand(Value.Null, attribute)),
        new AttributeFilter(attribute, FilterOperator.Eq, Value.Null)]);

    private async Task SendAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        int schema = mapping.Plan.SchemaVersion;
        isUnknown = false;
        await TryAsync(
            async () =>
            {
                try
                {
                    await SendOnceAsync(batch, cancellation);
                }
                catch (DestinationException failure) when (failure.Failure == DestinationFailure.Fenced && isUnknown)
                {
                    // An attempt whose answer was lost may have been this very write.
                    NamespaceState there = await mapping.Destination.OpenAsync(mapping.Namespace, tokenName, cancellation);
                    if (there.Token != batch.Token)
                    {
                        throw;
                    }
                }

                return true;
            },
            cancellation);
        token = batch.Token;
        if (batch.Schema is not null)
        {
            sentSchema = schema;
        }
    }

    private async Task SendOnceAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        await context.WriteGate.EnterAsync(cancellation);
        try
        {
            stats.Requests++;
            using var timeout = new CancellationTokenSource(context.Options.WriteTimeout, context.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
            try
            {
                await mapping.Destination.WriteAsync(batch, either.Token);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                throw new DestinationException(DestinationFailure.Temporary, "destination_down", $"no answer within {context.Options.WriteTimeout}");
            }
        }
        finally
        {
            context.WriteGate.Leave();
        }
    }

    /// <summary>Repeats what fails for now: with growing pauses, then for ever at the longest, unless an outage is to stop the mapping.</summary>
    private async Task<T> TryAsync<T>(Func<Task<T>> action, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                T result = await action();
                if (FailedAttempts > context.Options.RetryAttempts)
                {
                    context.Events.Info("mapping_recovered", mapping.Definition.Name, $"{mapping.Namespace} answers again");
                    await SetPhaseAsync(MappingPhase.Streaming, null, null, cancellation);
                }

                (FailedAttempts, LastFailure) = (0, null);
                return result;
            }
            catch (DestinationException failure) when (failure.Failure == DestinationFailure.Temporary)
            {
                isUnknown = true;
                FailedAttempts++;
                LastFailure = failure.Message;
                stats.FailedRequests++;
                stats.Retries++;
                await DegradeAsync(failure, cancellation);
                TimeSpan pause = context.Backoff(FailedAttempts);
                await Task.Delay(failure.RetryAfter is { } asked && asked > pause ? asked : pause, context.Time, cancellation);
            }
            catch (DestinationException failure) when (failure.Failure == DestinationFailure.Mapping)
            {
                stats.FailedRequests++;
                throw new LaneStoppedException(failure.Code, failure.Message, failure);
            }
            catch (DestinationException failure) when (failure.Failure == DestinationFailure.Fenced)
            {
                throw new SyncException(
                    SyncExit.Conflict, "fenced", $"Another runner has written to namespace {mapping.Namespace} since. This one stops.", null, failure);
            }
        }
    }

    private async Task DegradeAsync(DestinationException failure, CancellationToken cancellation)
    {
        if (FailedAttempts != context.Options.RetryAttempts + 1)
        {
            return;
        }

        if (context.Options.StopAtOutage)
        {
            throw new LaneStoppedException("destination_down", failure.Message, failure);
        }

        context.Events.Warn("mapping_degraded", mapping.Definition.Name, failure.Message);
        await SetPhaseAsync(MappingPhase.Degraded, failure.Code, failure.Message, cancellation);
    }

    private Task SetPhaseAsync(MappingPhase phase, string? code, string? text, CancellationToken cancellation) => context.RecordAsync(
        state => state.SetPhaseAsync(mapping.Definition.Name, mapping.Record.Generation, phase, code, text, cancellation), cancellation);

    private async Task RecordLettersAsync(IReadOnlyList<DeadLetter> failed, CancellationToken cancellation)
    {
        await context.RecordAsync(state => state.SaveLettersAsync(failed, cancellation), cancellation);
        letters.Recorded(failed);
        stats.Letters += failed.Count;
        foreach (IGrouping<string, DeadLetter> ofCode in failed.GroupBy(l => l.Code))
        {
            context.Events.Warn("dead_letters", mapping.Definition.Name, $"{ofCode.Count()} rows: {ofCode.Key}: {ofCode.First().Message}");
        }

        if (letters.Count > context.Options.LettersOpen)
        {
            throw new LaneStoppedException("too_many_letters", $"{letters.Count} dead letters are open, the limit is {context.Options.LettersOpen}");
        }
    }

    private async Task CloseLettersAsync(LaneBatch batch, CancellationToken cancellation)
    {
        foreach (IGrouping<LetterState, (RowKey Key, LetterState State)> ofState in batch.Settled.GroupBy(s => s.State))
        {
            string[] documents = [.. ofState.Select(s => s.Key.ToString())];
            await context.RecordAsync(
                state => state.CloseLettersAsync(mapping.Definition.Name, mapping.Record.Generation, documents, ofState.Key, cancellation), cancellation);
        }

        letters.Closed(batch.Settled.Select(s => s.Key));
    }

    private DeadLetter LetterOf(LaneBatch batch, DocumentAction action, DestinationException failure)
    {
        DateTimeOffset now = context.Time.GetUtcNow();
        RowKey key = KeyOf(batch, action) ?? new RowKey([DocumentIds.TextOf(action.Id)]);
        return new DeadLetter(
            0, mapping.Definition.Name, mapping.Record.Generation, key.ToString(), key.Values, action.Operation.ToString().ToLowerInvariant(), action.Position,
                LetterStage.Write,
            failure.Code, failure.Message, null, 1, now, now, null, LetterState.Permanent);
    }

    /// <summary>The row that a document came of.</summary>
    private RowKey? KeyOf(LaneBatch batch, DocumentAction action)
    {
        DocumentId wanted = ActionMerger.KeyOf(action.Id);
        foreach (RowChange change in batch.Sources)
        {
            try
            {
                if (change.Position == action.Position && ActionMerger.KeyOf(mapping.Plan.Decide(change).Id) == wanted)
                {
                    return rereader.KeyOf(change);
                }
            }
            catch (RowException)
            {
                // Not this one: it has become a document.
            }
        }

        return null;
    }

    private void CountWritten(IReadOnlyList<DocumentAction> actions, int bad)
    {
        int upserted = 0, patched = 0, deleted = 0;
        foreach (DocumentAction action in actions)
        {
            switch (action.Operation)
            {
                case DocumentOperation.Upsert:
                    upserted++;
                    break;
                case DocumentOperation.Patch:
                    patched++;
                    break;
                default:
                    deleted++;
                    break;
            }
        }

        stats.Add(new MappingCounts(Math.Max(0, upserted - bad), patched, deleted, 0));
    }
}

internal static class DocumentIds
{
    public static string TextOf(in Value id) => id.Kind switch
    {
        ValueKind.UInt => id.AsUInt.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Int => id.AsInt.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Uuid => new Guid(id.AsBytes, bigEndian: true).ToString(),
        _ => id.AsString,
    };
}
