using System.Numerics;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Queries;

/// <summary>
/// Counts and sums of one set by group, without looking at values: a group is the number that the ordinals of its keys make up, and has a place in a table.
/// </summary>
internal sealed class OrdinalGroups
{
    private const int MaxGroups = 1 << 16;
    private const int NoArray = -1;

    private readonly Key[] keys;
    private readonly int arrayKey;
    private readonly ArrayColumn? array;
    private readonly ScalarColumn?[] columns;
    private readonly long[] counts;
    private readonly Sum[] sums;
    private readonly int[] lastDocuments;

    private OrdinalGroups(Key[] keys, int groups, int arrayKey, ArrayColumn? array, ScalarColumn?[] columns)
    {
        this.keys = keys;
        this.arrayKey = arrayKey;
        this.array = array;
        this.columns = columns;
        counts = new long[groups];
        sums = new Sum[groups * columns.Length];
        lastDocuments = array is null ? [] : new int[groups];
        Array.Fill(lastDocuments, -1);
    }

    /// <summary>Receives a group of the current key.</summary>
    public delegate void Receiver(long count, ReadOnlySpan<Sum> sums);

    /// <summary>Null when a key has no table of ordinals, there may be too many groups, or there are fewer documents than groups.</summary>
    public static OrdinalGroups? TryCreate(SetView view, BoundAggregate aggregate)
    {
        var keys = new Key[aggregate.Keys.Count];
        long groups = 1;
        int arrayKey = NoArray;
        ArrayColumn? array = null;
        for (int i = 0; i < keys.Length; i++)
        {
            var attribute = aggregate.Keys[i].Attribute;
            if (view.Set.Columns is null)
            {
                return null;
            }

            // Without a column, every document has null, which is ordinal 0 of 0 values.
            var column = view.GetColumn(attribute);
            var index = column is null ? null : view.GetIndex(attribute);
            if (column is not null && index?.Ordinals is null)
            {
                return null;
            }

            if (aggregate.Keys[i].ForEachUnique && column is ArrayColumn found)
            {
                arrayKey = i;
                array = found;
            }

            keys[i] = new Key(index, (int)groups);
            groups *= (index?.Values ?? 0) + 1;
            if (groups > MaxGroups)
            {
                return null;
            }
        }

        return groups > view.MatchCount
            ? null
            : new OrdinalGroups(keys, (int)groups, arrayKey, array, [.. aggregate.Sums.Select(a => view.GetColumn(a) as ScalarColumn)]);
    }

    public void Count(BitSet documents)
    {
        var words = documents.Words;
        if (keys is [{ Ordinals: { } only }] && array is null && columns.Length == 0)
        {
            only.Count(words, counts);
            return;
        }

        for (int w = 0; w < words.Length; w++)
        {
            for (ulong word = words[w]; word != 0; word &= word - 1)
            {
                int document = (w << 6) + BitOperations.TrailingZeroCount(word);
                int group = GroupOf(document);
                if (array is null || !array.Present[document])
                {
                    Add(group, document);
                }
                else
                {
                    AddElements(group, document);
                }
            }
        }
    }

    /// <summary>Writes the key of every group that has documents and hands over what it has.</summary>
    public void ForEach(KeyWriter writer, Receiver receive)
    {
        for (int group = 0; group < counts.Length; group++)
        {
            if (counts[group] == 0)
            {
                continue;
            }

            writer.Clear();
            foreach (var key in keys)
            {
                key.Write(writer, group);
            }

            receive(counts[group], sums.AsSpan(group * columns.Length, columns.Length));
        }
    }

    /// <summary>The group of a document by all keys but an array.</summary>
    private int GroupOf(int document)
    {
        int group = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (i != arrayKey)
            {
                group += keys[i].OrdinalOf(document);
            }
        }

        return group;
    }

    /// <summary>A document counts once in a group, however often an array repeats an element.</summary>
    private void AddElements(int group, int document)
    {
        var (start, end) = array!.GetRange(document);
        for (int element = start; element < end; element++)
        {
            int own = group + keys[arrayKey].OrdinalOf(element);
            if (lastDocuments[own] != document)
            {
                lastDocuments[own] = document;
                Add(own, document);
            }
        }
    }

    private void Add(int group, int document)
    {
        counts[group]++;
        for (int i = 0; i < columns.Length; i++)
        {
            if (columns[i] is { } column)
            {
                sums[group * columns.Length + i].Add(column.Kind, column.Values[document]);
            }
        }
    }

    /// <summary>One part of a group's number.</summary>
    private sealed class Key(AttributeIndex? index, int factor)
    {
        private readonly KeyColumn column = new(index?.Rows);

        /// <summary>Null when every document has null.</summary>
        public OrdinalTable? Ordinals { get; } = index?.Ordinals;

        public int OrdinalOf(int row) => Ordinals is null ? 0 : Ordinals[row] * factor;

        public void Write(KeyWriter writer, int group)
        {
            int ordinal = index is null ? 0 : group / factor % (index.Values + 1);
            if (ordinal == 0)
            {
                writer.AddNull();
            }
            else
            {
                column.Write(writer, index!.RowOf(ordinal - 1));
            }
        }
    }
}
