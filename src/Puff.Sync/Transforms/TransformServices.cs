using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>What contexts offer in a runner: embedding by the mapping's `[embed]`, a cache of files, and logs.</summary>
internal sealed class TransformServices(string cacheFolder, Action<TransformLog> log) : ITransformServices
{
    private readonly ConcurrentDictionary<string, EmbeddingClient> embedders = new();
    private int files;

    /// <summary>Lets a mapping's code use `ctx.embed`.</summary>
    public void AddEmbedder(string mapping, EmbeddingClient client) => embedders[mapping] = client;

    public void Log(TransformLog entry) => log(entry);

    public async Task<IReadOnlyList<float[]>> EmbedAsync(
        string mapping, IReadOnlyList<string> texts, EmbedOptions options, CancellationToken cancellation)
    {
        if (!embedders.TryGetValue(mapping, out var client))
        {
            throw new TransformException("transform_error", $"mapping {mapping} has no [embed], so that ctx.embed has no endpoint and no model");
        }

        if ((options.Model ?? client.Model) != client.Model || (options.Dimensions ?? client.Dimensions) != client.Dimensions)
        {
            throw new TransformException("transform_error", $"ctx.embed uses the model of [embed], {client.Model}: a namespace never mixes models");
        }

        // Equal texts are asked for once here too.
        string[] distinct = [.. texts.Distinct(StringComparer.Ordinal)];
        var answers = await client.EmbedAsync(distinct, cancellation);
        var vectors = distinct.Zip(answers).ToDictionary(each => each.First, each => each.Second, StringComparer.Ordinal);
        return [.. texts.Select(text => vectors[text] is { Vector: { } vector }
            ? vector
            : throw new TransformException("transform_error", vectors[text].Failure ?? "no vector", isRetryable: true))];
    }

    public async Task<byte[]?> ReadCacheAsync(string mapping, string key, CancellationToken cancellation)
    {
        string path = PathOf(mapping, key);
        return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellation) : null;
    }

    public async Task WriteCacheAsync(string mapping, string key, byte[] value, CancellationToken cancellation)
    {
        string path = PathOf(mapping, key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string fresh = $"{path}.{Environment.ProcessId}.{Interlocked.Increment(ref files)}";
        await File.WriteAllBytesAsync(fresh, value, cancellation);
        File.Move(fresh, path, overwrite: true);
    }

    public Task<IReadOnlyList<JsonElement>> LookUpAsync(string mapping, string name, JsonElement keys, CancellationToken cancellation) =>
        throw new TransformException("transform_error", $"mapping {mapping} has no [[lookup]] named {name}");

    private string PathOf(string mapping, string key)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)));
        return Path.Combine(cacheFolder, "values", mapping, hash[..2], hash);
    }
}
