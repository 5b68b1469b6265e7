using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Queries;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Random programs of writes, flushes, merges and queries of every kind against the plain evaluator: every filter operator, score expression, order,
/// aggregate and grouping, over a tail and several segments with deleted and patched documents. A failure names its seed, step and query; the same seed gives
/// the same failure.
/// </summary>
public sealed class DifferentialTests
{
    private const string Name = "docs";
    private const int Steps = 14;
    private const int QueriesOfStep = 18;
    private const double Tolerance = 1e-6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Answers_equal_those_of_the_plain_evaluator(int seed)
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 3 };
        var engine = await fixture.OpenAsync();
        var remote = new ExtentObjectStore(new RemoteStore(fixture.Store), new ExtentStoreOptions { HedgedShare = 0 });
        var program = new RandomProgram(seed);
        var shapes = new HashSet<string>();
        for (int step = 0; step < Steps; step++)
        {
            await engine.WriteAsync(Name, program.NextWrite());
            if (program.Next(2) == 0)
            {
                await fixture.FlushAsync(Name);
            }

            if (program.Next(4) == 0)
            {
                await fixture.MergeAsync(Name);
            }

            // The writer need not hear of segments soon; a node that comes new begins with them.
            await using var reader = await fixture.OpenAsync(step % 2 == 0 ? null : remote);
            var plain = new PlainEvaluator(program.Documents.Values);
            for (int i = 0; i < QueriesOfStep; i++)
            {
                await CompareAsync(reader, program, plain, i % 6, $"seed {seed}, step {step}, query {i}");
            }

            string plan = await reader.ExplainAsync(Name, new MultiQueryRequest([new QueryRequest { RankBy = QueryFixture.Order(("id", false)), Limit = 1 }]));
            shapes.Add(string.Join(' ', plan.Split('\n')[0].Split(' ')[^5..]));
        }

        Assert.Contains(shapes, s => s[0] >= '2');
        Assert.Contains(shapes, s => s[0] >= '1' && s.EndsWith("and 1 tails", StringComparison.Ordinal));
    }

    private static async Task CompareAsync(PuffEngine engine, RandomProgram program, PlainEvaluator plain, int kind, string where)
    {
        var filter = kind == 0 || program.Next(3) > 0 ? program.NextFilter(3) : null;
        var request = new QueryRequest { Filters = filter, Limit = 1 + program.Next(program.Next(3) == 0 ? RandomProgram.Ids : 12), Offset = program.Next(3) };
        switch (kind)
        {
            case 0:
                var ids = await EngineFixture.IdsAsync(engine, Name, filter);
                Assert.True(plain.Matching(filter).Select(d => d.Id).Order().SequenceEqual(ids), $"{where}: {Describe(filter!)} gives {string.Join(' ', ids)}");
                break;
            case 1:
                var keys = program.NextOrder();
                var ordered = plain.Ordered(filter, keys).Select(d => (d, double.NaN));
                await RankAsync(engine, program, request with { RankBy = new OrderRank(keys) }, ordered, where);
                break;
            case 2 or 3:
                var expression = program.NextScore(2);
                await RankAsync(engine, program, request with { RankBy = new ScoreRank(expression) }, plain.Scored(filter, expression), where);
                break;
            case 4:
                var vector = new VectorOperand(program.NextVector(), 3, false);
                var nearest = new VectorRank("vector", vector, Exact: filter is not null && program.Next(2) == 0);
                await RankAsync(engine, program, request with { RankBy = nearest }, plain.Nearest(filter, "vector", vector.Data), where);
                break;
            default:
                await AggregateAsync(engine, program, plain, request, where);
                break;
        }
    }

    /// <param name="engine">The engine.</param>
    /// <param name="program">Says whether a limit per group is added.</param>
    /// <param name="request">A ranking.</param>
    /// <param name="expected">All rows of it, with their scores, or not a number where there are none.</param>
    /// <param name="where">For messages.</param>
    private static async Task RankAsync(
        PuffEngine engine, RandomProgram program, QueryRequest request, IEnumerable<(PlainDocument Document, double Score)> expected, string where)
    {
        var all = expected.ToArray();
        if (program.Next(4) == 0)
        {
            var per = new LimitPer([program.NextScalar()], 1 + program.Next((int)Math.Min(request.Limit!.Value, 3)));
            request = request with { LimitPer = per, Select = new AttributeSelection(true, null, null) };
            all = [.. PlainEvaluator.Limited(all, r => r.Document, per)];
        }

        var rows = (await engine.QueryAsync(Name, request)).Rows!;
        string what = $"{where}: {request.RankBy} where {(request.Filters is null ? "all" : Describe(request.Filters))} per {request.LimitPer}";
        var wanted = all.Skip((int)request.Offset).Take((int)request.Limit!.Value).ToArray();
        Assert.True(wanted.Length == rows.Count, $"{what}: {rows.Count} rows instead of {wanted.Length}");
        Assert.True(rows.DistinctBy(r => r.Id).Count() == rows.Count, $"{what}: a row twice");
        for (int i = 0; i < wanted.Length; i++)
        {
            double score = wanted[i].Score;
            bool isSame = rows[i].Id.AsUInt == wanted[i].Document.Id;
            if (double.IsNaN(score))
            {
                Assert.True(isSame && rows[i].Distance is null, $"{what}: row {i} is {rows[i].Id} instead of {wanted[i].Document.Id}");
                continue;
            }

            // Equal but for rounding: either of two documents may come first. Limits per group are compared by their scores alone.
            bool isNear = Math.Abs(rows[i].Distance!.Value - score) <= Tolerance * Math.Max(1, Math.Abs(score));
            Assert.True(isNear, $"{what}: row {i} is {rows[i]} instead of {wanted[i].Document.Id} with {score}");
            bool isTied = !isSame && all.FirstOrDefault(r => r.Document.Id == rows[i].Id.AsUInt) is { Document: not null } other
                && Math.Abs(other.Score - score) <= 1e-9 * Math.Max(1, Math.Abs(score));
            Assert.True(isSame || isTied || request.LimitPer is not null, $"{what}: row {i} is {rows[i].Id} instead of {wanted[i].Document.Id}");
        }
    }

    private static async Task AggregateAsync(PuffEngine engine, RandomProgram program, PlainEvaluator plain, QueryRequest request, string where)
    {
        var keys = program.NextGroups();
        var functions = program.NextAggregations();
        var result = await engine.QueryAsync(
            Name, new QueryRequest { Filters = request.Filters, AggregateBy = functions, GroupBy = keys, Limit = keys.Count == 0 ? null : request.Limit });
        string Line(IEnumerable<Value> of, IReadOnlyCollection<PlainDocument> group) =>
            $"{string.Join(' ', of.Select(PlainValues.Text))}: "
            + string.Join(' ', functions.Select(f => Text(PlainEvaluator.Aggregate(f, RandomProgram.KindOf(f.Attribute), group))));
        string[] expected = keys.Count == 0 ? [Line([], [.. plain.Matching(request.Filters)])]
            : [.. plain.Groups(request.Filters, keys).Take((int)request.Limit!.Value).Select(g => Line(g.Keys, g.Documents))];
        string[] actual = keys.Count == 0 ? [": " + string.Join(' ', result.Aggregations!.Select(a => Text(a.Value)))]
            : [.. result.Groups!.Select(g => string.Join(' ', g.Keys.Select(k => PlainValues.Text(k.Value))) + ": "
                + string.Join(' ', g.Aggregations.Select(a => Text(a.Value))))];
        string matching = request.Filters is null ? "all" : Describe(request.Filters);
        string what = $"{where}: {string.Join(", ", functions)} by {string.Join(", ", keys)} where {matching}";
        Assert.True(expected.SequenceEqual(actual), $"{what}\nexpected {string.Join(" | ", expected)}\nactual   {string.Join(" | ", actual)}");
    }

    /// <summary>Means are compared to twelve digits.</summary>
    private static string Text(Value value) => value.Kind == ValueKind.Float ? (value.AsFloat + 0.0).ToString("G12") : PlainValues.Text(value);

    private static string Describe(Filter filter) => filter switch
    {
        AndFilter and => $"And({string.Join(", ", and.Operands.Select(Describe))})",
        OrFilter or => $"Or({string.Join(", ", or.Operands.Select(Describe))})",
        NotFilter not => $"Not({Describe(not.Operand)})",
        AttributeFilter a => $"{a.Attribute} {a.Operator} {(a.Operand.Value.IsArray ? a.Operand.Value.Kind : PlainValues.Text(a.Operand.Value))}",
        _ => filter.ToString(),
    };
}
