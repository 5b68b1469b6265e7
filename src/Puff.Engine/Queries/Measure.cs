using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// One aggregate function over any number of groups, which are numbered from 0. Fed set after set: <see cref="Open"/>, then documents with the numbers of their
/// groups. Whether all matches of a set are one group is the caller's business; <see cref="AddAll"/> is for those that can do better then.
/// </summary>
internal abstract class Measure
{
    /// <summary>The function of an aggregation; null for Count, which the groups keep themselves.</summary>
    public static Measure? Create(in BoundAggregation aggregation)
    {
        var attribute = aggregation.Attribute!;
        return aggregation.Function switch
        {
            AggregateFunction.Count => null,
            AggregateFunction.Sum => CreateSum(attribute, aggregation.Label),
            AggregateFunction.Avg => new MeanMeasure(attribute, CreateSum(attribute, aggregation.Label)),
            AggregateFunction.CountDistinct => new DistinctMeasure(attribute, aggregation.Label),
            _ when attribute.Type.Kind is TypeKind.String or TypeKind.Uuid => new BytesExtremeMeasure(attribute, aggregation.Function == AggregateFunction.Max),
            _ => new ScalarExtremeMeasure(attribute, aggregation.Function == AggregateFunction.Max),
        };
    }

    /// <summary>Makes room for the groups 0 … <paramref name="groups"/> - 1; new ones are empty.</summary>
    public abstract void Reserve(int groups);

    /// <summary>Empties a group.</summary>
    public abstract void Reset(int group);

    /// <summary>Turns to the next set.</summary>
    /// <param name="view">Some of its documents match.</param>
    /// <param name="isOnly">No other set has any.</param>
    public abstract void Open(SetView view, bool isOnly);

    /// <summary>Adds documents of the set, each to its group. A document comes once for a group.</summary>
    public abstract void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups);

    /// <summary>Adds all matching documents of the set to group 0.</summary>
    /// <param name="run">The query.</param>
    /// <param name="view">The set that was opened.</param>
    public virtual void AddAll(QueryRun run, SetView view)
    {
        var documents = new int[DocumentBlocks.Length];
        var groups = new int[DocumentBlocks.Length];
        var blocks = new DocumentBlocks(view.Matches);
        for (int count = blocks.Next(documents); count > 0; count = blocks.Next(documents))
        {
            run.Cancellation.ThrowIfCancellationRequested();
            Add(documents.AsSpan(0, count), groups.AsSpan(0, count));
        }

        run.RowsScanned += view.MatchCount;
    }

    public abstract Value Result(int group);

    private static SumMeasure CreateSum(AttributeDefinition attribute, string label) =>
        attribute.Type.Kind == TypeKind.Float ? new FloatSumMeasure(attribute) : new IntegerSumMeasure(attribute, label);
}
