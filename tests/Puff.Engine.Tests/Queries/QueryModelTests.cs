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
    public void Diversified_orders_equal_the_model() => Run((space, model, request) =>
    {
        var keys = NextOrder(space.Random);
        string[] attributes = space.Random.GetItems(Scalars[1..], 1 + space.Random.Next(2));
        var per = new LimitPer(attributes, 1 + space.Random.Next((int)Math.Min(request.Limit!.Value, 3)));
        Compare(space, request with { RankBy = new OrderRank(keys), LimitPer = per, Select = new(true, null, null) },
            model.Diversified(keys, per).Select(d => (d.Id, (float?)null)));
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
        Aggregation[] functions = [new("n", AggregateFunction.Count, null), Sum("i"), Sum("u"), Sum("f")];
        var result = space.Space.Query(new QueryRequest
        {
            Filters = request.Filters, AggregateBy = functions, GroupBy = keys, Limit = keys.Count == 0 ? null : request.Limit,
        });
        var expected = model.Groups(keys).Take((int)request.Limit!.Value)
            .Select(g => string.Join(",", g.Keys.Select(AggregationTests.Text)) + ":" + Totals(g.Documents));
        Assert.Equal(
            keys.Count == 0 ? expected.DefaultIfEmpty(":0 0 0 0") : expected,
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

    private static Aggregation Sum(string attribute) => new("sum " + attribute, AggregateFunction.Sum, attribute);

    private static string Totals(FakeDocument[] documents)
    {
        long ints = documents.Sum(d => d.Get("i").IsNull ? 0 : d.Get("i").AsInt);
        decimal uints = documents.Sum(d => d.Get("u").IsNull ? 0 : (decimal)d.Get("u").AsUInt);
        double floats = documents.Sum(d => d.Get("f").IsNull ? 0 : d.Get("f").AsFloat);
        return $"{documents.Length} {ints} {uints} {floats:R}";
    }

    private static string Join(IReadOnlyList<KeyValuePair<string, Value>> aggregations) =>
        string.Join(" ", aggregations.Select(a => AggregationTests.Text(a.Value)));

    private static T Pick<T>(Random random, params T[] choices) => choices[random.Next(choices.Length)];
}
