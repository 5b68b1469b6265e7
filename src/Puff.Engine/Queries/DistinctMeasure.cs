using System.Numerics;
using System.Runtime.InteropServices;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>
/// Counts different values, exactly: of an array its elements; null is no value. A single set with an index is counted by ordinals, in groups by a bit for each
/// pair of a group and an ordinal. Else a group keeps the values it has seen, scalars as their sortable bits, bytes as numbers that a table gives them;
/// documents whose pair came before are passed over by the bit.
/// </summary>
internal sealed class DistinctMeasure(AttributeDefinition attribute, string label) : Measure
{
    /// <summary>What all groups may remember together.</summary>
    public const long MaxBytes = 256L << 20;

    private const int BytesOfValue = 32;
    private const int BytesOfText = 96;

    /// <summary>Pairs of a group and an ordinal that are remembered by a bit.</summary>
    private const long MaxSeen = 1L << 24;

    private readonly Dictionary<byte[], int> numbers = new(KeyBytesComparer.Instance);
    private HashSet<ulong>?[] groups = [];

    /// <summary>Different values of each group that were counted by bits alone.</summary>
    private long[] tallies = [];

    private long bytes;

    /// <summary>Different values of group 0 that were counted by ordinals alone.</summary>
    private long counted;

    private ArrayColumn? array;
    private Column? rows;
    private AttributeIndex? index;
    private BitSet? seen;
    private bool isOnly;

    /// <summary>Of each document the ordinal plus 1, made from the lists of an index that has no such table; else null.</summary>
    private int[]? ordinalOf;

    /// <summary>Whose lists make that table when documents are first added one by one; null when they do not.</summary>
    private SetView? unread;

    /// <summary>Ordinal to number plus 1, 0 while unknown; of bytes only.</summary>
    private int[] numberOf = [];

    public override void Reserve(int groups)
    {
        Array.Resize(ref this.groups, Math.Max(this.groups.Length, groups));
        Array.Resize(ref tallies, this.groups.Length);
    }

    public override void Reset(int group)
    {
        bytes -= (groups[group]?.Count ?? 0) * (long)BytesOfValue;
        groups[group] = null;
        tallies[group] = 0;
        if (seen is not null && Fits(group))
        {
            seen.Clear(Math.Min(group * index!.Values, seen.Count), Math.Min((group + 1) * index.Values, seen.Count));
        }
    }

    public override void Open(SetView view, bool isOnly)
    {
        this.isOnly = isOnly;
        var column = view.GetColumn(attribute);
        array = column as ArrayColumn;
        rows = array?.Elements ?? column;
        index = column is null ? null : view.GetIndex(attribute);
        seen = null;
        ordinalOf = null;
        unread = isOnly && array is null && index is { Ordinals: null, HasLists: true } && view.MatchCount >= index.Values / 16 ? view : null;
        numberOf = index?.Ordinals is not null && rows is BytesColumn ? new int[index.Values] : [];
    }

    public override void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (unread is not null)
        {
            ordinalOf = ReadLists(unread);
            unread = null;
        }

        if (rows is null)
        {
            return;
        }

        for (int i = 0; i < documents.Length; i++)
        {
            if (array is null)
            {
                AddRow(documents[i], groups[i]);
                continue;
            }

            var (start, end) = array.GetRange(documents[i]);
            for (int row = start; row < end; row++)
            {
                AddRow(row, groups[i]);
            }
        }
    }

    public override void AddAll(QueryRun run, SetView view)
    {
        if (isOnly && index is not null && TryCountOrdinals(run, view) is { } distinct)
        {
            run.RowsScanned += view.MatchCount;
            counted = distinct;
            return;
        }

        base.AddAll(run, view);
    }

    public override Value Result(int group) => Value.Int((group == 0 ? counted : 0) + tallies[group] + (groups[group]?.Count ?? 0));

    /// <summary>Null when few documents match, or the index has neither bitmaps nor a table of ordinals and they do.</summary>
    private long? TryCountOrdinals(QueryRun run, SetView view)
    {
        if (view.MatchCount == view.Set.Count)
        {
            return index!.Values;
        }

        if (array is null && index!.Values == index.Postings)
        {
            return rows!.Present.PopCountOfAnd(view.Matches);
        }

        if (view.MatchCount < index!.Postings / 16)
        {
            return null;
        }

        // A value counts once one of its documents matches.
        if (!index.HasLists)
        {
            var counts = new long[index.Values + 1];
            index.TryCount(view.Matches, counts);
            return index.Values - counts.AsSpan(1).Count(0);
        }

        long distinct = 0;
        for (int ordinal = 0; ordinal < index.Values; ordinal++)
        {
            if ((ordinal & 4095) == 0)
            {
                run.Cancellation.ThrowIfCancellationRequested();
            }

            foreach (uint document in index.ListOf(ordinal))
            {
                if (view.Matches[(int)document])
                {
                    distinct++;
                    break;
                }
            }
        }

        return distinct;
    }

    private void AddRow(int row, int group)
    {
        bool hasOrdinal = ordinalOf is not null || index?.Ordinals is not null;
        int ordinal = ordinalOf is not null ? ordinalOf[row] - 1
            : index?.Ordinals is { } ordinals ? ordinals[row] - 1
            : rows!.Present[row] ? 0 : -1;
        if (ordinal < 0)
        {
            return;
        }

        if (hasOrdinal && Fits(group))
        {
            bool isNew = See(group, ordinal);
            if (isOnly || !isNew)
            {
                tallies[group] += isNew ? 1 : 0;
                return;
            }
        }

        if (rows is ScalarColumn scalars)
        {
            AddValue(group, ScalarOrder.SortableBits(scalars.Kind, scalars.Values[row]));
        }
        else
        {
            AddValue(group, (ulong)NumberOf(((BytesColumn)rows!).Get(row), ordinal));
        }
    }

    private int[] ReadLists(SetView view)
    {
        var result = new int[view.Set.Count];
        for (int ordinal = 0; ordinal < index!.Values; ordinal++)
        {
            foreach (uint document in index.ListOf(ordinal))
            {
                result[document] = ordinal + 1;
            }
        }

        return result;
    }

    /// <summary>Whether there are few enough pairs to remember those of a group.</summary>
    private bool Fits(int group) => (group + 1L) * index!.Values <= MaxSeen;

    /// <summary>Remembers a pair; false if it came before.</summary>
    private bool See(int group, int ordinal)
    {
        int pair = group * index!.Values + ordinal;
        if (seen is null || pair >= seen.Count)
        {
            var larger = new BitSet((int)BitOperations.RoundUpToPowerOf2((uint)pair + 1));
            seen?.Words.CopyTo(larger.Words);
            seen = larger;
        }

        bool isNew = !seen[pair];
        seen[pair] = true;
        return isNew;
    }

    private int NumberOf(ReadOnlySpan<byte> value, int ordinal)
    {
        if (numberOf.Length > 0 && numberOf[ordinal] > 0)
        {
            return numberOf[ordinal];
        }

        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers.GetAlternateLookup<ReadOnlySpan<byte>>(), value, out bool isKnown);
        if (!isKnown)
        {
            number = numbers.Count;
            Remember(BytesOfText + value.Length);
        }

        if (numberOf.Length > 0)
        {
            numberOf[ordinal] = number;
        }

        return number;
    }

    private void AddValue(int group, ulong value)
    {
        if ((groups[group] ??= []).Add(value))
        {
            Remember(BytesOfValue);
        }
    }

    private void Remember(int more)
    {
        bytes += more;
        if (bytes > MaxBytes)
        {
            throw PuffException.Invalid(
                $"CountDistinct \"{label}\" of attribute \"{attribute.Name}\" has too many different values to count exactly over several groups or segments; "
                + "narrow the filter or the groups");
        }
    }
}
