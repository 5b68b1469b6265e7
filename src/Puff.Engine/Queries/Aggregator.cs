using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>Aggregates over all matching documents, as one group.</summary>
internal static class Aggregator
{
    public static IReadOnlyList<KeyValuePair<string, Value>> Run(QueryRun run, BoundAggregate aggregate)
    {
        long count = run.Views.Sum(v => (long)v.MatchCount);
        Measure?[] functions = [.. aggregate.Functions.Select(f => Measure.Create(f))];
        foreach (var measure in functions.OfType<Measure>())
        {
            measure.Reserve(1);
            foreach (var view in run.Views)
            {
                run.Cancellation.ThrowIfCancellationRequested();
                if (view.MatchCount > 0)
                {
                    measure.Open(view, run.IsOnly(view));
                    measure.AddAll(run, view);
                }
            }
        }

        return Results(aggregate, functions, 0, count);
    }

    /// <summary>The labelled values of one group.</summary>
    public static IReadOnlyList<KeyValuePair<string, Value>> Results(BoundAggregate aggregate, Measure?[] functions, int group, long count)
    {
        var results = new KeyValuePair<string, Value>[functions.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new(aggregate.Functions[i].Label, functions[i]?.Result(group) ?? Value.Int(count));
        }

        return results;
    }
}
