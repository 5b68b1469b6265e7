using System.Diagnostics;
using System.Globalization;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads;

/// <summary>A namespace in a folder: written through the front door, flushed by hand, merged into one segment by hand.</summary>
internal sealed class MergedStore : IAsyncDisposable
{
    private const int Batch = 2_500;
    private const int Segments = 8;

    private readonly DirectoryObjectStore store;
    private readonly EngineContext context;
    private readonly Engine.Namespaces.Namespace target;

    private MergedStore(DirectoryObjectStore store, string name)
    {
        this.store = store;
        context = new EngineContext(Settings, new EngineComponents { Store = store });
        target = new Engine.Namespaces.Namespace(context, name, new Silent());
    }

    /// <summary>0 to 999: neighbours in a segment differ, so that a filter on it leaves documents everywhere.</summary>
    public static Value GroupOf(int document) => Value.Int((int)(document * 7_919L % 1_000));

    private static EngineSettings Settings => new() { RunIndexer = false, MergeFanIn = Segments };

    /// <summary>Opens the folder; fills it first when it is empty, and prints how long writing, flushing and merging took.</summary>
    /// <param name="folder">Empty, or filled by an earlier run.</param>
    /// <param name="name">Of the namespace.</param>
    /// <param name="documents">How many.</param>
    /// <param name="schema">What inference could not know.</param>
    /// <param name="row">Document 0, 1, 2, …</param>
    public static async Task<MergedStore> OpenAsync(string folder, string name, int documents, SchemaUpdate schema, Func<int, DocumentRow> row)
    {
        var opened = new MergedStore(await DirectoryObjectStore.OpenAsync(folder, new DirectoryStoreOptions { Durable = false }), name);
        if (!Directory.EnumerateFileSystemEntries(folder, "current*", SearchOption.AllDirectories).Any())
        {
            await opened.FillAsync(documents, schema, row);
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

    private async Task FillAsync(int documents, SchemaUpdate schema, Func<int, DocumentRow> row)
    {
        var write = new Stopwatch();
        var flush = new Stopwatch();
        await using (var engine = await PuffEngine.OpenAsync(Settings, new EngineComponents { Store = store }))
        {
            int perSegment = (documents + Segments - 1) / Segments;
            for (int first = 0; first < documents; first += perSegment)
            {
                write.Start();
                await WriteAsync(engine, schema, row, first, Math.Min(first + perSegment, documents));
                write.Stop();
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
            $"build    {documents} documents generated and written in {write.Elapsed.TotalSeconds:F1} s, flushed in {flush.Elapsed.TotalSeconds:F1} s, "
            + $"merged in {merge.Elapsed.TotalSeconds:F1} s"));
    }

    private async Task WriteAsync(PuffEngine engine, SchemaUpdate schema, Func<int, DocumentRow> row, int first, int end)
    {
        for (int from = first; from < end; from += Batch)
        {
            var rows = new DocumentRow[Math.Min(Batch, end - from)];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = row(from + i);
            }

            await engine.WriteAsync(target.Name, new WriteRequest { Upserts = rows, Schema = schema, DisableBackpressure = true });
        }
    }

    private sealed class Silent : INamespaceObserver
    {
        public void TailGrew(Engine.Namespaces.Namespace changed)
        {
        }
    }
}
