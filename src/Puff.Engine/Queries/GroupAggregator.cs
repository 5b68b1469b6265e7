using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// Counts and sums by group. Groups are found by the bytes of their key, whose order is the order of the result; when there are many more groups than wanted,
/// those that can no longer be among the first are dropped, so that memory follows the limit and not the data.
/// </summary>
internal sealed class GroupAggregator
{
    private readonly QueryRun run;
    private readonly BoundAggregate aggregate;
    private readonly Dictionary<byte[], Group> groups = new(KeyBytesComparer.Instance);
    private readonly KeyWriter key = new();

    /// <summary>Keys above this cannot be among the first groups; null while unknown.</summary>
    private byte[]? ceiling;

    /// <summary>Numbers the documents over all sets, from 1.</summary>
    private long stamp;

    private GroupAggregator(QueryRun run, BoundAggregate aggregate)
    {
        this.run = run;
        this.aggregate = aggregate;
    }

    public static IReadOnlyList<AggregationGroup> Run(QueryRun run, BoundAggregate aggregate)
    {
        var aggregator = new GroupAggregator(run, aggregate);
        foreach (var view in run.Views)
        {
            aggregator.Add(view);
        }

        return aggregator.Results();
    }

    private void Add(SetView view)
    {
        if (OrdinalGroups.TryCreate(view, aggregate) is { } counted)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            counted.Count(view.Matches);
            counted.ForEach(key, AddGroup);
            run.RowsScanned += view.MatchCount;
            return;
        }

        var sums = aggregate.Sums.Select(a => view.GetColumn(a) as ScalarColumn).ToArray();
        var columns = aggregate.Keys.Select(k => k.ForEachUnique ? null : new KeyColumn(view.GetColumn(k.Attribute))).ToArray();
        var unique = aggregate.Keys.FirstOrDefault(k => k.ForEachUnique).Attribute;
        var array = unique is null ? null : view.GetColumn(unique) as ArrayColumn;
        var elements = new KeyColumn(array?.Elements);
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            if ((++stamp & 1023) == 0)
            {
                run.Cancellation.ThrowIfCancellationRequested();
            }

            if (array is null || !array.Present[document])
            {
                // Either no key repeats, or the array is missing: one group, with null in the place of an element.
                AddDocument(document, columns, elements: null, element: 0, sums);
                continue;
            }

            var (start, end) = array.GetRange(document);
            for (int element = start; element < end; element++)
            {
                AddDocument(document, columns, elements, element, sums);
            }
        }

        run.RowsScanned += view.MatchCount;
    }

    /// <summary>Adds what a whole set has under the current key.</summary>
    private void AddGroup(long count, ReadOnlySpan<Sum> sums)
    {
        if (FindGroup() is not { } group)
        {
            return;
        }

        group.Count += count;
        for (int i = 0; i < sums.Length; i++)
        {
            group.Sums[i].Add(sums[i]);
        }
    }

    private void AddDocument(int document, KeyColumn?[] columns, KeyColumn? elements, int element, ScalarColumn?[] sums)
    {
        key.Clear();
        foreach (var column in columns)
        {
            if (column is not null)
            {
                column.Write(key, document);
            }
            else if (elements is not null)
            {
                elements.Write(key, element);
            }
            else
            {
                key.AddNull();
            }
        }

        var group = FindGroup();

        // A document counts once in a group, however often an array repeats an element.
        if (group is null || group.LastStamp == stamp)
        {
            return;
        }

        group.LastStamp = stamp;
        group.Count++;
        for (int i = 0; i < sums.Length; i++)
        {
            if (sums[i] is { } column)
            {
                group.Sums[i].Add(column.Kind, column.Values[document]);
            }
        }
    }

    /// <summary>The group of the current key, new or known; null when it cannot be among the first.</summary>
    private Group? FindGroup()
    {
        var lookup = groups.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(key.Written, out var group))
        {
            return group;
        }

        if (ceiling is not null && key.Written.SequenceCompareTo(ceiling) > 0)
        {
            return null;
        }

        group = new Group(new Sum[aggregate.Sums.Count]);
        lookup[key.Written] = group;
        if (groups.Count >= 2 * run.Query.Limit + 1024)
        {
            DropLastGroups();
        }

        return group;
    }

    private void DropLastGroups()
    {
        var keys = SortedKeys();
        ceiling = keys[run.Query.Limit - 1];
        for (int i = run.Query.Limit; i < keys.Length; i++)
        {
            groups.Remove(keys[i]);
        }
    }

    private byte[][] SortedKeys()
    {
        var keys = groups.Keys.ToArray();
        Array.Sort(keys, static (left, right) => left.AsSpan().SequenceCompareTo(right));
        return keys;
    }

    private AggregationGroup[] Results()
    {
        var keys = SortedKeys();
        var results = new AggregationGroup[Math.Min(keys.Length, run.Query.Limit)];
        for (int i = 0; i < results.Length; i++)
        {
            var group = groups[keys[i]];
            results[i] = new AggregationGroup(KeyValues(keys[i]), Aggregator.Results(aggregate, group.Count, group.Sums));
        }

        return results;
    }

    private KeyValuePair<string, Value>[] KeyValues(ReadOnlySpan<byte> bytes)
    {
        var values = new KeyValuePair<string, Value>[aggregate.Keys.Count];
        for (int i = 0; i < values.Length; i++)
        {
            var (label, attribute, _) = aggregate.Keys[i];
            values[i] = new(label, KeyWriter.Read(ref bytes, attribute.Type.ElementKind));
        }

        return values;
    }

    private sealed class Group(Sum[] sums)
    {
        public long LastStamp { get; set; }

        public long Count { get; set; }

        public Sum[] Sums { get; } = sums;
    }
}
