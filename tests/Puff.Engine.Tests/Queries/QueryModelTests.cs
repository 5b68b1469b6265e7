using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>The executor against the model on random namespaces. A failure names its seed; the same seed gives the same failure.</summary>
public sealed class QueryModelTests
{
    private const int Seeds = 40;
    private const int QueriesOfSeed = 25;

    private static readonly string[] Scalars = ["id", "i", "u", "f", "s", "b", "t", "g"];

    [Fact]
    public void Vector_rankings_equal_the_model() => Run((space, model, request) =>
    {
        string attribute = Pick(space.Random, "v", "w", "parts");
        int dimensions = space.Space.Schema.Find(attribute)!.Type.Dimensions;
        bool isMulti = attribute == "parts" && space.Random.Next(2) == 0;
        var operand = new VectorOperand(space.NextQueryVector(dimensions * (isMulti ? 1 + space.Random.Next(3) : 1)), dimensions, isMulti);
        bool isExact = request.Filters is not null && space.Random.Next(2) == 0;
        Compare(space, request with { RankBy = new VectorRank(attribute, operand, isExact) }, model.Nearest(attribute, operand));
    });

    [Fact]
    public void Attribute_orders_equal_the_model() => Run((space, model, request) =>
    {
        var keys = NextOrder(space.Random);
        Compare(space, request with { RankBy = new OrderRank(keys) }, model.Ordered(keys).Select(d => (d.Id, (float?)null)));
    });

    [Fact]
    public void Diversified_rankings_equal_the_model() => Run((space, model, request) =>
    {
        var (rank, ranked) = NextRank(space, model);
        string[] attributes = space.Random.GetItems(Scalars[1..], 1 + space.Random.Next(2));
        var per = new LimitPer(attributes, 1 + space.Random.Next((int)Math.Min(request.Limit!.Value, 3)));
        Compare(space, request with { RankBy = rank, LimitPer = per, Select = new(true, null, null) }, model.Diversified(ranked, per));
    });

    [Fact]
    public void Scores_equal_the_model() => Run((space, model, request) =>
    {
        var tests = new Dictionary<ScoreExpression, Func<FakeDocument, bool>>(ReferenceEqualityComparer.Instance);
        var expression = NextScore(space, tests, 3);
        Compare(space, request with { RankBy = new ScoreRank(expression) }, model.Scored(expression, (part, document) => tests[part](document)));
    });

    [Fact]
    public void Aggregates_equal_the_model() => Run((space, model, request) =>
    {
        var keys = NextKeys(space.Random);
        var functions = NextFunctions(space.Random);
        var result = space.Space.Query(new QueryRequest
        {
            Filters = request.Filters, AggregateBy = functions, GroupBy = keys, Limit = keys.Count == 0 ? null : request.Limit,
        });
        var expected = model.Groups(keys).Take((int)request.Limit!.Value)
            .Select(g => string.Join(",", g.Keys.Select(AggregationTests.Text)) + ":" + Totals(functions, g.Documents));
        Assert.Equal(
            keys.Count == 0 ? expected.DefaultIfEmpty(":" + Totals(functions, [])) : expected,
            keys.Count == 0 ? [":" + Join(result.Aggregations!)]
                : result.Groups!.Select(g => string.Join(",", g.Keys.Select(k => AggregationTests.Text(k.Value))) + ":" + Join(g.Aggregations)));
    });

    [Fact]
    public void Computed_scores_equal_those_of_a_ranking() => Run((space, model, request) =>
    {
        var tests = new Dictionary<ScoreExpression, Func<FakeDocument, bool>>(ReferenceEqualityComparer.Instance);
        var expression = NextScore(space, tests, 3);
        var all = request with { Limit = 1_000, Offset = 0 };
        var ranked = space.Space.Query(all with { RankBy = new ScoreRank(expression) }).Rows!.ToDictionary(r => r.Id, r => r.Distance!.Value);
        ComputedAttribute[] scores = [new ComputedScore("score", expression)];
        var computed = space.Space.Query(all with { RankBy = QueryFixture.Order(("id", false)), ComputeAttributes = scores });
        Assert.All(computed.Rows!, row => Assert.Equal(ranked.GetValueOrDefault(row.Id), (float)row.Attributes.Single().Value.AsFloat));
    });

    private static void Run(Action<RandomNamespace, QueryModel, QueryRequest> check)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            using var space = new RandomNamespace(seed);
            for (int i = 0; i < QueriesOfSeed; i++)
            {
                var (filter, matches) = space.NextFilter();
                int limit = 1 + space.Random.Next(space.Random.Next(2) == 0 ? 5 : 250);
                var request = new QueryRequest { Filters = filter, Limit = limit, Offset = space.Random.Next(4) };
                try
                {
                    check(space, new QueryModel(space.Metric, space.Space.Live.Where(matches)), request);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}, query {i}: {request}", e);
                }
            }
        }
    }

    private static void Compare(RandomNamespace space, QueryRequest request, IEnumerable<(DocumentId Id, float? Distance)> expected)
    {
        var result = space.Space.Query(request);
        Assert.Equal(expected.Skip((int)request.Offset).Take((int)request.Limit!.Value), result.Rows!.Select(r => (r.Id, r.Distance)));
        Assert.Equal(space.Space.Live.Count, result.Cost.ApproxNamespaceSize);
    }

    private static (RankBy Rank, IEnumerable<(DocumentId Id, float? Distance)> Ranked) NextRank(RandomNamespace space, QueryModel model)
    {
        switch (space.Random.Next(3))
        {
            case 0:
                var keys = NextOrder(space.Random);
                return (new OrderRank(keys), model.Ordered(keys).Select(d => (d.Id, (float?)null)));
            case 1:
                var tests = new Dictionary<ScoreExpression, Func<FakeDocument, bool>>(ReferenceEqualityComparer.Instance);
                var expression = NextScore(space, tests, 2);
                return (new ScoreRank(expression), model.Scored(expression, (part, document) => tests[part](document)));
            default:
                var operand = new VectorOperand(space.NextQueryVector(3), 3, false);
                return (new VectorRank("v", operand, Exact: false), model.Nearest("v", operand));
        }
    }

    private static OrderKey[] NextOrder(Random random) =>
        [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => new OrderKey(Pick(random, Scalars), random.Next(2) == 0))];

    private static List<GroupKey> NextKeys(Random random)
    {
        string[] attributes = [.. Scalars[1..], "tags"];
        random.Shuffle(attributes);
        return [.. attributes.Take(random.Next(4)).Select(a => new GroupKey(a + " key", a, a == "tags"))];
    }

    private static ScoreExpression NextScore(RandomNamespace space, Dictionary<ScoreExpression, Func<FakeDocument, bool>> tests, int depth)
    {
        var random = space.Random;
        switch (random.Next(depth > 0 ? 8 : 4))
        {
            case 0:
                var (filter, matches) = space.NextFilter();
                var score = new FilterScore(filter ?? new AndFilter([]));
                tests[score] = matches;
                return score;
            case 1:
                return new SparseScore("words", space.NextSparse().AsSparse);
            case 2:
                return random.Next(2) == 0 ? new DistScore("i", Value.Int(1)) : new DistScore("f", Value.Float(0.25));
            case 3:
                return new MaxScore([new AttributeScore(Pick(random, "i", "f")), new ConstantScore(random.Next(2))]);
            case 4:
                return new SumScore([.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => NextScore(space, tests, depth - 1))]);
            case 5:
                var terms = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => NextScore(space, tests, depth - 1));
                return new MaxScore([.. terms, .. random.Next(2) == 0 ? [new ConstantScore(random.Next(3))] : Array.Empty<ScoreExpression>()]);
            case 6:
                return new ProductScore(1 + random.Next(3), NextScore(space, tests, depth - 1));
            default:
                var dist = new DistScore("t", Value.DateTime(0));
                return random.Next(2) == 0 ? new SaturateScore(dist, new ScoreNumber(2), 1) : new DecayScore(dist, new ScoreNumber(2), 2);
        }
    }

    private static List<Aggregation> NextFunctions(Random random)
    {
        var functions = new List<Aggregation> { new("n", AggregateFunction.Count, null) };
        foreach (string number in new[] { "i", "u", "f" })
        {
            functions.Add(new("sum " + number, AggregateFunction.Sum, number));
            functions.Add(new("mean " + number, AggregateFunction.Avg, number));
        }

        for (int i = random.Next(6); i > 0; i--)
        {
            var function = Pick(random, AggregateFunction.Min, AggregateFunction.Max, AggregateFunction.CountDistinct);
            functions.Add(new($"{function} {i}", function, Pick(random, function == AggregateFunction.CountDistinct ? [.. Scalars, "tags"] : Scalars)));
        }

        return functions;
    }

    private static string Totals(IReadOnlyList<Aggregation> functions, FakeDocument[] documents) =>
        string.Join(" ", functions.Select(f => AggregationTests.Text(QueryModel.Aggregate(f, documents, ZeroOf(f.Attribute)))));

    private static Value ZeroOf(string? attribute) => attribute switch { "i" => Value.Int(0), "u" => Value.UInt(0), _ => Value.Float(0) };

    private static string Join(IReadOnlyList<KeyValuePair<string, Value>> aggregations) =>
        string.Join(" ", aggregations.Select(a => AggregationTests.Text(a.Value)));

    private static T Pick<T>(Random random, params T[] choices) => choices[random.Next(choices.Length)];
}
