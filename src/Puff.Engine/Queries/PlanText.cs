using System.Globalization;
using System.Text;
using Puff.Engine.Diagnostics;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>The plan of executed queries in lines for a reader. Free text: nothing parses it. Names attributes and operators, never operands.</summary>
internal sealed class PlanText
{
    private readonly StringBuilder text = new();
    private int queries;

    public PlanText(NamespaceSnapshot snapshot)
    {
        int live = snapshot.Sets.Sum(s => s.Live.PopCount());
        int tails = snapshot.Sets.Count(s => s.IsTail);
        int segments = snapshot.Sets.Count - tails;
        Line($"namespace \"{snapshot.Name}\" as of log entry {snapshot.Sequence}: {live} documents in {segments} segments and {tails} tails");
    }

    public void AddQuery(QueryRequest request, QueryRun run, QueryResult result)
    {
        Line($"query {++queries}");
        Line(run.Query.Filter is null ? "  filter: none" : $"  filter: {Describe(request.Filters!)}");
        foreach (var view in run.Views)
        {
            string kind = view.Set.IsTail ? "tail, row by row" : "segment, by columns";
            string matches = run.Query.Filter is null ? string.Empty : $", {view.FilteredCount} match the filter ({kind})";
            Line($"    set {view.Index}: {view.Set.Live.PopCount()} live of {view.Set.Count}{matches}");
            AddFilterPlan(run.Query.Filter, view, run.Cancellation);
        }

        Line(run.Query.Rank is { } rank ? $"  rank: {Describe(rank)}" : $"  aggregate: {Describe(run.Query.Aggregate!)}");
        Line(run.Query.Rank is null ? $"  limit: {run.Query.Limit} groups" : $"  k: {run.Query.Offset + run.Query.Limit} (offset {run.Query.Offset})");
        if (run.Query.LimitPer is { } per)
        {
            string attributes = string.Join(", ", per.Attributes.Select(a => $"\"{a.Name}\""));
            Line($"  limit per {attributes}: {per.Limit} rows of each, found in {run.Rounds} rounds of ranking");
        }

        AddSearch(run.Search);
        AddLateInteraction(run.LateInteraction);
        Line($"  rows scanned exactly: {run.RowsScanned}");
        Line($"  vectors scored: {run.VectorsScored}");
        AddSparse(run);
        AddText(run);
        AddReads();
        Line($"  result: {Describe(result)}");
    }

    /// <summary>Of the whole request so far, the loading of the namespace included.</summary>
    private void AddReads()
    {
        var reads = ReadRecord.Current is { } record ? QueryReads.Of(record) : QueryReads.None;
        Line(string.Create(CultureInfo.InvariantCulture,
            $"  dependent steps: {reads.Steps} ({reads.Requests} requests, {reads.BytesFetched} bytes, "
            + $"{reads.BlocksFetched} of {reads.BlocksWanted} blocks fetched)"));
        foreach (var kind in reads.Kinds)
        {
            Line($"    step {kind.Step}, {kind.Kind}: {kind.Requests} requests, {kind.Bytes} bytes");
        }
    }

    private void AddText(QueryRun run)
    {
        if (run.Query.Rank is not BoundScore score || TextPlan.Create(score.Expression) is not { } plan)
        {
            return;
        }

        foreach (var (clause, factor) in plan.Sums.SelectMany(s => s.Clauses))
        {
            var (documents, length) = clause.Corpus;
            double mean = documents == 0 ? 0 : (double)length / documents;
            string times = factor == 1 ? string.Empty : $" times {factor.ToString(CultureInfo.InvariantCulture)}";
            Line($"  BM25 on \"{clause.Attribute.Name}\"{times}: {documents} documents of {mean.ToString("F2", CultureInfo.InvariantCulture)} tokens");
            for (int term = 0; term < clause.Query.Terms.Count; term++)
            {
                string weight = (clause.Weights[term] * factor).ToString("F4", CultureInfo.InvariantCulture);
                Line($"    term \"{clause.Query.Terms[term]}\" (x{clause.Query.Terms[term].Count}): in {clause.Frequencies[term]} documents, at most {weight}");
            }
        }

        foreach (var view in run.Views)
        {
            var text = view.Text;
            Line($"    set {view.Index}: by posting lists: {text.BlocksRead} of {text.Blocks} posting blocks unpacked, {text.WindowsSkipped} of "
                + $"{text.Windows} windows skipped, {text.Candidates} candidates, {text.Scored} documents scored exactly");
        }
    }

    private void AddFilterPlan(Predicate? filter, SetView view, CancellationToken cancellation)
    {
        if (filter is null || view.Set.Columns is not { } columns)
        {
            return;
        }

        var plan = new FilterPlan();
        filter.Explain(columns, plan, cancellation);
        foreach (string line in plan.Lines)
        {
            Line("      " + line);
        }
    }

    private void AddSparse(QueryRun run)
    {
        foreach (var view in run.Views)
        {
            var sparse = view.Sparse;
            if (sparse.Searches > 0)
            {
                Line($"    set {view.Index}: sparse by inverted index: {sparse.Lists} posting lists, {sparse.BlocksRead} of {sparse.Blocks} blocks unpacked, "
                    + $"{sparse.WindowsSkipped} of {sparse.Windows} windows skipped, {sparse.Scored} documents scored exactly");
            }

            if (sparse.Scans > 0)
            {
                Line($"    set {view.Index}: sparse by scan, row by row");
            }
        }
    }

    private void AddLateInteraction(LateInteractionReport? report)
    {
        if (report is null)
        {
            return;
        }

        Line($"  late interaction: {report.QueryVectors} query vectors, first stage by codes of {report.Tokens} vectors in {report.Segments} segments");
        Line($"    documents compared by codes: {report.Result.Documents}, "
            + $"chosen by {report.Result.Leaves} leaves of token clusters (one for each query vector)");
        Line($"    1-bit codes compared: {report.Result.BinaryCodes}; 3-bit codes compared: {report.Result.OctalCodes} (one for each query vector)");
        Line($"    candidates ranked again by exact distances: {report.Result.Candidates.Length}");
    }

    private void AddSearch(SearchReport? search)
    {
        if (search is null)
        {
            return;
        }

        long codes = 0;
        foreach (var part in search.Parts)
        {
            codes += part.Codes;
            string of = part.Tree is { } tree ? $"tree {tree.Id:x16} with {tree.Leaves.Length} leaves" : "flat codes";
            string planned = part.Strategy == SearchStrategy.Probe
                ? $", {part.Probes!.ProbesFor(part.Selectivity).ToString("F0", CultureInfo.InvariantCulture)} leaves planned"
                : string.Empty;
            Line($"  index: {of}, {part.Codes} codes in {part.SetCount} segments: {Describe(part.Strategy)}{planned}");
            Line($"    selectivity: {part.Selectivity.ToString("0.######", CultureInfo.InvariantCulture)} ({part.Matches} match)");
        }

        var did = search.Statistics;
        string share = (codes == 0 ? 0 : 100.0 * did.BinaryCodes / codes).ToString("0.##", CultureInfo.InvariantCulture);
        Line($"  leaves probed: {did.LeavesProbed}{(did.TurnedExhaustive ? ", then all that were left" : string.Empty)}");
        Line($"  1-bit codes compared: {did.BinaryCodes} ({share} % of {codes})");
        Line($"  3-bit codes compared: {did.OctalCodes}");
        Line($"  exact distances for candidates: {did.ExactDistances}");
    }

    private static string Describe(SearchStrategy strategy) => strategy switch
    {
        SearchStrategy.Exact => "exact vectors of all that match",
        SearchStrategy.FilterFirst => "codes of all that match (filter first)",
        SearchStrategy.Probe => "nearest leaves, masked by the filter",
        _ => "all codes, masked by the filter",
    };

    public void AddFusion(RankFusion fusion, int rows) =>
        Line($"fusion: reciprocal ranks of {queries} queries, constant {fusion.RankConstant.ToString(CultureInfo.InvariantCulture)}; {rows} rows");

    public override string ToString() => text.ToString();

    private static string Describe(BoundRank rank) => rank switch
    {
        BoundVectorRank vector => $"{(vector.Exact ? "kNN" : "ANN")} on \"{vector.Attribute.Name}\" ({vector.Attribute.Type})",
        BoundOrder order => "by " + string.Join(", ", order.Keys.Select(k => $"\"{k.Attribute.Name}\" {(k.Descending ? "desc" : "asc")}")),
        _ => "by score, highest first",
    };

    private static string Describe(BoundAggregate aggregate)
    {
        string functions = string.Join(", ", aggregate.Functions.Select(f => f.Attribute is null ? "Count" : $"{f.Function} of \"{f.Attribute.Name}\""));
        return aggregate.Keys.Count == 0 ? functions : functions + " by " + string.Join(", ", aggregate.Keys.Select(k => $"\"{k.Attribute.Name}\""));
    }

    private static string Describe(QueryResult result) => result switch
    {
        { Rows: { } rows } => $"{rows.Count} rows",
        { Groups: { } groups } => $"{groups.Count} groups",
        _ => $"{result.Aggregations!.Count} aggregates",
    };

    private static string Describe(Filter filter) => filter switch
    {
        AndFilter and => $"And({string.Join(", ", and.Operands.Select(Describe))})",
        OrFilter or => $"Or({string.Join(", ", or.Operands.Select(Describe))})",
        NotFilter not => $"Not({Describe(not.Operand)})",
        AttributeFilter attribute => $"\"{attribute.Attribute}\" {attribute.Operator}",
        _ => filter.GetType().Name,
    };

    private void Line(string line) => text.Append(line).Append('\n');
}
