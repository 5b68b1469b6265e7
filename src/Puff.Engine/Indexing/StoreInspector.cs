using System.Globalization;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Indexing;

/// <summary>Stored objects in words, for people who look inside a store. Shows ids, sizes and names, never values.</summary>
internal sealed class StoreInspector(EngineContext context)
{
    public async Task<InspectionReport> InspectManifestAsync(string name, CancellationToken cancellation)
    {
        var keys = context.KeysOf(name);
        var manifest = (await RequireAsync(keys, cancellation)).Manifest;
        return new InspectionReport(keys.Current,
            [
                new("epoch", manifest.Epoch.ToString("x16", CultureInfo.InvariantCulture)),
                new("version", Text(manifest.Version)),
                new("state", manifest.Deleted ? "deleted" : manifest.IndexedThrough > 0 || manifest.BornLive ? "live" : "nothing indexed yet"),
                new("created", Time(manifest.CreatedAtMs)),
                new("last write indexed", Time(manifest.LastWriteAtMs)),
                new("indexed through", Text(manifest.IndexedThrough)),
                new("parent", manifest.Parent ?? "-"),
                new("documents", Text(manifest.LiveDocuments)),
                new("id kind", manifest.Schema.IdKind?.ToString() ?? "-"),
                new("distance metric", manifest.Schema.Metric?.ToString() ?? "-"),
            ],
            [
                new("segments", ["segment", "documents", "deleted", "bytes", "deletes"],
                    manifest.Segments.Select(s => Row(s.KeyBase, Text(s.Documents), Text(s.Deleted), Text(s.TotalBytes), s.DeletesKey ?? "-")).ToArray()),
                AttributesOf(manifest.Schema),
                new("cluster trees", ["tree", "attribute", "nodes", "bytes", "objects", "trained on"], manifest.Trees.Select(TreeRow).ToArray()),
                new("retired objects", ["key", "since"], manifest.Retired.Select(r => Row(r.Key, SinceText(r.RetiredAtMs))).ToArray()),
                new("trim marks", ["through", "published"], manifest.Trims.Select(t => Row(Text(t.Through), SinceText(t.PublishedAtMs))).ToArray()),
                new("inherited log", ["namespace", "epoch", "from", "through"],
                    manifest.InheritedTails.Select(t =>
                        Row(t.Name, t.Epoch.ToString("x16", CultureInfo.InvariantCulture), Text(t.From), Text(t.Through))).ToArray()),
                new("tokens", ["token", "position", "payload bytes"],
                    manifest.Tokens.Select(t => Row(t.Name, t.Position, Text(t.Payload?.Length ?? 0))).ToArray()),
                new("pins held", ["key"], manifest.PinsHeld.Select(p => Row(p)).ToArray()),
                new("opening object", ["object", "bytes", "bytes in it", "runs"], await OpeningRowsAsync(keys, cancellation)),
            ]);
    }

    /// <summary>What the opening object has of which objects; none where there is no such object.</summary>
    private async Task<IReadOnlyList<string>[]> OpeningRowsAsync(NamespaceKeys keys, CancellationToken cancellation)
    {
        var got = await context.Store.GetAsync(keys.Opening, default, StorePurpose.User, cancellation);
        try
        {
            return got.Content is null ? []
                : OpeningFormat.ReadDirectory(got.Content.Span)
                    .Select(e => Row(e.Key, Text(e.Bytes), Text(e.Runs.Sum(r => r.Length)), Text(e.Runs.Count))).ToArray();
        }
        catch (Exception damage) when (damage is CorruptDataException or OverflowException)
        {
            return [Row($"damaged, and harmless: {damage.Message}", "-", "-", "-")];
        }
        finally
        {
            got.Content?.Release();
        }
    }

    /// <param name="name">The namespace.</param>
    /// <param name="sequence">One entry with its operations; null for a list of the entries present.</param>
    /// <param name="cancellation">Stops between objects.</param>
    public async Task<InspectionReport> InspectWalAsync(string name, long? sequence, CancellationToken cancellation)
    {
        var keys = context.KeysOf(name);
        var manifest = (await RequireAsync(keys, cancellation)).Manifest;
        var log = new WriteAheadLog(context.Store, keys, manifest.Epoch);
        return sequence is { } one ? await InspectEntryAsync(keys, log, one, cancellation) : await ListEntriesAsync(keys, log, manifest, cancellation);
    }

    public async Task<InspectionReport> InspectSegmentAsync(string name, string segment, CancellationToken cancellation)
    {
        var keys = context.KeysOf(name);
        var manifest = (await RequireAsync(keys, cancellation)).Manifest;
        var found = manifest.Segments.Where(s => s.KeyBase == segment || s.KeyBase.EndsWith("/" + segment, StringComparison.Ordinal)).ToArray();
        if (found.Length == 0)
        {
            throw PuffException.NotFound($"the manifest of \"{name}\" has no segment {segment}; `puff inspect manifest {name}` lists them");
        }

        var descriptor = found[0];
        var reader = await SegmentReader.OpenAsync(context.Store, descriptor, cancellation);
        try
        {
            return new InspectionReport(descriptor.KeyBase,
                [
                    new("documents", Text(descriptor.Documents)),
                    new("deleted", Text(descriptor.Deleted)),
                    new("logical bytes", Text(descriptor.LogicalBytes)),
                    new("first id", reader.Count > 0 ? reader.GetId(0).ToString() : "-"),
                    new("last id", reader.Count > 0 ? reader.GetId(reader.Count - 1).ToString() : "-"),
                ],
                [
                    new("parts", ["key", "bytes"], descriptor.Parts.Select(p => Row(descriptor.KeyOf(p.Name), Text(p.Bytes))).ToArray()),
                    new("columns", ["attribute", "type", "documents with a value"], ColumnsOf(reader, manifest.Schema)),
                    new("codes", ["attribute", "tree", "vectors", "groups", "aligned"], CodesOf(reader)),
                ]);
        }
        finally
        {
            reader.Release();
        }
    }

    private static IReadOnlyList<string>[] ColumnsOf(SegmentReader reader, NamespaceSchema schema) =>
        schema.Attributes.Where(a => a.Filterable)
            .Select(a => Row(a.Name, a.Type.ToString(), Text(reader.GetColumn(a)?.Present.PopCount() ?? 0))).ToArray();

    private static IReadOnlyList<string> TreeRow(TreeDescriptor tree) => Row(
        TreeText(tree.Id), Text(tree.Attribute), Text(tree.Nodes), Text(tree.Parts.Sum(p => p.Bytes)), Text(tree.Parts.Count), Text(tree.TrainedOn));

    private static IReadOnlyList<string>[] CodesOf(SegmentReader reader) =>
        reader.Descriptor.Trees.Select(t => reader.GetCodes(t.Attribute)).OfType<CodesReader>()
            .Select(c => Row(Text(c.Attribute), c.IsFlat ? "-" : TreeText(c.TreeId), Text(c.Slots), Text(c.Groups.Length), c.IsAligned ? "yes" : "no"))
            .ToArray();

    private static string TreeText(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);

    private async Task<InspectionReport> ListEntriesAsync(NamespaceKeys keys, WriteAheadLog log, Manifest manifest, CancellationToken cancellation)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (long sequence in await log.ListAsync(0, cancellation))
        {
            if (await log.ReadHeaderAsync(sequence, cancellation) is { } header)
            {
                rows.Add(Row(Text(sequence), Time(header.TimestampMs), Text(header.Operations), header.Flags.ToString(),
                    sequence <= manifest.IndexedThrough ? "indexed" : "tail"));
            }
        }

        return new InspectionReport(keys.WalEpochFolder(log.Epoch), [new("entries", Text(rows.Count))],
            [new("entries", ["sequence", "written", "operations", "changes", "state"], rows)]);
    }

    private static async Task<InspectionReport> InspectEntryAsync(NamespaceKeys keys, WriteAheadLog log, long sequence, CancellationToken cancellation)
    {
        var entry = await log.ReadAsync(sequence, cancellation) ?? throw PuffException.NotFound($"there is no WAL entry {keys.WalEntry(log.Epoch, sequence)}");
        try
        {
            var header = entry.Header;
            return new InspectionReport(entry.Key,
                [
                    new("written", Time(header.TimestampMs)),
                    new("bytes", Text(entry.Bytes)),
                    new("changes", header.Flags.ToString()),
                    new("writer", header.WriterId.ToString("x32", CultureInfo.InvariantCulture)),
                    new("batch", header.BatchId.ToString("x32", CultureInfo.InvariantCulture)),
                ],
                [
                    new("operations", ["kind", "id", "row bytes"], OperationsOf(entry)),
                    entry.ReadSchema() is { } schema ? AttributesOf(schema) : new("schema after this entry", [], []),
                ]);
        }
        finally
        {
            entry.Memory.Release();
        }
    }

    private static List<IReadOnlyList<string>> OperationsOf(WalEntry entry)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (var operation in OperationFormat.Enumerate(entry.Operations))
        {
            rows.Add(Row(operation.Kind.ToString(), operation.Id.ToString(), Text(operation.Row.Length)));
        }

        return rows;
    }

    private static InspectionTable AttributesOf(NamespaceSchema schema) => new("attributes", ["number", "name", "type", "filterable"],
        schema.Attributes.Select(a => Row(Text(a.Id), a.Name, a.Type.ToString(), a.Filterable ? "yes" : "no")).ToArray());

    private async Task<ManifestVersion> RequireAsync(NamespaceKeys keys, CancellationToken cancellation) =>
        await new ManifestStore(context, keys).ReadAsync(null, cancellation) ?? throw PuffException.NotFound(
            $"nothing is stored under namespace \"{keys.Name}\"");

    private static IReadOnlyList<string> Row(params string[] cells) => cells;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string SinceText(long milliseconds) => milliseconds == 0 ? "with this version" : Time(milliseconds);

    private static string Time(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
