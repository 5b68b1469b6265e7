using System.Runtime.InteropServices;
using Puff.Engine.Schema;

namespace Puff.Sync.Transforms;

/// <summary>Vectors that were paid for once.</summary>
internal interface IEmbeddingCache
{
    /// <summary>Those of the wanted vectors that are there.</summary>
    /// <param name="wanted">Documents and the keys of their texts.</param>
    Task<IReadOnlyDictionary<EmbeddingKey, float[]>> FindAsync(IReadOnlyList<(Value Id, EmbeddingKey Key)> wanted, CancellationToken cancellation);

    Task StoreAsync(IReadOnlyDictionary<EmbeddingKey, float[]> vectors, CancellationToken cancellation);
}

/// <summary>`cache = "off"`.</summary>
internal sealed class NoEmbeddingCache : IEmbeddingCache
{
    public Task<IReadOnlyDictionary<EmbeddingKey, float[]>> FindAsync(
        IReadOnlyList<(Value Id, EmbeddingKey Key)> wanted, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<EmbeddingKey, float[]>>(new Dictionary<EmbeddingKey, float[]>());

    public Task StoreAsync(IReadOnlyDictionary<EmbeddingKey, float[]> vectors, CancellationToken cancellation) => Task.CompletedTask;
}

/// <summary>
/// `cache = "destination"`: the documents themselves. One question per batch fetches the mark and the vector of the documents at hand; where the mark is that
/// of the text, the vector is still right. Replays and new snapshots cost nothing then.
/// </summary>
/// <param name="attribute">The vector's.</param>
/// <param name="fetch">Documents of these ids with these attributes, from the mapping's namespace.</param>
internal sealed class DestinationEmbeddingCache(string attribute, DocumentFetch fetch) : IEmbeddingCache
{
    public async Task<IReadOnlyDictionary<EmbeddingKey, float[]>> FindAsync(
        IReadOnlyList<(Value Id, EmbeddingKey Key)> wanted, CancellationToken cancellation)
    {
        var keys = new Dictionary<string, EmbeddingKey>();
        foreach (var (_, key) in wanted)
        {
            keys[key.Short] = key;
        }

        var found = new Dictionary<EmbeddingKey, float[]>();
        foreach (var row in await fetch([.. wanted.Select(each => each.Id)], [EmbeddingTransform.KeyAttribute, attribute], cancellation))
        {
            var mark = row.Attributes.FirstOrDefault(each => each.Key == EmbeddingTransform.KeyAttribute).Value;
            var vector = row.Attributes.FirstOrDefault(each => each.Key == attribute).Value;
            if (mark.Kind == ValueKind.String && keys.TryGetValue(mark.AsString, out var key) && Numbers(vector) is { } numbers)
            {
                found[key] = numbers;
            }
        }

        return found;
    }

    /// <summary>The write of the document does it.</summary>
    public Task StoreAsync(IReadOnlyDictionary<EmbeddingKey, float[]> vectors, CancellationToken cancellation) => Task.CompletedTask;

    private static float[]? Numbers(in Value vector) => vector.Kind switch
    {
        ValueKind.VectorF32 => vector.AsVectorF32,
        ValueKind.VectorF16 => [.. vector.AsVectorF16.Select(number => (float)number)],
        ValueKind.IntArray => [.. vector.AsInts.Select(number => (float)number)],
        ValueKind.FloatArray => [.. vector.AsFloats.Select(number => (float)number)],
        _ => null,
    };
}

/// <summary>`cache = "directory"`: a file for each vector, 32-bit floats.</summary>
internal sealed class DirectoryEmbeddingCache(string folder) : IEmbeddingCache
{
    private int files;

    public async Task<IReadOnlyDictionary<EmbeddingKey, float[]>> FindAsync(
        IReadOnlyList<(Value Id, EmbeddingKey Key)> wanted, CancellationToken cancellation)
    {
        var found = new Dictionary<EmbeddingKey, float[]>();
        foreach (var key in wanted.Select(each => each.Key).Distinct())
        {
            string path = PathOf(key);
            if (File.Exists(path))
            {
                byte[] bytes = await File.ReadAllBytesAsync(path, cancellation);
                if (bytes.Length > 0 && bytes.Length % sizeof(float) == 0)
                {
                    found[key] = MemoryMarshal.Cast<byte, float>(bytes).ToArray();
                }
            }
        }

        return found;
    }

    public async Task StoreAsync(IReadOnlyDictionary<EmbeddingKey, float[]> vectors, CancellationToken cancellation)
    {
        foreach (var (key, vector) in vectors)
        {
            string path = PathOf(key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            string fresh = $"{path}.{Environment.ProcessId}.{Interlocked.Increment(ref files)}";
            await File.WriteAllBytesAsync(fresh, MemoryMarshal.AsBytes<float>(vector).ToArray(), cancellation);
            File.Move(fresh, path, overwrite: true);
        }
    }

    private string PathOf(EmbeddingKey key) => Path.Combine(folder, key.Hex[..2], key.Hex);
}
