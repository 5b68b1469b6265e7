using System.Globalization;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>Reads the attributes of the final rows, and of no others.</summary>
internal sealed class RowAssembler(QueryRun run)
{
    private readonly Dictionary<(int Set, int Computed), ScoreReader> readers = [];

    public ResultRow[] Assemble(ReadOnlySpan<RankedDocument> ranked)
    {
        Plan(ranked);
        var rows = new ResultRow[ranked.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            rows[i] = AssembleOne(ranked[i]);
        }

        return rows;
    }

    /// <summary>Ids and attributes of all rows in one step; what lies at no fixed place, and was not near what that brought, in a second one.</summary>
    private void Plan(ReadOnlySpan<RankedDocument> ranked)
    {
        for (int round = 0; run.Reads is not null && round < 2; round++)
        {
            foreach (var document in ranked)
            {
                run.PlanRow(document.Set, document.Document, isKnown: round > 0);
            }

            run.Reads.Run();
        }
    }

    private ResultRow AssembleOne(RankedDocument ranked)
    {
        var set = run.Snapshot.Sets[ranked.Set];
        var attributes = new List<KeyValuePair<string, Value>>(run.Query.Selected.Count + run.Query.Computed.Count);
        foreach (var attribute in run.Query.Selected)
        {
            var value = set.GetValue(ranked.Document, attribute);
            if (!value.IsNull)
            {
                attributes.Add(new(attribute.Name, value));
            }
        }

        List<KeyValuePair<string, IReadOnlyList<HighlightFragment>>>? highlights = null;
        for (int i = 0; i < run.Query.Computed.Count; i++)
        {
            if (run.Query.Computed[i].Highlight is { } highlight)
            {
                (highlights ??= []).Add(new(run.Query.Computed[i].Name, highlight.Find(set.GetValue(ranked.Document, highlight.Attribute))));
            }
            else if (Compute(ranked, i) is { } value)
            {
                attributes.Add(new(run.Query.Computed[i].Name, value));
            }
        }

        return new ResultRow(set.GetId(ranked.Document), DistanceOf(ranked), attributes) { Highlights = highlights ?? [] };
    }

    private float? DistanceOf(RankedDocument ranked) => run.Query.Rank switch
    {
        BoundVectorRank => (float)ranked.Key,

        // 0 - key instead of -key: a score of 0 must not come out as -0.
        BoundScore => (float)(0 - ranked.Key),
        _ => null,
    };

    /// <summary>Null where a document has no vector to measure.</summary>
    private Value? Compute(RankedDocument ranked, int index)
    {
        var computed = run.Query.Computed[index];
        var set = run.Snapshot.Sets[ranked.Set];
        if (computed.Distance is { } query)
        {
            return query.TryDistance(set, ranked.Document, out float distance) ? Value.Float(Widen(distance)) : null;
        }

        if (!readers.TryGetValue((ranked.Set, index), out var reader))
        {
            readers[(ranked.Set, index)] = reader = computed.Score!.OpenRows(set);
        }

        double score = 0;
        bool isScored = false;
        reader.Read([ranked.Document], new Span<double>(ref score), new Span<bool>(ref isScored));
        return Value.Float(score);
    }

    /// <summary>The double with the f32's shortest text, so that 0.1f is printed as 0.1 and not as 0.10000000149.</summary>
    private static double Widen(float value) => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
