using Puff.Edge.Backends;
using Puff.Edge.Protos.Query;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>The table of methods: today's paths and those of older releases, whose field numbers never changed.</summary>
internal static class EdgeMethods
{
    public static IReadOnlyDictionary<string, GrpcHandler> Create(KvStore? kv, BlobStore? blobs, TransactionTable transactions, ServiceOptions options)
    {
        var methods = new Dictionary<string, GrpcHandler>(StringComparer.Ordinal);
        var stores = new Dictionary<TargetStore, ISqlBackend?>();
        if (kv is not null)
        {
            stores[TargetStore.Kv] = kv.Backend as ISqlBackend;
        }

        if (blobs is not null)
        {
            stores[TargetStore.Blob] = blobs.Backend as ISqlBackend;
        }

        var sql = new SqlService(stores, options);
        methods["/buffdb.query.Query/Query"] = call => sql.QueryAsync(call, null);
        methods["/buffdb.query.Query/Execute"] = call => sql.ExecuteAsync(call, null);
        if (kv is not null)
        {
            AddKv(methods, new KvService(kv, transactions, options), sql);
            AddTransactions(methods, new TransactionService(transactions));
        }

        if (blobs is not null)
        {
            AddBlob(methods, new BlobService(blobs, transactions, options), sql);
        }

        var health = new HealthService(methods.Keys.Select(path => path.Split('/')[1]).ToHashSet());
        methods["/grpc.health.v1.Health/Check"] = health.CheckAsync;
        methods["/grpc.health.v1.Health/Watch"] = health.WatchAsync;
        return methods;
    }

    private static void AddKv(Dictionary<string, GrpcHandler> methods, KvService kv, SqlService sql)
    {
        foreach (string service in (string[])["buffdb.kv.Kv", "kv.Kv", "kvstore.Kv"])
        {
            methods[$"/{service}/Get"] = kv.GetAsync;
            methods[$"/{service}/Set"] = kv.SetAsync;
            if (service == "kvstore.Kv")
            {
                // Its Delete returned the removed value; it is not served.
                continue;
            }

            methods[$"/{service}/Delete"] = kv.DeleteAsync;
            methods[$"/{service}/Eq"] = kv.EqAsync;
            methods[$"/{service}/NotEq"] = kv.NotEqAsync;
        }

        methods["/kv.Kv/GetMany"] = kv.GetManyAsync;
        methods["/buffdb.kv.Kv/Query"] = call => sql.QueryAsync(call, TargetStore.Kv);
        methods["/buffdb.kv.Kv/Execute"] = call => sql.ExecuteAsync(call, TargetStore.Kv);
    }

    private static void AddTransactions(Dictionary<string, GrpcHandler> methods, TransactionService transactions)
    {
        methods["/buffdb.kv.Kv/BeginTransaction"] = transactions.BeginAsync;
        methods["/buffdb.kv.Kv/CommitTransaction"] = transactions.CommitAsync;
        methods["/buffdb.kv.Kv/RollbackTransaction"] = transactions.RollbackAsync;
    }

    private static void AddBlob(Dictionary<string, GrpcHandler> methods, BlobService blobs, SqlService sql)
    {
        foreach (string service in (string[])["buffdb.blob.Blob", "blob.Blob", "blobstore.Blob"])
        {
            methods[$"/{service}/Get"] = blobs.GetAsync;
            methods[$"/{service}/Store"] = blobs.StoreAsync;
            methods[$"/{service}/Update"] = blobs.UpdateAsync;
            if (service == "blobstore.Blob")
            {
                continue;
            }

            methods[$"/{service}/Delete"] = blobs.DeleteAsync;
            methods[$"/{service}/EqData"] = blobs.EqDataAsync;
            methods[$"/{service}/NotEqData"] = blobs.NotEqDataAsync;
        }

        methods["/buffdb.blob.Blob/Query"] = call => sql.QueryAsync(call, TargetStore.Blob);
        methods["/buffdb.blob.Blob/Execute"] = call => sql.ExecuteAsync(call, TargetStore.Blob);
    }
}
