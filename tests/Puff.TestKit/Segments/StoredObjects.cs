using Puff.Engine.Storage;

namespace Puff.TestKit.Segments;

/// <summary>Whole objects as arrays, to compare and to damage them.</summary>
internal static class StoredObjects
{
    public static async Task<byte[]> ReadAsync(IObjectStore store, string key)
    {
        var result = await store.GetAsync(key, default, StorePurpose.Segment, CancellationToken.None);
        var content = result.Content ?? throw new InvalidOperationException($"no object {key}");
        byte[] bytes = content.Span.ToArray();
        content.Release();
        return bytes;
    }

    public static async Task WriteAsync(IObjectStore store, string key, ReadOnlyMemory<byte> content) =>
        await store.PutAsync(key, content, PutCondition.None, StorePurpose.Segment, CancellationToken.None);
}
