using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads.Vectors;

/// <summary>Puff in this process on a directory store: one namespace that holds a set.</summary>
internal sealed class PuffStore : IAsyncDisposable
{
    public const string Namespace = "vectors";
    private const string VectorAttribute = "vector";
    private const string BucketAttribute = "bucket";

    private readonly DirectoryObjectStore store;

    private PuffStore(DirectoryObjectStore store, PuffEngine engine)
    {
        this.store = store;
        Engine = engine;
    }

    public PuffEngine Engine { get; }

    /// <param name="folder">Of the store.</param>
    /// <param name="runIndexer">Whether this process indexes; one that only asks leaves the store as it is.</param>
    /// <param name="recallTarget">Share of the true neighbours that searches aim at; null for the default.</param>
    /// <param name="mergeFanIn">Segments of similar size that are merged into one; null for the default.</param>
    public static async Task<PuffStore> OpenAsync(string folder, bool runIndexer, float? recallTarget = null, int? mergeFanIn = null)
    {
        var defaults = new EngineSettings();

        // The last small tail is to be indexed, and the rest merged, without the waits that save a real namespace work.
        var settings = new EngineSettings
        {
            RunIndexer = runIndexer,
            IndexMaxAge = TimeSpan.FromSeconds(1),
            IdleMergeDelay = TimeSpan.FromSeconds(2),
            MergeFanIn = mergeFanIn ?? defaults.MergeFanIn,
            VectorIndex = defaults.VectorIndex with { RecallTarget = recallTarget ?? defaults.VectorIndex.RecallTarget },
        };
        var store = await DirectoryObjectStore.OpenAsync(folder);
        return new PuffStore(store, await PuffEngine.OpenAsync(settings, new EngineComponents { Store = store }));
    }

    /// <summary>Writes documents under given ids; several batches are under way at once, as from several clients.</summary>
    /// <param name="set">Where the vectors come from.</param>
    /// <param name="documents">The id of each document and its row in the set.</param>
    public async Task WriteAsync(VectorSet set, IReadOnlyList<(int Id, int Row)> documents, int batch = 1_000, int writers = 3)
    {
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                int first = Interlocked.Add(ref next, batch) - batch;
                if (first >= documents.Count)
                {
                    return;
                }

                var rows = documents.Skip(first).Take(batch).Select(d => Row(set, d.Id, d.Row)).ToArray();
                await Engine.WriteAsync(Namespace, new WriteRequest { Upserts = rows, DistanceMetric = set.Metric, DisableBackpressure = true });
            }
        })));
    }

    public Task DeleteAsync(IEnumerable<int> ids) =>
        Engine.WriteAsync(Namespace, new WriteRequest { Deletes = [.. ids.Select(id => Value.Int(id))], DisableBackpressure = true });

    /// <summary>Waits until everything is indexed and nothing is left to merge.</summary>
    public async Task SettleAsync()
    {
        while (!Engine.IsIndexingIdle)
        {
            await Task.Delay(20);
        }
    }

    /// <summary>Documents that are in segments.</summary>
    public async Task<long> IndexedAsync() => (await Engine.GetInfoAsync(Namespace)).ApproxRowCount;

    public Task<QueryResult> QueryAsync(VectorSet set, int query, int k, Selectivity selectivity, Consistency consistency) =>
        Engine.QueryAsync(Namespace, Request(set, query, k, selectivity), consistency);

    public Task<string> ExplainAsync(VectorSet set, int query, int k, Selectivity selectivity) =>
        Engine.ExplainAsync(Namespace, new MultiQueryRequest([Request(set, query, k, selectivity)]), Consistency.Eventual);

    public static int[] IdsOf(QueryResult result)
    {
        var ids = new int[result.Rows!.Count];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = (int)result.Rows[i].Id.AsUInt;
        }

        return ids;
    }

    /// <summary>Of the documents, those of which at least a code was compared with the query.</summary>
    public static double ScannedShareOf(QueryResult result) =>
        (double)Math.Max(result.Cost.CodesScanned, result.Cost.VectorsScored) / Math.Max(1, result.Cost.ApproxNamespaceSize);

    /// <summary>Bytes of the objects that the namespace now consists of; replaced ones that wait to be collected do not count.</summary>
    public async Task<long> StoredBytesAsync()
    {
        var context = new EngineContext(new EngineSettings(), new EngineComponents { Store = store });
        var version = await new ManifestStore(context, context.KeysOf(Namespace)).ReadAsync(null, CancellationToken.None);
        return version is null ? 0 : version.Manifest.Segments.Sum(s => s.TotalBytes) + version.Manifest.Trees.Sum(t => t.Parts.Sum(p => p.Bytes));
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await store.DisposeAsync();
    }

    private static QueryRequest Request(VectorSet set, int query, int k, Selectivity selectivity) => new()
    {
        RankBy = new VectorRank(VectorAttribute, new VectorOperand(set.Queries.Singles(query).ToArray(), set.Dimensions, false), false),
        Filters = selectivity.IsUnfiltered ? null : new AttributeFilter(BucketAttribute, FilterOperator.Lt, Value.Int(selectivity.Below)),
        Limit = k,
    };

    private static DocumentRow Row(VectorSet set, int id, int row) => new(
        Value.Int(id),
        [new(VectorAttribute, Value.Vector(set.Documents.Singles(row).ToArray())), new(BucketAttribute, Value.Int(set.Buckets[row]))]);
}
