using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>Deletion bitmaps as objects. Each version has a key of its own, so an object is written once and never changes.</summary>
internal static class DeletesObject
{
    public static async ValueTask WriteAsync(IObjectStore store, string key, BitSet deleted, CancellationToken cancellation) =>
        await store.PutAsync(key, DeletesFormat.Write(deleted), PutCondition.None, StorePurpose.Segment, cancellation);

    /// <exception cref="PuffException">Corrupt when the object is absent or damaged, or is about another number of documents.</exception>
    /// <param name="known">The object's bytes, if somebody has them.</param>
    public static async ValueTask<BitSet> ReadAsync(
        IObjectStore store, string key, int documents, CancellationToken cancellation, MemoryRegion? known = null)
    {
        if (known is { } content && TryParse(content.AsSpan(), documents) is { } parsed)
        {
            return parsed;
        }

        var result = await store.GetAsync(key, default, StorePurpose.Segment, cancellation);
        if (result.Content == null)
        {
            throw MappedPart.Missing(key);
        }

        try
        {
            var deleted = DeletesFormat.Read(result.Content.Span);
            return deleted.Count == documents
                ? deleted
                : throw new CorruptDataException($"it is about {deleted.Count} documents instead of {documents}");
        }
        catch (CorruptDataException damage)
        {
            throw MappedPart.Damaged(key, damage);
        }
        finally
        {
            result.Content.Release();
        }
    }

    /// <summary>Null for bytes that are not right: the object itself will be read.</summary>
    private static BitSet? TryParse(ReadOnlySpan<byte> content, int documents)
    {
        try
        {
            return DeletesFormat.Read(content) is var deleted && deleted.Count == documents ? deleted : null;
        }
        catch (CorruptDataException)
        {
            return null;
        }
    }
}
