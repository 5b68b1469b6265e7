using System.Globalization;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>What evaluating a predicate over a set of documents costs, from cheap to dear.</summary>
internal enum FilterCost
{
    /// <summary>Bitmaps that are there, or a few look-ups in an index.</summary>
    Indexed,

    /// <summary>A pattern that an index narrows down.</summary>
    IndexedPattern,

    /// <summary>A pass over a column of numbers.</summary>
    ScanNumbers,

    /// <summary>A pass over a column of strings or UUIDs.</summary>
    ScanBytes,

    /// <summary>A pattern tried on every string.</summary>
    ScanPattern,
}

/// <summary>How the comparisons of a filter are evaluated over one set, in lines for a reader.</summary>
internal sealed class FilterPlan
{
    private const int MaxLines = 32;

    private readonly List<string> lines = [];
    private int left;

    /// <summary>At most some thirty lines; the last one says how many were left out.</summary>
    public IEnumerable<string> Lines => left == 0 ? lines : lines.Append($"and {left} more");

    public void AddIndex(AttributeDefinition attribute, OrdinalRuns runs, int values) => Add(string.Create(
        CultureInfo.InvariantCulture, $"\"{attribute.Name}\" by index: {runs.ValueCount()} of {values} values in {runs.Count} ranges"));

    public void AddScan(AttributeDefinition attribute) => Add($"\"{attribute.Name}\" by column");

    public void AddText(AttributeDefinition attribute) => Add($"\"{attribute.Name}\" by index of text");

    private void Add(string line)
    {
        if (lines.Count < MaxLines)
        {
            lines.Add(line);
        }
        else
        {
            left++;
        }
    }
}
