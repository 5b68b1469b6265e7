using Puff.Engine.Namespaces;

namespace Puff.Engine.Queries;

/// <summary>One bound query being executed on a snapshot: its set views and what it has cost so far.</summary>
internal sealed class QueryRun
{
    public QueryRun(NamespaceSnapshot snapshot, BoundQuery query, CancellationToken cancellation)
    {
        Snapshot = snapshot;
        Query = query;
        Cancellation = cancellation;
        Views = new SetView[snapshot.Sets.Count];
        for (int i = 0; i < Views.Length; i++)
        {
            Views[i] = SetView.Create(snapshot.Sets[i], i, query.Filter, cancellation);
        }
    }

    public NamespaceSnapshot Snapshot { get; }

    public BoundQuery Query { get; }

    public SetView[] Views { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Distances computed; a multi-vector counts each of its vectors for each query vector.</summary>
    public long VectorsScored { get; set; }

    /// <summary>Set when an index was searched.</summary>
    public SearchReport? Search { get; set; }

    /// <summary>Set when codes of token vectors chose candidates.</summary>
    public LateInteractionReport? LateInteraction { get; set; }

    /// <summary>How often the query was ranked for a limit per group; 0 without.</summary>
    public int Rounds { get; set; }

    /// <summary>Documents ranked or aggregated one by one.</summary>
    public long RowsScanned { get; set; }
}
