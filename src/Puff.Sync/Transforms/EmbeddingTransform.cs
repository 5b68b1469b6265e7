using System.Globalization;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>
/// `[embed]`: adds a vector of some columns' text to the documents that a mapping's transform, or the mapping itself, makes of its rows. Asks once for texts
/// that are equal, and not at all for those whose vector is in the cache.
/// </summary>
/// <param name="inner">The mapping's own transform; null when the mapping has none.</param>
/// <param name="identity">What becomes of a row when there is no transform.</param>
internal sealed class EmbeddingTransform(
    EmbedDefinition embed, EmbeddingClient client, IEmbeddingCache cache, EmbeddingCounters counters, ITransform? inner,
    Func<TransformInput, TransformAction> identity) : ITransform
{
    /// <summary>Attribute with the first digits of the key of the embedded text.</summary>
    public const string KeyAttribute = "_sync_embed";

    private readonly EmbeddingTemplate template = new(embed);

    /// <summary>What the inner code declares, the mark, and the vector when its dimensions are given with it.</summary>
    public SchemaUpdate? Schema { get; } = new([
        .. inner?.Schema?.Attributes ?? [], new AttributeUpdate(KeyAttribute) { Type = "string", Filterable = false },
        .. VectorDeclaration(embed),
    ]);

    public async Task<IReadOnlyList<IReadOnlyList<TransformAction>>> RunAsync(
        IReadOnlyList<TransformInput> changes, int attempt, CancellationToken cancellation)
    {
        var actions = inner is null
            ? [.. changes.Select(change => (IReadOnlyList<TransformAction>)[identity(change)])]
            : await inner.RunAsync(changes, attempt, cancellation);
        var texts = new Dictionary<int, (EmbeddingKey Key, string Text)>();
        for (int i = 0; i < changes.Count; i++)
        {
            if (changes[i].Row.Exists && actions[i].Any(IsEmbedded))
            {
                string text = template.Fill(changes[i].Relation, changes[i].Row);
                texts[i] = (EmbeddingKey.Of(embed.Provider, embed.Model, embed.Dimensions, text), text);
            }
        }

        var vectors = await EmbedAsync(changes, texts, cancellation);
        return [.. actions.Select((given, i) => texts.TryGetValue(i, out var text) ? Complete(given, text.Key, vectors) : given)];
    }

    public ValueTask DisposeAsync() => inner?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static AttributeUpdate[] VectorDeclaration(EmbedDefinition embed) => embed.Dimensions is { } dimensions
        ? [new AttributeUpdate(embed.Attribute) { Type = string.Create(CultureInfo.InvariantCulture, $"[{dimensions}]f32"), Ann = true }]
        : [];

    /// <summary>Patches carry no vectors; a transform that made one itself keeps it.</summary>
    private bool IsEmbedded(TransformAction action) =>
        action.Verb == TransformVerb.Upsert && !action.Attributes!.Any(attribute => attribute.Key == embed.Attribute);

    private async Task<Dictionary<EmbeddingKey, (float[]? Vector, string? Failure)>> EmbedAsync(
        IReadOnlyList<TransformInput> changes, Dictionary<int, (EmbeddingKey Key, string Text)> texts, CancellationToken cancellation)
    {
        var results = new Dictionary<EmbeddingKey, (float[]? Vector, string? Failure)>();
        var full = texts.Where(each => each.Value.Text.Length > 0).ToList();
        if (full.Count == 0)
        {
            counters.AddSkipped(texts.Count);
            return results;
        }

        var cached = await cache.FindAsync([.. full.Select(each => (changes[each.Key].Id, each.Value.Key))], cancellation);
        var missing = new Dictionary<EmbeddingKey, string>();
        foreach (var (_, (key, text)) in full)
        {
            if (cached.TryGetValue(key, out float[]? vector))
            {
                results[key] = (vector, null);
            }
            else
            {
                missing[key] = text;
            }
        }

        long hits = full.LongCount(each => cached.ContainsKey(each.Value.Key));
        counters.AddCacheHits(hits);
        counters.AddSkipped(texts.Count - hits - missing.Count);
        if (missing.Count > 0)
        {
            await AskAsync(missing, results, cancellation);
        }

        return results;
    }

    private async Task AskAsync(
        Dictionary<EmbeddingKey, string> missing, Dictionary<EmbeddingKey, (float[]? Vector, string? Failure)> results, CancellationToken cancellation)
    {
        var answers = await client.EmbedAsync([.. missing.Values], cancellation);
        var fresh = new Dictionary<EmbeddingKey, float[]>();
        foreach (var (key, answer) in missing.Keys.Zip(answers))
        {
            results[key] = answer;
            if (answer.Vector is { } vector)
            {
                fresh[key] = vector;
            }
        }

        await cache.StoreAsync(fresh, cancellation);
    }

    /// <summary>A row without text, or one whose text is refused under `on_error = "null"`, gets a document without vector.</summary>
    private IReadOnlyList<TransformAction> Complete(
        IReadOnlyList<TransformAction> actions, EmbeddingKey key, Dictionary<EmbeddingKey, (float[]? Vector, string? Failure)> vectors)
    {
        vectors.TryGetValue(key, out var result);
        if (result.Failure is { } failure && embed.OnError != "null")
        {
            return [new TransformAction(TransformVerb.Fail, Message: failure, IsRetryable: true, Code: "embed_failed")];
        }

        var vector = result.Vector is { } numbers ? Value.Vector(numbers) : Value.Null;
        return [.. actions.Select(action => IsEmbedded(action) ? WithVector(action, vector, key) : action)];
    }

    private TransformAction WithVector(TransformAction action, Value vector, EmbeddingKey key) => action with
    {
        Attributes = vector.IsNull
            ? action.Attributes
            : [.. action.Attributes!, KeyValuePair.Create(embed.Attribute, vector), KeyValuePair.Create(KeyAttribute, Value.String(key.Short))],
    };
}
