using Puff.Engine.Formats;

namespace Puff.Engine.Queries;

/// <summary>
/// The groups of one set, without looking at values: a group is the number that the ordinals of its keys make up. These numbers are of this set alone.
/// </summary>
internal sealed class OrdinalKeys
{
    private const int MaxGroups = 1 << 16;

    private readonly Key[] keys;
    private readonly Key? arrayKey;
    private readonly int[] lastDocuments;

    private OrdinalKeys(Key[] keys, int groups, Key? arrayKey, ArrayColumn? array)
    {
        this.keys = keys;
        this.arrayKey = arrayKey;
        Count = groups;
        Array = array;
        lastDocuments = array is null ? [] : new int[groups];
        System.Array.Fill(lastDocuments, -1);
    }

    /// <summary>Numbers are below this.</summary>
    public int Count { get; }

    /// <summary>Set when one key has a value for each element of an array.</summary>
    public ArrayColumn? Array { get; }

    /// <summary>Null when a key has no table of ordinals, there may be too many groups, or there are fewer documents than groups.</summary>
    public static OrdinalKeys? TryCreate(SetView view, BoundAggregate aggregate)
    {
        if (view.Set.Columns is null)
        {
            return null;
        }

        var keys = new Key[aggregate.Keys.Count];
        long groups = 1;
        Key? arrayKey = null;
        ArrayColumn? array = null;
        for (int i = 0; i < keys.Length; i++)
        {
            // Without a column, every document has null, which is ordinal 0 of 0 values.
            var column = view.GetColumn(aggregate.Keys[i].Attribute);
            var index = column is null ? null : view.GetIndex(aggregate.Keys[i].Attribute);
            if (column is not null && index?.Ordinals is null)
            {
                return null;
            }

            keys[i] = new Key(index, (int)groups);
            if (aggregate.Keys[i].ForEachUnique && column is ArrayColumn found)
            {
                (arrayKey, array) = (keys[i], found);
            }

            groups *= (index?.Values ?? 0) + 1;
            if (groups > MaxGroups)
            {
                return null;
            }
        }

        return groups > view.MatchCount ? null : new OrdinalKeys(keys, (int)groups, arrayKey, array);
    }

    /// <summary>
    /// Counts the documents of each group by the index of a single key; false when there are several keys, or looking at documents is
    /// faster.
    /// </summary>
    public bool TryCount(SetView view, Span<long> counts) => keys is [{ Index: { } index }] && index.TryCount(view.Matches, counts);

    /// <summary>The group of each document, by all keys but an array.</summary>
    public void GroupsOf(ReadOnlySpan<int> documents, Span<int> groups)
    {
        groups = groups[..documents.Length];
        groups.Clear();
        foreach (var key in keys)
        {
            if (key != arrayKey)
            {
                key.Ordinals?.AddTo(documents, key.Factor, groups);
            }
        }
    }

    /// <summary>
    /// The groups of a document with an array: <paramref name="group"/> and each different element, or with null in its place if the array is missing.
    /// </summary>
    public void AddElements(int document, int group, List<int> groups)
    {
        if (!Array!.Present[document])
        {
            groups.Add(group);
            return;
        }

        var (start, end) = Array.GetRange(document);
        for (int element = start; element < end; element++)
        {
            int own = group + arrayKey!.Ordinals![element] * arrayKey.Factor;
            if (lastDocuments[own] != document)
            {
                lastDocuments[own] = document;
                groups.Add(own);
            }
        }
    }

    /// <summary>Writes the key of a group.</summary>
    public void Write(KeyWriter writer, int group)
    {
        writer.Clear();
        foreach (var key in keys)
        {
            key.Write(writer, group);
        }
    }

    /// <summary>One part of a group's number.</summary>
    private sealed class Key(AttributeIndex? index, int factor)
    {
        private readonly KeyColumn column = new(index?.Rows);

        /// <summary>Null when every document has null.</summary>
        public AttributeIndex? Index => index;

        public OrdinalTable? Ordinals { get; } = index?.Ordinals;

        public int Factor => factor;

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
