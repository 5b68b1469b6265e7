using System.Runtime.InteropServices;
using Puff.Engine.Filters;

namespace Puff.Engine.Queries;

/// <summary>
/// `limit.per` for any ranking: of the documents in rank order, at most so many of each combination of attribute values; missing values are one group. Ranks in
/// rounds: what was seen is taken out of the candidates, and so is everything else that belongs to groups that are full, so that the next round ranks on from
/// where the last one ended, and groups that crowd the top cost one round, however large they are. Exact where the ranking is.
/// </summary>
internal sealed class Diversification
{
    /// <summary>Full groups taken out by a condition after a round. More are passed over row by row.</summary>
    private const int MaxExclusions = 64;

    private const int MaxWanted = 1 << 20;

    private readonly QueryRun run;
    private readonly BoundLimitPer per;
    private readonly KeyColumn[][] columns;
    private readonly Dictionary<byte[], int> taken = new(KeyBytesComparer.Instance);
    private readonly HashSet<byte[]> excluded = new(KeyBytesComparer.Instance);
    private readonly KeyWriter key = new();

    private Diversification(QueryRun run, BoundLimitPer per)
    {
        this.run = run;
        this.per = per;
        columns = Array.ConvertAll(run.Views, view => per.Attributes.Select(a => new KeyColumn(view.GetColumn(a))).ToArray());
    }

    /// <param name="run">The query.</param>
    /// <param name="per">Its limit.</param>
    /// <param name="count">Rows wanted.</param>
    /// <param name="rank">Ranks the matches of the views: as many as asked for, or all there are.</param>
    public static RankedDocument[] Run(QueryRun run, BoundLimitPer per, int count, Func<int, RankedDocument[]> rank)
    {
        var diversification = new Diversification(run, per);
        var rows = new List<RankedDocument>();
        int wanted = count;
        while (true)
        {
            run.Rounds++;
            var ranked = rank(wanted);
            var seen = new Dictionary<byte[], int>(KeyBytesComparer.Instance);
            diversification.Take(ranked, rows, count, seen);
            if (rows.Count == count || ranked.Length < wanted)
            {
                return [.. rows];
            }

            diversification.Exclude(ranked, seen);
            wanted = (int)Math.Min(2L * wanted, MaxWanted);
        }
    }

    private void Take(RankedDocument[] ranked, List<RankedDocument> rows, int count, Dictionary<byte[], int> seen)
    {
        var lookup = taken.GetAlternateLookup<ReadOnlySpan<byte>>();
        var seenLookup = seen.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (var document in ranked)
        {
            key.Clear();
            foreach (var column in columns[document.Set])
            {
                column.Write(key, document.Document);
            }

            CollectionsMarshal.GetValueRefOrAddDefault(seenLookup, key.Written, out _)++;
            ref int used = ref CollectionsMarshal.GetValueRefOrAddDefault(lookup, key.Written, out _);
            if (used < per.Limit)
            {
                used++;
                rows.Add(document);
                if (rows.Count == count)
                {
                    return;
                }
            }
        }
    }

    private void Exclude(RankedDocument[] ranked, Dictionary<byte[], int> seen)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        foreach (var document in ranked)
        {
            run.Views[document.Set].Exclude(document.Document);
        }

        var full = seen.Where(s => taken[s.Key] == per.Limit && !excluded.Contains(s.Key)).OrderByDescending(s => s.Value).Take(MaxExclusions);
        foreach (var (group, _) in full.ToList())
        {
            excluded.Add(group);
            var members = FilterBinder.Bind(MembersOf(group), run.Query.Schema, allowRefNew: false);
            foreach (var view in run.Views)
            {
                view.Exclude(members, run.Cancellation);
            }
        }

        Array.ForEach(run.Views, v => v.Recount());
    }

    private AndFilter MembersOf(ReadOnlySpan<byte> group)
    {
        var conditions = new Filter[per.Attributes.Count];
        for (int i = 0; i < conditions.Length; i++)
        {
            var attribute = per.Attributes[i];
            conditions[i] = new AttributeFilter(attribute.Name, FilterOperator.Eq, KeyWriter.Read(ref group, attribute.Type.Kind));
        }

        return new AndFilter(conditions);
    }
}
