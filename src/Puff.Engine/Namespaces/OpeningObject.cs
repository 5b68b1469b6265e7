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
        var pieces = Enumerable.Range(0, Requests).Select(i => ReadPieceAsync(store, key, i, cancellation)).ToArray();
        var parts = new List<GetResult>();
        try
        {
            var first = await pieces[0];
            int wanted = first.Content is null ? 1 : (int)Math.Min(Requests, (first.TotalBytes + RequestBytes - 1) / RequestBytes);
            parts.Add(first);
            for (int i = 1; i < wanted; i++)
            {
                parts.Add(await pieces[i]);
            }

            return first.Content is null ? null : Assemble(parts);
        }
        finally
        {
            parts.ForEach(p => p.Content?.Release());
            foreach (var piece in pieces.Skip(Math.Max(parts.Count, 1)))
            {
                _ = DropAsync(piece);
            }
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

    private static OpeningObject? Assemble(List<GetResult> parts)
    {
        // Another version's pieces: what came before them is good.
        var same = parts.TakeWhile(p => p.Content is not null && p.ETag == parts[0].ETag).ToList();
        var content = NativeObjectMemory.Allocate(same.Sum(p => p.Content!.Length));
        long at = 0;
        foreach (var part in same)
        {
            part.Content!.Span.CopyTo(content.WritableSpan[(int)at..]);
            at += part.Content.Length;
        }

        try
        {
            return new OpeningObject(content);
        }
        catch (Exception error) when (error is CorruptDataException or OverflowException or ArgumentException)
        {
            content.Release();
            return null;
        }
    }

    /// <summary>A failure means that there is nothing to be had: the objects themselves are there.</summary>
    private static async Task<GetResult> ReadPieceAsync(IObjectStore store, string key, int number, CancellationToken cancellation)
    {
        try
        {
            return await store.GetAsync(key, new GetOptions((long)number * RequestBytes, RequestBytes), StorePurpose.Manifest, cancellation);
        }
        catch (PuffException)
        {
            return new GetResult(GetStatus.Absent, null, null, 0);
        }
    }

    private static async Task DropAsync(Task<GetResult> piece)
    {
        try
        {
            (await piece).Content?.Release();
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for it.
        }
    }
}
