using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>Ordinals of an attribute's index as ascending runs that do not touch.</summary>
internal sealed class OrdinalRuns
{
    private readonly List<(int First, int End)> runs = [];

    public int Count => runs.Count;

    public (int First, int End) this[int index] => runs[index];

    /// <summary>Adds [first, end), which begins at or behind the end of the last run.</summary>
    public void Add(int first, int end)
    {
        if (first >= end)
        {
            return;
        }

        if (runs.Count > 0 && runs[^1].End == first)
        {
            runs[^1] = (runs[^1].First, end);
        }
        else
        {
            runs.Add((first, end));
        }
    }

    /// <summary>Adds the values that compare so with an operand.</summary>
    /// <param name="comparison">How.</param>
    /// <param name="ordinal">The first value that is not less than the operand.</param>
    /// <param name="isEqual">Whether it is the operand.</param>
    /// <param name="values">Number of values.</param>
    public void AddComparison(Comparison comparison, int ordinal, bool isEqual, int values)
    {
        int behind = isEqual ? ordinal + 1 : ordinal;
        switch (comparison)
        {
            case Comparison.Equal:
                Add(ordinal, behind);
                break;
            case Comparison.Greater:
                Add(behind, values);
                break;
            default:
                Add(ordinal, values);
                break;
        }
    }

    /// <summary>Adds values in any order, some of them more than once.</summary>
    public void AddAll(List<int> ordinals)
    {
        ordinals.Sort();
        int end = 0;
        foreach (int ordinal in ordinals)
        {
            if (ordinal >= end)
            {
                Add(ordinal, end = ordinal + 1);
            }
        }
    }

    /// <summary>Turns the runs into all other ordinals below <paramref name="values"/>.</summary>
    public void Complement(int values)
    {
        var old = runs.ToArray();
        runs.Clear();
        int end = 0;
        foreach (var run in old)
        {
            Add(end, run.First);
            end = run.End;
        }

        Add(end, values);
    }

    /// <summary>Values in all runs.</summary>
    public int ValueCount()
    {
        int count = 0;
        foreach (var (first, end) in runs)
        {
            count += end - first;
        }

        return count;
    }

    /// <summary>Adds the documents that have one of the values to any others, if they are listed and few; false when it did nothing.</summary>
    public bool TryAddFew(AttributeIndex index, BitSet result)
    {
        foreach (var (first, end) in runs)
        {
            if (!index.IsShort(first, end))
            {
                return false;
            }
        }

        foreach (var (first, end) in runs)
        {
            index.Collect(first, end, result);
        }

        return true;
    }

    /// <summary>Overwrites <paramref name="result"/> with the documents that have one of the values.</summary>
    public void Collect(AttributeIndex index, BitSet result)
    {
        result.ClearAll();
        foreach (var (first, end) in runs)
        {
            index.Collect(first, end, result);
        }
    }
}
