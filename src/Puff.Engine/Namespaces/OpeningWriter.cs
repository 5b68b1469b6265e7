using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Writes the opening object of a namespace: of every object a manifest names, those blocks that opening and the first steps of queries read, as far as there
/// is room. Nothing depends on it.
/// </summary>
internal sealed class OpeningWriter(IObjectStore store)
{
    private const long MostBytes = (long)OpeningObject.Requests * OpeningObject.RequestBytes;

    /// <summary>Room for the directory.</summary>
    private const long DirectoryBytes = 256 << 10;

    private readonly List<(ObjectMemory Memory, OpeningEntry Entry)> chosen = [];
    private readonly Dictionary<string, SortedSet<long>> blocks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ObjectMemory> open = new(StringComparer.Ordinal);
    private long left = MostBytes - DirectoryBytes;

    /// <returns>Bytes of the object.</returns>
    public async Task<long> WriteAsync(NamespaceKeys keys, Manifest manifest, CancellationToken cancellation)
    {
        try
        {
            await ChooseAsync(manifest, cancellation);
            using var content = Encode();
            using var whole = new RegionMemory(content.Written);
            await store.PutAsync(keys.Opening, whole.Memory, PutCondition.None, StorePurpose.Manifest, cancellation);
            return content.Length;
        }
        finally
        {
            foreach (var memory in open.Values)
            {
                memory.ReleaseOwner();
            }
        }
    }

    private async Task ChooseAsync(Manifest manifest, CancellationToken cancellation)
    {
        bool isSmall = manifest.Segments.Sum(s => (double)s.TotalBytes) + manifest.Trees.Sum(t => t.Parts.Sum(p => (double)p.Bytes)) < OpeningReads.SmallBytes;
        foreach (string key in manifest.Segments.Select(s => s.DeletesKey).OfType<string>())
        {
            await AddDeletesAsync(key, cancellation);
        }

        foreach (var part in manifest.Trees.SelectMany(t => t.Parts))
        {
            Add(await OpenAsync(part.Key, part.Bytes, cancellation), part.Key, 0, part.Bytes);
        }

        var parts = new List<(string Key, ObjectMemory Memory, PartReader Reader)>();
        foreach (var segment in manifest.Segments)
        {
            foreach (var part in segment.Parts)
            {
                string key = segment.KeyOf(part.Name);
                var memory = await OpenAsync(key, part.Bytes, cancellation);
                long footer = isSmall ? part.Bytes : PartFormat.LikelyFooterBytes(part.Bytes);
                Add(memory, key, part.Bytes - footer, footer);
                parts.Add((key, memory, ReaderOf(memory)));
            }
        }

        foreach (var (key, memory, reader) in parts)
        {
            foreach (var entry in OpeningSections.Of(reader))
            {
                Add(memory, key, entry.Offset, entry.Length);
            }
        }
    }

    private static unsafe PartReader ReaderOf(ObjectMemory memory) =>
        new(new MemoryRegion(memory.Pointer, memory.Length), null, blocks: memory.IsDemandLoaded ? new MemoryBlocks(memory) : null);

    private async Task<ObjectMemory> OpenAsync(string key, long bytes, CancellationToken cancellation)
    {
        var memory = await store.MapAsync(key, bytes, StorePurpose.Segment, cancellation) ?? throw MappedPart.Missing(key);
        open.Add(key, memory);
        return memory;
    }

    private async Task AddDeletesAsync(string key, CancellationToken cancellation)
    {
        var got = await store.GetAsync(key, default, StorePurpose.Segment, cancellation);
        if (got.Content is { } content)
        {
            open.Add(key, content);
            Add(content, key, 0, content.Length);
        }
    }

    /// <summary>Adds the blocks that a range lies in, unless they do not all fit.</summary>
    private void Add(ObjectMemory memory, string key, long offset, long length)
    {
        if (!blocks.TryGetValue(key, out var known))
        {
            blocks.Add(key, known = []);
        }

        var wanted = new List<long>();
        for (long block = offset >> PartFormat.BlockShift; length > 0 && block << PartFormat.BlockShift < offset + length; block++)
        {
            if (!known.Contains(block))
            {
                wanted.Add(block);
            }
        }

        long bytes = wanted.Sum(b => BytesOf(memory, b));
        if (bytes <= left)
        {
            left -= bytes;
            known.UnionWith(wanted);
        }
    }

    private static long BytesOf(ObjectMemory memory, long block) => Math.Min(PartFormat.BlockBytes, memory.Length - (block << PartFormat.BlockShift));

    private ByteWriter Encode()
    {
        foreach (var (key, known) in blocks.Where(b => b.Value.Count > 0))
        {
            var memory = open[key];
            var runs = new List<OpeningRun>();
            foreach (long block in known)
            {
                long offset = block << PartFormat.BlockShift;
                bool follows = runs.Count > 0 && runs[^1].Offset + runs[^1].Length == offset;
                var last = follows ? runs[^1] : new OpeningRun(offset, 0, 0);
                last = last with { Length = last.Length + BytesOf(memory, block) };
                if (follows)
                {
                    runs[^1] = last;
                }
                else
                {
                    runs.Add(last);
                }
            }

            chosen.Add((memory, new OpeningEntry(key, memory.Length, runs)));
        }

        var writer = new ByteWriter(MostBytes);
        OpeningFormat.WriteDirectory(writer, [.. chosen.Select(c => c.Entry)]);
        foreach (var (memory, entry) in chosen)
        {
            foreach (var run in entry.Runs)
            {
                memory.Require(run.Offset, run.Length);
                writer.Bytes(memory.Slice(run.Offset, (int)run.Length));
            }
        }

        return writer;
    }
}
