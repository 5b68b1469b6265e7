using System.Diagnostics;
using System.Globalization;
using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads.Text;

/// <summary>A namespace of passages in a folder: written through the front door, flushed by hand, merged into one segment by hand.</summary>
internal sealed class TextStore : IAsyncDisposable
{
    public const string Namespace = "text";

    private const int Batch = 2_500;
    private const int Segments = 8;

    private readonly DirectoryObjectStore store;
    private readonly EngineContext context;
    private readonly Engine.Namespaces.Namespace target;

    private TextStore(DirectoryObjectStore store)
    {
        this.store = store;
        context = new EngineContext(Settings, new EngineComponents { Store = store });
        target = new Engine.Namespaces.Namespace(context, Namespace, new Silent());
    }

    private static EngineSettings Settings => new() { RunIndexer = false, MergeFanIn = Segments };

    public static async Task<TextStore> OpenAsync(string folder) =>
        new(await DirectoryObjectStore.OpenAsync(folder, new DirectoryStoreOptions { Durable = false }));

    public async ValueTask DisposeAsync()
    {
        target.Close();
        await store.DisposeAsync();
    }

    /// <summary>What is there now.</summary>
    public Task<NamespaceSnapshot> ReadAsync() => target.ReadAsync(isStrong: true, CancellationToken.None);

    /// <summary>Fills an empty folder; prints how long writing, flushing and merging took.</summary>
    public async Task FillAsync(TextData data)
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

    private static async Task WriteAsync(PuffEngine engine, TextData data, int first, int end)
    {
        var schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]);
        for (int from = first; from < end; from += Batch)
        {
            var rows = new DocumentRow[Math.Min(Batch, end - from)];
            for (int i = 0; i < rows.Length; i++)
            {
                // Neighbours in a segment differ in their group, so that a filter leaves documents everywhere.
                int group = (int)((from + i) * 7_919L % 1_000);
                rows[i] = new DocumentRow(Value.Int(from + i), [new("body", Value.String(data.Document(from + i))), new("group", Value.Int(group))]);
            }

            await engine.WriteAsync(Namespace, new WriteRequest { Upserts = rows, Schema = schema, DisableBackpressure = true });
        }
    }

    private sealed class Silent : INamespaceObserver
    {
        public void TailGrew(Engine.Namespaces.Namespace changed)
        {
        }
    }
}
