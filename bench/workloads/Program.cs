using Puff.Workloads;
using Puff.Workloads.Caching;
using Puff.Workloads.Cold;
using Puff.Workloads.Edge;
using Puff.Workloads.Filters;
using Puff.Workloads.Sparse;
using Puff.Workloads.Sync;
using Puff.Workloads.Text;
using Puff.Workloads.Tokens;
using Puff.Workloads.Vectors;

// Whole-system measurements, each with the peer or bound it is compared with. Every figure of bench/RESULTS.md names its command here.
string[] rest = args.Length > 0 ? args[1..] : [];
switch (args.FirstOrDefault())
{
    case "serve":
        await ServerProcess.ServeAsync(rest);
        return 0;
    case "cold":
        await ColdWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "cloud":
        await CloudBill.RunAsync(Options.Parse(rest));
        return 0;
    case "commit":
        await CommitLatency.RunAsync(Options.Parse(rest));
        return 0;
    case "edge":
        await EdgeWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case EdgeWorkload.ServerArgument:
        await EdgeWorkload.ServeAsync(Options.Parse(rest));
        return 0;
    case "ingest":
        await Ingest.RunAsync(Options.Parse(rest));
        return 0;
    case "restart":
        await Restart.RunAsync(Options.Parse(rest));
        return 0;
    case "restart-probe":
        await Restart.ProbeAsync(Options.Parse(rest));
        return 0;
    case "idle":
        await IdleNamespaces.RunAsync(Options.Parse(rest));
        return 0;
    case "namespaces":
        await NamespaceCreation.RunAsync(Options.Parse(rest));
        return 0;
    case "cache":
        CacheWorkload.Run(Options.Parse(rest));
        return 0;
    case "filters":
        await FilterWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "sparse":
        await SparseWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "sync":
        await SyncWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "text":
        await TextWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "tokens":
        await TokensWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "vectors":
        await VectorsWorkload.RunAsync(Options.Parse(rest));
        return 0;
    case "vectors-probe":
        await PuffProbe.MeasureAsync(Options.Parse(rest));
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: puff-workloads WORKLOAD [--name value]...
              cold    [--kind vectors|text|small] [--dir DIR] [--samples 200] [--k 10] [--opening yes|no] [--explain no|yes], options of `vectors` or `text`
                                                                                  queries on a node that has nothing yet, of a store with a cloud's latencies
              cloud   [--commits 300] [--queries 1000]                            commits, warm queries on a store like a cloud's; their requests and price
              commit  [--commits 2000] [--dir DIR]                                latency of one commit on the directory store, beside a bare fsync
              edge    [--pairs 200000] [--value-bytes 100] [--etcd-pairs 20000] [--dir DIR]   pairs a second of the edge store, beside redis and etcd
              ingest  [--encoding json|base64] [--documents 200000] [--clients 4] acknowledged documents a second over HTTP, server in its own process
              restart [--documents 1000000]                                       process start to first query of a large namespace
              idle    [--namespaces 10000]                                        memory of namespaces that are known and idle
              namespaces [--count 10000] [--parallel 64] [--store model|directory] [--dir DIR]   namespaces created (first write) and queried a second
              cache   [--uses 4000000] [--seed 1]                                 what the cache keeps of traces, beside LRU, and what neighbours cost
              filters [--documents 1000000] [--seed 1] [--dir DIR] [--mode all|fill]   filters, aggregates and orders by attributes
              sparse  [--set generated|stackexchange] [--documents 1000000] [--queries 300] [--seed 1] [--dir DIR] 
                      [--mode all|fill] [--peer yes|no] [--scan yes|no] [--k 0] [--rounds 2]
                                                                                  queries a second of SparseKNN, beside a plain scan and an exhaustive index
              sync    [--mode decode|slot|snapshot|all] [--rows 300000]           decoding of a recorded stream, a slot beside pg_recvlogical, pages of a table
              text    [--documents 1000000] [--queries 500] [--seed 1] [--dir DIR] [--mode all|fill|puff|peers]
                                                                                  time of BM25 queries and size of the index, beside other text searches
              text    --mode relevance [--collection DIR]                         nDCG of ten results, beside BM25 written down from its formula
              tokens  [--documents 50000] [--queries 200] [--seed 1] [--dir DIR] [--checked 20] [--clusters yes|no]
                                                                                  late interaction: documents of many vectors, beside exact distances to all
              vectors [--set easy|hard|stackexchange|mnist|FOLDER] [--documents 100000] [--dimensions 768] [--queries 1000] [--seed 1] [--cache DIR]
                      [--mode data|puff|http|indexing|churn|peers|table|all]      recall and speed of vector search, of Puff and of its peers
            """);
        return 2;
}
