using Puff.Engine.Namespaces;

namespace Puff.Engine.Queries;

/// <summary>
/// Answers queries on one snapshot: check and bind, find the matching documents, rank or aggregate them, read the final rows. Synchronous and single-threaded:
/// the same snapshot and request give the same answer.
/// </summary>
internal static class QueryExecutor
{
    public const int MaxQueries = 16;

    /// <exception cref="PuffException">Malformed or Invalid, when the request does not fit.</exception>
    public static QueryResult Execute(NamespaceSnapshot snapshot, QueryRequest request, CancellationToken cancellation)
    {
        using var query = QueryBinder.Bind(snapshot.Schema, request);
        return Run(new QueryRun(snapshot, query, cancellation));
    }

    /// <summary>Results in request order, or a single one with the fused rows. One query that fails fails the request.</summary>
    public static MultiQueryResult Execute(NamespaceSnapshot snapshot, MultiQueryRequest request, CancellationToken cancellation) =>
        Execute(snapshot, request, plan: null, cancellation);

    /// <summary>Executes and tells how, in lines for a reader.</summary>
    public static string Explain(NamespaceSnapshot snapshot, QueryRequest request, CancellationToken cancellation)
    {
        var plan = new PlanText(snapshot);
        using var query = QueryBinder.Bind(snapshot.Schema, request);
        var run = new QueryRun(snapshot, query, cancellation);
        plan.AddQuery(request, run, Run(run));
        return plan.ToString();
    }

    /// <summary>Executes and tells how, in lines for a reader.</summary>
    public static string Explain(NamespaceSnapshot snapshot, MultiQueryRequest request, CancellationToken cancellation)
    {
        var plan = new PlanText(snapshot);
        Execute(snapshot, request, plan, cancellation);
        return plan.ToString();
    }

    private static MultiQueryResult Execute(NamespaceSnapshot snapshot, MultiQueryRequest request, PlanText? plan, CancellationToken cancellation)
    {
        var queries = Bind(snapshot, request);
        try
        {
            var results = new QueryResult[queries.Length];
            for (int i = 0; i < queries.Length; i++)
            {
                var run = new QueryRun(snapshot, queries[i], cancellation);
                results[i] = Run(run);
                plan?.AddQuery(request.Queries[i], run, results[i]);
            }

            return Combine(request, results, plan);
        }
        finally
        {
            foreach (var query in queries)
            {
                query.Dispose();
            }
        }
    }

    private static MultiQueryResult Combine(MultiQueryRequest request, QueryResult[] results, PlanText? plan)
    {
        var costs = Array.ConvertAll(results, r => r.Cost);
        if (request.Fusion is null)
        {
            return new MultiQueryResult(results, QueryCosts.Total(costs, costs.Sum(c => c.LogicalBytesReturned)));
        }

        var rows = ReciprocalRankFusion.Fuse(results, request.Fusion, request.Limit is { } limit ? (int)limit : int.MaxValue);
        var cost = QueryCosts.Total(costs, rows.Sum(QueryCosts.BytesOf));
        plan?.AddFusion(request.Fusion, rows.Count);
        return new MultiQueryResult([new QueryResult { Rows = rows, Cost = cost }], cost);
    }

    /// <summary>Checks everything before anything runs.</summary>
    private static BoundQuery[] Bind(NamespaceSnapshot snapshot, MultiQueryRequest request)
    {
        if (request.Queries.Count is 0 or > MaxQueries)
        {
            throw PuffException.Invalid($"queries holds {request.Queries.Count} queries; a multi-query has 1 to {MaxQueries}");
        }

        if (request.Fusion is { } fusion)
        {
            ReciprocalRankFusion.Check(fusion, request);
        }

        var queries = new BoundQuery[request.Queries.Count];
        for (int i = 0; i < queries.Length; i++)
        {
            try
            {
                queries[i] = QueryBinder.Bind(snapshot.Schema, request.Queries[i]);
            }
            catch (PuffException e)
            {
                throw new PuffException(e.Kind, $"queries[{i}]: {e.Message}", e);
            }
        }

        return queries;
    }

    /// <summary>Runs a query until it would fetch something, and says what.</summary>
    /// <returns>What it would fetch, and how many documents' rows it reads at most.</returns>
    public static (IReadOnlyList<KindReads> Reads, int Rows) Preview(NamespaceSnapshot snapshot, QueryRequest request, CancellationToken cancellation)
    {
        var planned = new PlannedReads();
        int rows = 0;
        try
        {
            using var query = QueryBinder.Bind(snapshot.Schema, request);
            rows = query.Aggregate is null ? query.Offset + query.Limit : 0;
            Run(new QueryRun(snapshot, query, cancellation, planned));
        }
        catch (Exception stop) when (stop is PlannedReads.Reached or PuffException { Kind: ErrorKind.Invalid })
        {
            // As far as it goes.
        }

        return (planned.Kinds, (int)Math.Min(rows, snapshot.Sets.Sum(s => (long)s.LiveCount)));
    }

    private static QueryResult Run(QueryRun run)
    {
        var query = run.Query;
        var result = query.Aggregate switch
        {
            null => new QueryResult { Rows = new RowAssembler(run).Assemble(Rank(run)) },
            { Keys.Count: 0 } aggregate => new QueryResult { Aggregations = Aggregator.Run(run, aggregate) },
            { } aggregate => new QueryResult { Groups = GroupAggregator.Run(run, aggregate) },
        };
        result = result with { Cost = QueryCosts.Of(run, result) };

        // Columns built from rows are pinned memory that only the views keep.
        GC.KeepAlive(run);
        Array.ForEach(run.Views, static v => v.Recycle());
        return result;
    }

    /// <summary>The documents of the rows wanted, in order.</summary>
    private static ReadOnlySpan<RankedDocument> Rank(QueryRun run)
    {
        var query = run.Query;
        int count = query.Offset + query.Limit;
        (query.Rank as BoundScore)?.Expression.Prepare(run.Snapshot, run.Reads, run.Cancellation);
        var ranked = query.LimitPer is { } per ? Diversification.Run(run, per, count, wanted => Rank(run, wanted)) : Rank(run, count);
        return ranked.AsSpan(Math.Min(query.Offset, ranked.Length));
    }

    private static RankedDocument[] Rank(QueryRun run, int count) => run.Query.Rank switch
    {
        BoundVectorRank vector => NearestNeighbors.Run(run, vector, count),
        BoundOrder order => AttributeOrder.Run(run, order, count),
        BoundScore score => ScoreOrder.Run(run, score, count),
        _ => throw new InvalidOperationException("the query ranks nothing"),
    };

    /// <inheritdoc cref="RecallMeasurement.Run"/>
    public static RecallResult MeasureRecall(NamespaceSnapshot snapshot, RecallRequest request, Random random, CancellationToken cancellation = default) =>
        RecallMeasurement.Run(snapshot, request, random, byCodes: false, cancellation);
}
