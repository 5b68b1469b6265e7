using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>The engine in this process: no network between a change and its being searchable, and the position stored with the documents.</summary>
/// <param name="engine">Where the namespaces are.</param>
/// <param name="dispose">What goes with it when the destination is disposed; null when others use the engine too.</param>
internal sealed class EngineDestination(PuffEngine engine, Func<ValueTask>? dispose = null) : IDestination
{
    public bool HasTokens => true;

    public Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation) => Translated(async () =>
    {
        var tokens = await engine.GetTokensAsync(name, cancellation);
        var stored = tokens.FirstOrDefault(t => t.Name == token);
        try
        {
            var info = await engine.GetInfoAsync(name, cancellation);
            return new NamespaceState(true, stored is null ? null : new WriteToken(stored.Name, stored.Position, stored.Payload), info.ApproxRowCount);
        }
        catch (PuffException missing) when (missing.Kind == ErrorKind.NotFound)
        {
            return new NamespaceState(false, null, 0);
        }
    });

    public async Task WriteAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        try
        {
            if (batch.DeleteByFilter is { } filter)
            {
                await ClearAsync(batch, filter, cancellation);
            }

            if (BatchContent.IsEmpty(batch) && batch.Token is null)
            {
                return;
            }

            await engine.WriteAsync(batch.Namespace, RequestOf(batch), cancellation);
        }
        catch (PuffException failure) when (failure.Kind == ErrorKind.NotFound && batch.Upserts.Count == 0)
        {
            // What is to be deleted or patched is not there.
        }
        catch (PuffException failure) when (failure.Kind == ErrorKind.Conflict && batch.Token is not null)
        {
            throw new DestinationException(
                DestinationFailure.Fenced, "fenced", $"another runner has written to namespace {batch.Namespace} since", null, failure);
        }
        catch (PuffException failure) when (failure.Kind is ErrorKind.Invalid or ErrorKind.Malformed)
        {
            throw Refused(batch, failure, await IsSchemaRefusedAsync(batch, cancellation));
        }
        catch (PuffException failure)
        {
            throw Translate(failure);
        }
    }

    public Task<IReadOnlyList<DocumentRow>> FetchAsync(
        string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation) => ids.Count == 0
            ? Task.FromResult<IReadOnlyList<DocumentRow>>([])
            : QueryAsync(name, ByIds.Filter(ids), ids.Count, attributes, cancellation);

    public Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation) =>
        QueryAsync(name, ByIds.After(after, filter), limit, attributes, cancellation);

    public string? GetAwaitedPosition(string name) => engine.GetAwaitedPosition(name);

    public async Task DropAsync(string name, CancellationToken cancellation)
    {
        try
        {
            await engine.DeleteAsync(name, cancellation);
        }
        catch (PuffException missing) when (missing.Kind == ErrorKind.NotFound)
        {
            // That is what was wanted.
        }
        catch (PuffException failure)
        {
            throw Translate(failure);
        }
    }

    public ValueTask DisposeAsync() => dispose?.Invoke() ?? ValueTask.CompletedTask;

    private static WriteRequest RequestOf(DestinationBatch batch) => new()
    {
        Upserts = batch.Upserts.Count > 0 ? batch.Upserts : null,
        Patches = batch.Patches.Count > 0 ? batch.Patches : null,
        Deletes = batch.Deletes.Count > 0 ? batch.Deletes : null,
        UpsertCondition = batch.Upserts.Count > 0 ? batch.UpsertCondition : null,
        PatchCondition = batch.Patches.Count > 0 ? batch.PatchCondition : null,
        DeleteCondition = batch.Deletes.Count > 0 ? batch.DeleteCondition : null,
        Schema = batch.Schema,
        DistanceMetric = batch.Metric,
        Token = batch.Token is { } token ? new NamespaceToken(token.Name, token.Position, token.Payload) : null,
        ExpectedToken = batch.Expected is { } expected ? new NamespaceToken(expected.Name, expected.Position, expected.Payload) : null,
    };

    /// <summary>
    /// Removes what the filter matches, in as many steps as it takes; repeating them after a crash removes the rest. The token comes after the last. A runner
    /// that another has replaced must not even begin.
    /// </summary>
    private async Task ClearAsync(DestinationBatch batch, Filter filter, CancellationToken cancellation)
    {
        if (batch.Token is { } token)
        {
            var stored = (await engine.GetTokensAsync(batch.Namespace, cancellation)).FirstOrDefault(t => t.Name == token.Name);
            if (stored is { } found && new WriteToken(found.Name, found.Position, found.Payload) is var held && held != batch.Expected)
            {
                if (held == token)
                {
                    return;
                }

                throw PuffException.Conflict($"namespace \"{batch.Namespace}\" holds position {found.Position}");
            }
        }

        bool remain = true;
        while (remain)
        {
            try
            {
                var step = new WriteRequest { DeleteByFilter = filter, DeleteByFilterAllowPartial = true };
                remain = (await engine.WriteAsync(batch.Namespace, step, cancellation)).RowsRemaining;
            }
            catch (PuffException missing) when (missing.Kind == ErrorKind.NotFound)
            {
                return;
            }
        }
    }

    /// <summary>Whether the declarations alone are refused: then no row is to blame.</summary>
    private async Task<bool> IsSchemaRefusedAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        if (batch.Schema is null && batch.Metric is null)
        {
            return false;
        }

        try
        {
            await engine.WriteAsync(batch.Namespace, new WriteRequest { Schema = batch.Schema, DistanceMetric = batch.Metric }, cancellation);
            return false;
        }
        catch (PuffException failure)
        {
            return failure.Kind is ErrorKind.Invalid or ErrorKind.Malformed;
        }
    }

    private static DestinationException Refused(DestinationBatch batch, PuffException failure, bool isSchema)
    {
        bool isMapping = isSchema || failure.Message.Contains("read-only", StringComparison.Ordinal);
        return isMapping
            ? new DestinationException(DestinationFailure.Mapping, "destination_conflict", $"namespace {batch.Namespace}: {failure.Message}", null, failure)
            : new DestinationException(DestinationFailure.Row, "destination_refused", failure.Message, null, failure);
    }

    private static DestinationException Translate(PuffException failure) => failure.Kind switch
    {
        ErrorKind.Limited or ErrorKind.Unavailable =>
            new DestinationException(DestinationFailure.Temporary, "destination_down", failure.Message, null, failure),
        ErrorKind.Unauthenticated or ErrorKind.Forbidden =>
            new DestinationException(DestinationFailure.Mapping, "destination_unauthorized", failure.Message, null, failure),
        _ => new DestinationException(DestinationFailure.Mapping, "destination_failed", failure.Message, null, failure),
    };

    private static async Task<T> Translated<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PuffException failure)
        {
            throw Translate(failure);
        }
    }

    private Task<IReadOnlyList<DocumentRow>> QueryAsync(
        string name, Filter? filter, int limit, IReadOnlyList<string>? attributes, CancellationToken cancellation) => Translated(async () =>
    {
        try
        {
            var schema = (await engine.GetInfoAsync(name, cancellation)).Schema;
            var known = attributes?.Where(a => schema.Attributes.Any(d => d.Name == a)).ToArray();
            var request = new QueryRequest
            {
                RankBy = new OrderRank([new OrderKey("id", false)]), Limit = limit, Filters = filter,
                Select = known is null ? new AttributeSelection(true, null, null)
                    : known.Length == 0 ? AttributeSelection.None : new AttributeSelection(false, known, null),
            };
            var result = await engine.QueryAsync(name, request, Consistency.Strong, cancellation);
            return (IReadOnlyList<DocumentRow>)[.. result.Rows!.Select(r => new DocumentRow(r.Id.ToValue(), r.Attributes))];
        }
        catch (PuffException missing) when (missing.Kind == ErrorKind.NotFound)
        {
            return [];
        }
    });
}
