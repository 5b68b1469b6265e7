using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The opening object of a namespace as it was read: bytes of immutable objects by their keys. It may be older than the manifest: then it has less that is
/// of use, and never anything wrong, because everything is checked as if it came from the objects themselves.
/// </summary>
internal sealed class OpeningObject : IDisposable
{
    /// <summary>Read ahead of knowing how long the object is: so many requests at once, each for so many bytes. No opening object is longer.</summary>
    public const int Requests = 16;
    public const int RequestBytes = 1 << 20;

    private readonly NativeObjectMemory content;
    private readonly Dictionary<string, OpeningEntry> entries;

    private OpeningObject(NativeObjectMemory content)
    {
        this.content = content;
        entries = OpeningFormat.ReadDirectory(content.Span).ToDictionary(e => e.Key, StringComparer.Ordinal);
    }

    /// <summary>
    /// Null when there is none, or none that can be read: a namespace opens without, in more steps. The requests for what lies behind the object's end, and for
    /// what belongs to a version that was replaced meanwhile, come back empty-handed.
    /// </summary>
    public static async Task<OpeningObject?> ReadAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        var pieces = new Pieces();
        var reads = Enumerable.Range(0, Requests).Select(i => ReadPieceAsync(store, key, i, pieces, cancellation)).ToArray();
        try
        {
            long total = await reads[0];
            for (int i = 1; i < Requests && (long)i * RequestBytes < total; i++)
            {
                await reads[i];
            }

            return Open(pieces.Take());
        }
        finally
        {
            _ = DropAsync(reads, pieces);
        }
    }

    /// <summary>Hands over what this has of an object.</summary>
    public void Fill(string key, ObjectMemory memory)
    {
        if (entries.TryGetValue(key, out var entry) && entry.Bytes == memory.Length)
        {
            foreach (var run in entry.Runs)
            {
                if (run.Length <= int.MaxValue && run.Position <= content.Length - run.Length)
                {
                    memory.Provide(run.Offset, content.Slice(run.Position, (int)run.Length));
                }
            }
        }
    }

    /// <summary>A whole object, or null. Valid until this is disposed.</summary>
    public unsafe MemoryRegion? Find(string key) =>
        entries.TryGetValue(key, out var entry) && entry.Runs is [{ Offset: 0 } run] && run.Length == entry.Bytes && run.Position <= content.Length - run.Length
            ? new MemoryRegion(content.Pointer + run.Position, run.Length)
            : null;

    public void Dispose() => content.Release();

    private static OpeningObject? Open(NativeObjectMemory? content)
    {
        try
        {
            return content is null ? null : new OpeningObject(content);
        }
        catch (Exception error) when (error is CorruptDataException or OverflowException or ArgumentException)
        {
            content!.Release();
            return null;
        }
    }

    /// <summary>A failure means that there is nothing to be had: the objects themselves are there.</summary>
    /// <returns>Bytes of the whole object; 0 when there is none.</returns>
    private static async Task<long> ReadPieceAsync(IObjectStore store, string key, int number, Pieces pieces, CancellationToken cancellation)
    {
        try
        {
            var got = await store.GetAsync(key, new GetOptions((long)number * RequestBytes, RequestBytes), StorePurpose.Manifest, cancellation);
            pieces.Add(number, got);
            got.Content?.Release();
            return got.TotalBytes;
        }
        catch (PuffException)
        {
            return 0;
        }
    }

    /// <summary>Nobody waits for the rest.</summary>
    private static async Task DropAsync(Task<long>[] reads, Pieces pieces)
    {
        try
        {
            await Task.WhenAll(reads);
        }
        catch (OperationCanceledException)
        {
            // So is whoever asked.
        }

        pieces.Take()?.Release();
    }

    /// <summary>Puts pieces together while others are on their way: those of the version that the first to come belongs to.</summary>
    private sealed class Pieces
    {
        private readonly Lock gate = new();
        private readonly int[] lengths = new int[Requests];
        private NativeObjectMemory? content;
        private string? version;
        private bool isTaken;

        public void Add(int number, in GetResult got)
        {
            if (got.Content is not { Length: > 0 } piece)
            {
                return;
            }

            NativeObjectMemory target;
            lock (gate)
            {
                if (isTaken || (version is not null && version != got.ETag))
                {
                    return;
                }

                version = got.ETag;
                content ??= NativeObjectMemory.Allocate(Math.Min(got.TotalBytes, (long)Requests * RequestBytes));
                target = content;
                target.AddReference();
            }

            long at = (long)number * RequestBytes;
            if (piece.Length <= Math.Min(RequestBytes, target.Length - at))
            {
                piece.Span.CopyTo(target.WritableSpan[(int)at..]);
                Volatile.Write(ref lengths[number], (int)piece.Length);
            }

            target.Release();
        }

        /// <summary>What came, without what lies behind a piece that did not; null when the beginning did not, and the second time.</summary>
        public NativeObjectMemory? Take()
        {
            lock (gate)
            {
                var taken = isTaken ? null : content;
                isTaken = true;
                if (taken is null)
                {
                    return null;
                }

                long good = 0;
                for (int i = 0; i < Requests && Volatile.Read(ref lengths[i]) > 0 && good == (long)i * RequestBytes; i++)
                {
                    good += lengths[i];
                }

                if (good == taken.Length)
                {
                    return taken;
                }

                var beginning = good == 0 ? null : NativeObjectMemory.CopyOf(taken.Span[..(int)good]);
                taken.Release();
                return beginning;
            }
        }
    }
}
