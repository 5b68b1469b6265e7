using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>The least or the greatest value of an attribute; null without values.</summary>
internal abstract class ExtremeMeasure(AttributeDefinition attribute, bool isGreatest) : Measure
{
    protected bool IsGreatest => isGreatest;

    protected AttributeDefinition Attribute => attribute;

    public override void AddAll(QueryRun run, SetView view)
    {
        if (view.MatchCount > 0 && FindByIndex(run, view) is { } document)
        {
            Span<int> documents = [document], groups = [0];
            Add(documents, groups);
            return;
        }

        base.AddAll(run, view);
    }

    /// <summary>
    /// The first match in the order of the index; null without an index or if looking for it may take as long as looking at every match: then few documents
    /// match, or those that do may lie anywhere.
    /// </summary>
    private int? FindByIndex(QueryRun run, SetView view)
    {
        if (view.GetIndex(attribute) is not { HasLists: true } index)
        {
            return null;
        }

        int budget = view.MatchCount / 4;
        for (int i = 0; i < index.Values && budget > 0; i++)
        {
            var list = index.ListOf(isGreatest ? index.Values - 1 - i : i);
            foreach (uint document in list[..Math.Min(list.Length, budget)])
            {
                run.RowsScanned++;
                if (view.Matches[(int)document])
                {
                    return (int)document;
                }
            }

            budget -= list.Length;
        }

        return null;
    }
}

/// <summary>Numbers, truth values and times, by their sortable bits.</summary>
internal sealed class ScalarExtremeMeasure(AttributeDefinition attribute, bool isGreatest) : ExtremeMeasure(attribute, isGreatest)
{
    /// <summary>Sortable bits, inverted for the greatest: less is better.</summary>
    private ulong[] best = [];
    private bool[] isSet = [];
    private ScalarColumn? column;

    public override void Reserve(int groups)
    {
        Array.Resize(ref best, Math.Max(best.Length, groups));
        Array.Resize(ref isSet, best.Length);
    }

    public override void Reset(int group) => isSet[group] = false;

    public override void Open(SetView view, bool isOnly) => column = view.GetColumn(Attribute) as ScalarColumn;

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (column is null)
        {
            return;
        }

        var present = column.Present;
        var values = column.Values;
        ulong flip = IsGreatest ? ulong.MaxValue : 0;
        for (int i = 0; i < documents.Length && i < groups.Length; i++)
        {
            int document = documents[i], group = groups[i];
            if (!present[document])
            {
                continue;
            }

            ulong value = ScalarOrder.SortableBits(column.Kind, values[document]) ^ flip;
            if (!isSet[group] || value < best[group])
            {
                best[group] = value;
                isSet[group] = true;
            }
        }
    }

    public override Value Result(int group) =>
        isSet[group] ? KeyWriter.ToValue(Attribute.Type.Kind, IsGreatest ? ~best[group] : best[group]) : Value.Null;
}

/// <summary>Strings and UUIDs, bytewise.</summary>
internal sealed class BytesExtremeMeasure(AttributeDefinition attribute, bool isGreatest) : ExtremeMeasure(attribute, isGreatest)
{
    private byte[]?[] best = [];
    private ulong[] prefixes = [];
    private BytesColumn? column;

    public override void Reserve(int groups)
    {
        Array.Resize(ref best, Math.Max(best.Length, groups));
        Array.Resize(ref prefixes, best.Length);
    }

    public override void Reset(int group) => best[group] = null;

    public override void Open(SetView view, bool isOnly) => column = view.GetColumn(Attribute) as BytesColumn;

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (column is null)
        {
            return;
        }

        for (int i = 0; i < documents.Length; i++)
        {
            if (column.Present[documents[i]])
            {
                Add(column.Get(documents[i]), groups[i]);
            }
        }
    }

    public override Value Result(int group) => best[group] is not { } bytes ? Value.Null
        : Attribute.Type.Kind == TypeKind.Uuid ? Value.Uuid(bytes) : Value.Utf8(bytes);

    private void Add(ReadOnlySpan<byte> value, int group)
    {
        ulong prefix = ScalarOrder.PrefixOf(value);
        if (best[group] is { } known)
        {
            int order = prefix.CompareTo(prefixes[group]);
            order = order != 0 ? order : value.SequenceCompareTo(known);
            if (IsGreatest ? order <= 0 : order >= 0)
            {
                return;
            }
        }

        best[group] = value.ToArray();
        prefixes[group] = prefix;
    }
}
