using Puff.Engine.Storage;

namespace Puff.Storage;

/// <summary>Reads of no bytes: what protocols cannot ask for (a range of length 0) or answer with an error (one that begins at or beyond the end).</summary>
internal static class EmptyRange
{
    /// <summary>
    /// Whether the object is there, and how long it is. Where it has meanwhile been replaced by a longer one, of which the range has bytes, these are read:
    /// content and ETag always belong together.
    /// </summary>
    public static async ValueTask<GetResult> GetAsync(
        IObjectStore store, string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        if (await store.HeadAsync(key, purpose, cancellation) is not { } info)
        {
            return new GetResult(GetStatus.Absent, null, null, 0);
        }

        if (info.ETag == options.IfNoneMatch)
        {
            return new GetResult(GetStatus.NotModified, null, info.ETag, info.Bytes);
        }

        return ObjectKeys.Clip(options, info.Bytes).Length == 0
            ? new GetResult(GetStatus.Found, NativeObjectMemory.Allocate(0), info.ETag, info.Bytes)
            : await store.GetAsync(key, options, purpose, cancellation);
    }
}
