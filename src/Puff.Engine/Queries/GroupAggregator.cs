using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// Aggregates by group: pairs of a document and a group of it, some hundreds at a time, go to the table of groups. Where keys have ordinals, the groups of a
/// set are known by those, and a key is looked up once in a set.
/// </summary>
internal sealed class GroupAggregator
{
    private readonly QueryRun run;
    private readonly BoundAggregate aggregate;
    private readonly Measure?[] functions;
    private readonly Measure[] measures;
    private readonly GroupTable table;
    private readonly KeyWriter key = new();
    private readonly int[] documents = new int[DocumentBlocks.Length];
    private readonly int[] groups = new int[DocumentBlocks.Length];
    private int pairs;

    private GroupAggregator(QueryRun run, BoundAggregate aggregate)
    {
        this.run = run;
        this.aggregate = aggregate;
        functions = [.. aggregate.Functions.Select(f => Measure.Create(f))];
        measures = [.. functions.OfType<Measure>()];
        table = new GroupTable(run.Query.Limit, measures, isCounting: measures.Length < functions.Length);
    }

    public static IReadOnlyList<AggregationGroup> Run(QueryRun run, BoundAggregate aggregate)
    {
        var aggregator = new GroupAggregator(run, aggregate);
        foreach (var view in run.Views)
        {
            if (view.MatchCount > 0)
            {
                aggregator.Add(view);
            }
        }

        return aggregator.Results();
    }

    private void Add(SetView view)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        bool isOnly = run.IsOnly(view);
        Array.ForEach(measures, m => m.Open(view, isOnly));
        if (OrdinalKeys.TryCreate(view, aggregate) is { } ordinals)
        {
            AddByOrdinals(view, ordinals);
        }
        else
        {
            AddByKeys(view);
        }

        run.RowsScanned += view.MatchCount;
    }

    private void AddByOrdinals(SetView view, OrdinalKeys ordinals)
    {
        if (measures.Length == 0)
        {
            var counts = new long[ordinals.Count];
            if (ordinals.TryCount(view, counts))
            {
                AddCounts(ordinals, counts);
                return;
            }
        }

        var own = new int[DocumentBlocks.Length];
        var map = new GroupMap(table, ordinals, key);
        var elements = new List<int>();
        var blocks = new DocumentBlocks(view.Matches);
        for (int count = blocks.Next(documents); count > 0; count = blocks.Next(documents))
        {
            run.Cancellation.ThrowIfCancellationRequested();
            ordinals.GroupsOf(documents.AsSpan(0, count), own);
            if (ordinals.Array is null)
            {
                pairs = map.Translate(documents.AsSpan(0, count), own, groups);
                Flush();
            }
            else
            {
                AddElements(ordinals, map, [.. documents.AsSpan(0, count)], own, elements);
            }
        }
    }

    private void AddCounts(OrdinalKeys ordinals, long[] counts)
    {
        for (int group = 0; group < counts.Length; group++)
        {
            if (counts[group] == 0)
            {
                continue;
            }

            ordinals.Write(key, group);
            int number = table.Find(key.Written);
            if (number != GroupTable.None)
            {
                table.AddCount(number, counts[group]);
            }
        }
    }

    private void AddElements(OrdinalKeys ordinals, GroupMap map, int[] block, int[] own, List<int> elements)
    {
        for (int i = 0; i < block.Length; i++)
        {
            elements.Clear();
            ordinals.AddElements(block[i], own[i], elements);
            foreach (int group in elements)
            {
                AddPair(block[i], map.Find(group));
            }
        }

        Flush();
    }

    /// <summary>Group by group through the bytes of the key.</summary>
    private void AddByKeys(SetView view)
    {
        var columns = aggregate.Keys.Select(k => k.ForEachUnique ? null : new KeyColumn(view.GetColumn(k.Attribute))).ToArray();
        var unique = aggregate.Keys.FirstOrDefault(k => k.ForEachUnique).Attribute;
        var array = unique is null ? null : view.GetColumn(unique) as ArrayColumn;
        var elements = new KeyColumn(array?.Elements);
        var own = new HashSet<int>();
        int looked = 0;
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            if ((++looked & 1023) == 0)
            {
                run.Cancellation.ThrowIfCancellationRequested();
            }

            if (array is null || !array.Present[document])
            {
                // Either no key repeats, or the array is missing: one group, with null in the place of an element.
                AddPair(document, Find(document, columns, elements: null, element: 0));
                continue;
            }

            // A document counts once in a group, however often an array repeats an element.
            own.Clear();
            var (start, end) = array.GetRange(document);
            for (int element = start; element < end; element++)
            {
                int group = Find(document, columns, elements, element);
                if (own.Add(group))
                {
                    AddPair(document, group);
                }
            }
        }

        Flush();
    }

    private int Find(int document, KeyColumn?[] columns, KeyColumn? elements, int element)
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

        return table.Find(key.Written);
    }

    private void AddPair(int document, int group)
    {
        if (group == GroupTable.None)
        {
            return;
        }

        documents[pairs] = document;
        groups[pairs] = group;
        if (++pairs == documents.Length)
        {
            Flush();
        }
    }

    private void Flush()
    {
        table.Add(documents.AsSpan(0, pairs), groups.AsSpan(0, pairs));
        pairs = 0;
    }

    private AggregationGroup[] Results() => Array.ConvertAll(
        table.First(), group => new AggregationGroup(KeyValues(group.Key), Aggregator.Results(aggregate, functions, group.Number, group.Count)));

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
}

/// <summary>From a set's own numbers of groups to those of all sets, looked up when first met.</summary>
internal sealed class GroupMap
{
    private const int Unknown = -2;

    private readonly GroupTable table;
    private readonly OrdinalKeys ordinals;
    private readonly KeyWriter key;
    private readonly int[] numbers;
    private int version;

    public GroupMap(GroupTable table, OrdinalKeys ordinals, KeyWriter key)
    {
        this.table = table;
        this.ordinals = ordinals;
        this.key = key;
        version = table.Version;
        numbers = new int[ordinals.Count];
        Array.Fill(numbers, Unknown);
    }

    /// <summary>Or <see cref="GroupTable.None"/>.</summary>
    public int Find(int own)
    {
        int number = numbers[own];
        return number == Unknown ? LookUp(own) : number;
    }

    /// <summary>Translates a block, closing up over documents whose group is none.</summary>
    /// <param name="documents">Closed up as well.</param>
    /// <param name="own">The set's numbers, one a document.</param>
    /// <param name="groups">Receives the numbers.</param>
    /// <returns>How many are left.</returns>
    public int Translate(Span<int> documents, ReadOnlySpan<int> own, Span<int> groups)
    {
        int count = 0;
        for (int i = 0; i < documents.Length; i++)
        {
            int number = numbers[own[i]];
            if (number == Unknown)
            {
                number = LookUp(own[i]);
            }

            documents[count] = documents[i];
            groups[count] = number;
            count += number >= 0 ? 1 : 0;
        }

        return count;
    }

    private int LookUp(int own)
    {
        ordinals.Write(key, own);
        int number = table.Find(key.Written);
        if (version != table.Version)
        {
            version = table.Version;
            Array.Fill(numbers, Unknown);
        }

        numbers[own] = number;
        return number;
    }
}
