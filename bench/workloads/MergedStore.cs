using System.Diagnostics;
using System.Globalization;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Vectors;

namespace Puff.Workloads;

/// <summary>A namespace in a folder: written through the front door, flushed by hand, merged into one segment by hand.</summary>
internal sealed class MergedStore : IAsyncDisposable
{
    private const int Batch = 2_500;
    private const int Segments = 8;

    private readonly DirectoryObjectStore store;
    private readonly EngineSettings settings;
    private readonly EngineContext context;
    private readonly Engine.Namespaces.Namespace target;

    private MergedStore(DirectoryObjectStore store, string name, VectorIndexSettings? vectors)
    {
        this.store = store;
        settings = new EngineSettings { RunIndexer = false, MergeFanIn = Segments, VectorIndex = vectors ?? VectorIndexSettings.Default };
        context = new EngineContext(settings, new EngineComponents { Store = store });
        target = new Engine.Namespaces.Namespace(context, name, new Silent());
    }

    /// <summary>0 to 999: neighbours in a segment differ, so that a filter on it leaves documents everywhere.</summary>
    public static Value GroupOf(int document) => Value.Int((int)(document * 7_919L % 1_000));

    /// <summary>Opens the folder; fills it first when it is empty, and prints how long writing, flushing and merging took.</summary>
    /// <param name="folder">Empty, or filled by an earlier run.</param>
    /// <param name="name">Of the namespace.</param>
    /// <param name="documents">How many.</param>
    /// <param name="schema">What inference could not know.</param>
    /// <param name="row">Document 0, 1, 2, …</param>
    /// <param name="metric">Of vectors; null for documents without.</param>
    /// <param name="vectors">How vectors are indexed; null for as always.</param>
    public static async Task<MergedStore> OpenAsync(
        string folder, string name, int documents, SchemaUpdate schema, Func<int, DocumentRow> row, DistanceMetric? metric = null,
        VectorIndexSettings? vectors = null)
    {
        var opened = new MergedStore(await DirectoryObjectStore.OpenAsync(folder, new DirectoryStoreOptions { Durable = false }), name, vectors);
        if (!Directory.EnumerateFileSystemEntries(folder, "current*", SearchOption.AllDirectories).Any())
        {
            await opened.FillAsync(documents, new WriteRequest { Schema = schema, DistanceMetric = metric, DisableBackpressure = true }, row);
        }

        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        target.Close();
        await store.DisposeAsync();
    }

    /// <summary>What is there now.</summary>
    public Task<NamespaceSnapshot> ReadAsync() => target.ReadAsync(isStrong: true, CancellationToken.None);

    private async Task FillAsync(int documents, WriteRequest write, Func<int, DocumentRow> row)
    {
        var writing = new Stopwatch();
        var flush = new Stopwatch();
        await using (var engine = await PuffEngine.OpenAsync(settings, new EngineComponents { Store = store }))
        {
            int perSegment = (documents + Segments - 1) / Segments;
            for (int first = 0; first < documents; first += perSegment)
            {
                writing.Start();
                await WriteAsync(engine, write, row, first, Math.Min(first + perSegment, documents));
                writing.Stop();
                flush.Start();
                await target.FreshenAsync();
                await new Flusher(context).FlushAsync(target, CancellationToken.None);
                flush.Stop();
            }
        }

        var merge = Stopwatch.StartNew();
        while (await new Merger(context).MergeAsync(target, isIdle: false, CancellationToken.None))
        {
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"build    {documents} documents generated and written in {writing.Elapsed.TotalSeconds:F1} s, flushed in {flush.Elapsed.TotalSeconds:F1} s, "
            + $"merged in {merge.Elapsed.TotalSeconds:F1} s"));
    }

    private async Task WriteAsync(PuffEngine engine, WriteRequest write, Func<int, DocumentRow> row, int first, int end)
    {
        for (int from = first; from < end; from += Batch)
        {
            var rows = new DocumentRow[Math.Min(Batch, end - from)];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = row(from + i);
            }

            await engine.WriteAsync(target.Name, write with { Upserts = rows });
        }
    }

    private sealed class Silent : INamespaceObserver
    {
        public void TailGrew(Engine.Namespaces.Namespace changed)
        {
        }
    }
}
