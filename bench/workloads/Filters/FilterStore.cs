using System.Diagnostics;
using System.Globalization;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Workloads.Filters;

/// <summary>A namespace of attributes in a folder: written through the front door, flushed by hand, merged into one segment by hand.</summary>
internal sealed class FilterStore : IAsyncDisposable
{
    private const string Namespace = "filters";
    private const int Batch = 5_000;
    private const int Segments = 8;

    private readonly DirectoryObjectStore store;
    private readonly EngineContext context;
    private readonly Engine.Namespaces.Namespace target;

    private FilterStore(DirectoryObjectStore store)
    {
        this.store = store;
        context = new EngineContext(Settings, new EngineComponents { Store = store });
        target = new Engine.Namespaces.Namespace(context, Namespace, new Silent());
    }

    private static EngineSettings Settings => new() { RunIndexer = false, MergeFanIn = Segments };

    public static async Task<FilterStore> OpenAsync(string folder) =>
        new(await DirectoryObjectStore.OpenAsync(folder, new DirectoryStoreOptions { Durable = false }));

    public async ValueTask DisposeAsync()
    {
        target.Close();
        await store.DisposeAsync();
    }

    /// <summary>What is there now.</summary>
    public Task<NamespaceSnapshot> ReadAsync() => target.ReadAsync(isStrong: true, CancellationToken.None);

    /// <summary>Fills an empty folder; prints how long writing, flushing and merging took.</summary>
    public async Task FillAsync(FilterData data)
    {
        var write = new Stopwatch();
        var flush = new Stopwatch();
        await using (var engine = await PuffEngine.OpenAsync(Settings, new EngineComponents { Store = store }))
        {
            int perSegment = (data.Documents + Segments - 1) / Segments;
            for (int first = 0; first < data.Documents; first += perSegment)
            {
                write.Start();
                await WriteAsync(engine, data, first, Math.Min(first + perSegment, data.Documents));
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
            $"build    {data.Documents} documents generated and written in {write.Elapsed.TotalSeconds:F1} s, flushed in {flush.Elapsed.TotalSeconds:F1} s, "
            + $"merged in {merge.Elapsed.TotalSeconds:F1} s"));
    }

    private static async Task WriteAsync(PuffEngine engine, FilterData data, int first, int end)
    {
        for (int from = first; from < end; from += Batch)
        {
            var rows = new DocumentRow[Math.Min(Batch, end - from)];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = data.Row(from + i);
            }

            await engine.WriteAsync(Namespace, new WriteRequest { Upserts = rows, Schema = FilterData.Schema, DisableBackpressure = true });
        }
    }

    private sealed class Silent : INamespaceObserver
    {
        public void TailGrew(Engine.Namespaces.Namespace changed)
        {
        }
    }
}
