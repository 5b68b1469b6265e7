using System.Globalization;
using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;

namespace Puff.Engine.Queries;

/// <summary>
/// Checks a few of the approximate searches that clients make against searches of all codes, behind the queries: exact ones would read all vectors, and have
/// them in memory afterwards.
/// </summary>
internal sealed class RecallSampling(EngineContext context, SearchMetrics metrics)
{
    /// <summary>Of more codes than these, reading them all would push out of memory what queries need.</summary>
    private const long MostCodeBytes = 2L << 30;

    /// <summary>Counts a query that was just answered, and has it checked if it is its turn.</summary>
    public void Offer(Namespace target, NamespaceSnapshot snapshot, QueryRequest request)
    {
        if (request.RankBy is not VectorRank { Exact: false } rank || snapshot.Trees.Count == 0 || !target.Recall.IsDue(context.Time.GetTimestamp()))
        {
            return;
        }

        if (snapshot.Schema.Find(rank.Attribute) is { Type: { IsDenseVector: true } type }
            && CodesFormat.BytesOf((int)Math.Min(int.MaxValue, snapshot.LiveDocuments), CodesFormat.Pad(type.Dimensions)) <= MostCodeBytes)
        {
            target.Behind.TryRun(() => Check(target, rank, request));
        }
    }

    /// <summary>What checks have found, for the plan of a query in words; empty before the first.</summary>
    public string Describe(Namespace target, NamespaceSnapshot snapshot)
    {
        int checks = target.Recall.Checks;
        if (checks == 0)
        {
            return string.Empty;
        }

        float aim = snapshot.VectorIndex.RecallTarget;
        return string.Create(
            CultureInfo.InvariantCulture, $"searches of this node checked lately: recall {target.Recall.Recall:F3} in {checks}, aiming at {aim}\n");
    }

    /// <summary>Both searches see the same state, which may be a later one than the client's query saw.</summary>
    private void Check(Namespace target, VectorRank rank, QueryRequest request)
    {
        long began = context.Time.GetTimestamp();
        using var snapshot = target.Snapshot();
        var measured = new RecallRequest { RankBy = rank, Filters = request.Filters, TopK = (int)(request.Limit ?? 10) };
#pragma warning disable RS0030 // Draws nothing: the ranking is given.
        var result = RecallMeasurement.Run(snapshot, measured, new Random(0), byCodes: true, CancellationToken.None);
#pragma warning restore RS0030
        if (result.AverageExhaustiveCount > 0)
        {
            metrics.Checked(result.AverageRecall);
            int attribute = snapshot.Schema.Find(rank.Attribute)?.Id ?? 0;
            ulong searched = snapshot.Trees.LastOrDefault(t => t.Attribute == attribute)?.Id ?? 0;
            target.Recall.Add(result.AverageRecall, searched, TreeDescriptor.Combine(snapshot.Trees), began, context.Time.GetTimestamp());
            if (target.Recall.TakePoorTree(context.Settings.VectorIndex) is { } poor)
            {
                LogMessages.RecallStaysLow(context.Log, target.Name, poor);
                target.Observer.RecallStaysLow(target, poor);
            }
        }
    }
}
