using Puff.Engine.Namespaces;

namespace Puff.Engine.Queries;

/// <summary>Checks a few of the approximate searches that clients make against exact ones, behind the queries.</summary>
internal static class RecallSampling
{
    /// <summary>An exact search reads all vectors. Of more than these it would push out of memory what queries need.</summary>
    private const long MostVectorBytes = 4L << 30;

    /// <summary>Counts a query that was just answered, and has it checked if it is its turn.</summary>
    public static void Offer(Namespace target, NamespaceSnapshot snapshot, QueryRequest request, EngineContext context)
    {
        if (request.RankBy is not VectorRank { Exact: false } rank || snapshot.Trees.Count == 0 || !target.Recall.IsDue(context.Time.GetTimestamp()))
        {
            return;
        }

        if (snapshot.Schema.Find(rank.Attribute) is { Type: { IsDenseVector: true } type } && snapshot.LiveDocuments * type.VectorBytes <= MostVectorBytes)
        {
            target.Behind.TryRun(() => Check(target, rank, request, context));
        }
    }

    /// <summary>Both searches see the same state, which may be a later one than the client's query saw.</summary>
    private static void Check(Namespace target, VectorRank rank, QueryRequest request, EngineContext context)
    {
        long began = context.Time.GetTimestamp();
        using var snapshot = target.Snapshot();
        var measured = new RecallRequest { RankBy = rank, Filters = request.Filters, TopK = (int)(request.Limit ?? 10) };
#pragma warning disable RS0030 // Draws nothing: the ranking is given.
        var result = RecallMeasurement.Run(snapshot, measured, new Random(0), CancellationToken.None);
#pragma warning restore RS0030
        if (result.AverageExhaustiveCount > 0)
        {
            target.Recall.Add(result.AverageRecall, began, context.Time.GetTimestamp());
        }
    }
}
