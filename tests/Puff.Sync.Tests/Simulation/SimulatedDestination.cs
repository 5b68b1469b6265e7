using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.TestKit.Simulation;

namespace Puff.Sync.Tests.Simulation;

/// <summary>What outlives the processes: namespaces with documents and tokens.</summary>
internal sealed class SimulatedNamespaces
{
    public Dictionary<string, Dictionary<DocumentId, Dictionary<string, Value>>> Documents { get; } = [];

    public Dictionary<(string Namespace, string Token), WriteToken> Tokens { get; } = [];

    public int Writes { get; set; }
}

/// <summary>
/// A destination as one process reaches it: slow, refusing for a while, losing answers; with tokens also delivering a write after its sender has given up.
/// </summary>
internal sealed class SimulatedDestination(SimulatedNamespaces store, SimulatedWorld world, TimeProvider time, bool hasTokens, Func<bool> isFaulty)
    : IDestination
{
    public bool HasTokens => hasTokens;

    public async Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation)
    {
        await PauseAsync(cancellation);
        Refuse(10);
        return new NamespaceState(
            store.Documents.ContainsKey(name), store.Tokens.GetValueOrDefault((name, token)), store.Documents.GetValueOrDefault(name)?.Count ?? 0);
    }

    public async Task WriteAsync(DestinationBatch batch, CancellationToken cancellation)
    {
        await PauseAsync(cancellation);
        Refuse(8);
        if (isFaulty() && hasTokens && world.Random.Next(20) == 0)
        {
            // The sender is told of a failure; the write arrives later, if at all.
            world.After(TimeSpan.FromMilliseconds(world.Random.Next(2_000)), null, () => TryApply(batch));
            throw new DestinationException(DestinationFailure.Temporary, "destination_down", "the connection was lost");
        }

        if (!TryApply(batch))
        {
            throw new DestinationException(DestinationFailure.Fenced, "fenced", "another token is there");
        }

        await PauseAsync(cancellation);
        if (isFaulty() && world.Random.Next(10) == 0)
        {
            throw new DestinationException(DestinationFailure.Temporary, "destination_down", "the answer was lost");
        }
    }

    public Task<IReadOnlyList<DocumentRow>> FetchAsync(
        string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task DropAsync(string name, CancellationToken cancellation) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;

    private bool TryApply(DestinationBatch batch)
    {
        if (batch.Token is { } token)
        {
            if (store.Tokens.GetValueOrDefault((batch.Namespace, token.Name)) != batch.Expected)
            {
                return false;
            }

            if (batch.Expected is { } before && string.CompareOrdinal(before.Position, token.Position) > 0)
            {
                throw new InvalidOperationException($"the position went back from {before.Position} to {token.Position}");
            }

            store.Tokens[(batch.Namespace, token.Name)] = token;
        }

        store.Writes++;
        if (!store.Documents.TryGetValue(batch.Namespace, out var documents))
        {
            store.Documents.Add(batch.Namespace, documents = []);
        }

        if (batch.DeleteByFilter is not null)
        {
            documents.Clear();
        }

        var seen = new HashSet<DocumentId>();
        foreach (DocumentRow row in batch.Upserts.Concat(batch.Patches))
        {
            DocumentId id = ActionMerger.KeyOf(row.Id);
            if (!seen.Add(id))
            {
                throw new InvalidOperationException("an id stands twice in a batch");
            }
        }

        foreach (DocumentRow row in batch.Upserts)
        {
            documents[ActionMerger.KeyOf(row.Id)] = row.Attributes.ToDictionary(a => a.Key, a => a.Value);
        }

        foreach (DocumentRow row in batch.Patches)
        {
            if (documents.TryGetValue(ActionMerger.KeyOf(row.Id), out var document))
            {
                foreach ((string name, Value value) in row.Attributes)
                {
                    document[name] = value;
                }
            }
        }

        foreach (Value id in batch.Deletes)
        {
            documents.Remove(ActionMerger.KeyOf(id));
        }

        return true;
    }

    private void Refuse(int oneIn)
    {
        if (isFaulty() && world.Random.Next(oneIn) == 0)
        {
            throw new DestinationException(
                DestinationFailure.Temporary, "destination_down", "503", world.Random.Next(3) == 0 ? TimeSpan.FromMilliseconds(world.Random.Next(500)) : null);
        }
    }

    private Task PauseAsync(CancellationToken cancellation) =>
        Task.Delay(TimeSpan.FromMilliseconds(world.Random.NextDouble() * 20), time, cancellation);
}
