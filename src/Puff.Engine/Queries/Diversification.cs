namespace Puff.Engine.Queries;

/// <summary>`limit.per`: walks a full order and takes at most so many rows of each combination of attribute values; missing values are one group.</summary>
internal static class Diversification
{
    public static RankedDocument[] Apply(QueryRun run, BoundLimitPer per, OrderEntry[] ordered, int count)
    {
        var columns = Array.ConvertAll(run.Views, view => per.Attributes.Select(a => new KeyColumn(view.GetColumn(a))).ToArray());
        var taken = new Dictionary<byte[], int>(KeyBytesComparer.Instance);
        var lookup = taken.GetAlternateLookup<ReadOnlySpan<byte>>();
        var key = new KeyWriter();
        var rows = new List<RankedDocument>();
        foreach (var entry in ordered)
        {
            key.Clear();
            foreach (var column in columns[entry.Set])
            {
                column.Write(key, entry.Document);
            }

            lookup.TryGetValue(key.Written, out int used);
            if (used == per.Limit)
            {
                continue;
            }

            lookup[key.Written] = used + 1;
            rows.Add(new RankedDocument(0, entry.Set, entry.Document));
            if (rows.Count == count)
            {
                break;
            }
        }

        return [.. rows];
    }
}
