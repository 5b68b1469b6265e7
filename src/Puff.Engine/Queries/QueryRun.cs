using Puff.Engine.Encoding;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>One bound query being executed on a snapshot: its set views and what it has cost so far.</summary>
internal sealed class QueryRun
{
    private readonly IReadOnlyList<AttributeDefinition> carried;

    /// <param name="snapshot">What is asked.</param>
    /// <param name="query">The question.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="reads">Takes the place of what fetches; null for that.</param>
    public QueryRun(NamespaceSnapshot snapshot, BoundQuery query, CancellationToken cancellation, IReadBatch? reads = null)
    {
        Snapshot = snapshot;
        Query = query;
        Cancellation = cancellation;
        Reads = snapshot.Sets.Any(s => s.IsDemandLoaded) ? reads ?? new ReadBatch() : null;
        carried = [.. query.Selected, .. query.Computed.Select(c => c.Distance?.Attribute ?? c.Highlight?.Attribute).OfType<AttributeDefinition>()];
        PlanAttributes();
        Views = new SetView[snapshot.Sets.Count];
        for (int i = 0; i < Views.Length; i++)
        {
            Views[i] = SetView.Create(snapshot.Sets[i], i, query.Filter, cancellation);
        }
    }

    public NamespaceSnapshot Snapshot { get; }

    /// <summary>Takes what the next stage will read; null when everything is in memory.</summary>
    public IReadBatch? Reads { get; }

    public BoundQuery Query { get; }

    public SetView[] Views { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Whether no other set has documents that match.</summary>
    public bool IsOnly(SetView view) => Array.TrueForAll(Views, v => v == view || v.MatchCount == 0);

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

    /// <summary>Adds what the answer carries of a document, or is computed from, to <see cref="Reads"/>.</summary>
    public void PlanRow(int set, int document, bool isKnown) => Snapshot.Sets[set].PlanRow(document, carried, Reads!, isKnown);

    private void PlanAttributes()
    {
        if (Reads is not null)
        {
            foreach (var attribute in Query.Scanned)
            {
                foreach (var set in Snapshot.Sets)
                {
                    set.PlanAttribute(attribute, Reads);
                }
            }

            foreach (var set in Snapshot.Sets.Where(s => s.IsDemandLoaded))
            {
                if (set.Columns is { } columns)
                {
                    Query.Filter?.Plan(columns, Reads);
                }

                (Query.Rank as BoundScore)?.Expression.Plan(set, Reads);
            }

            Reads.Run();
        }
    }
}
