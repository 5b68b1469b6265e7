using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// `limit.per` where one group crowds the top of every ranking: 1,900 of 2,000 documents are of kind 0 and better than all others, which are of 50 more
/// kinds; in two segments and a tail.
/// </summary>
public sealed class LimitPerTests
{
    private const string Name = "docs";
    private const int Crowd = 1_900;
    private const int Documents = 2_000;

    public static TheoryData<string> Rankings => ["order", "descending", "ANN", "kNN", "BM25", "BM25 and more", "expression", "sparse"];

    [Theory]
    [MemberData(nameof(Rankings))]
    public async Task Rows_are_full_when_one_group_crowds_the_top(string ranking)
    {
        await using var fixture = new EngineFixture();
        var engine = await FillAsync(fixture);
        var request = RequestOf(ranking) with { Select = new AttributeSelection(false, ["kind"], null) };
        var all = (await engine.QueryAsync(Name, request with { Limit = Documents }, Consistency.Strong)).Rows!;
        Assert.Equal(Documents, all.Count);
        if (ranking != "descending")
        {
            Assert.All(all.Take(Crowd), row => Assert.Equal(0, KindOf(row)));
        }

        foreach (var (total, per) in new[] { (10, 1), (52, 1), (60, 2), (100, 7), (1_950, 1_900) })
        {
            var used = new Dictionary<long, int>();
            var expected = all.Where(row => (used[KindOf(row)] = used.GetValueOrDefault(KindOf(row)) + 1) <= per).ToArray();
            var limited = request with { Limit = total, LimitPer = new LimitPer(["kind"], per) };
            var rows = (await engine.QueryAsync(Name, limited, Consistency.Strong)).Rows!;
            Assert.Equal(expected.Take(total).Select(r => (r.Id, r.Distance)), rows.Select(r => (r.Id, r.Distance)));
            var page = (await engine.QueryAsync(Name, limited with { Offset = 5 }, Consistency.Strong)).Rows!;
            Assert.Equal(expected.Skip(5).Take(total).Select(r => r.Id), page.Select(r => r.Id));
        }
    }

    [Fact]
    public async Task A_group_that_crowds_the_top_costs_one_round()
    {
        await using var fixture = new EngineFixture();
        var engine = await FillAsync(fixture);
        var request = RequestOf("order") with { Limit = 10, LimitPer = new LimitPer(["kind"], 1), Select = new AttributeSelection(true, null, null) };
        string plan = await engine.ExplainAsync(Name, new MultiQueryRequest([request]), Consistency.Strong);
        Assert.Contains("in 2 segments and 1 tails", plan, StringComparison.Ordinal);
        Assert.Contains("limit per \"kind\": 1 rows of each, found in 2 rounds of ranking", plan, StringComparison.Ordinal);
    }

    private static long KindOf(ResultRow row) => row.Attributes.Single(a => a.Key == "kind").Value.AsInt;

    private static async Task<PuffEngine> FillAsync(EngineFixture fixture)
    {
        var engine = await fixture.OpenAsync();
        var schema = new SchemaUpdate(
        [
            new("body") { Type = "string", FullText = new FullTextUpdate(true) }, new("words") { Type = "{}f16", SparseKnn = true },
            new("worth") { Type = "float" }, new("vector") { Type = "[2]f32", Ann = true },
        ]);
        for (int part = 0; part < 3; part++)
        {
            var rows = Enumerable.Range(0, Documents).Where(i => i % 3 == part).Select(Row).ToArray();
            await engine.WriteAsync(Name, new WriteRequest { Schema = schema, DistanceMetric = DistanceMetric.EuclideanSquared, Upserts = rows });
            if (part < 2)
            {
                await fixture.FlushAsync(Name);
            }
        }

        // The writer need not hear of segments soon; a node that comes new begins with them.
        return await fixture.OpenAsync();
    }

    private static DocumentRow Row(int i) => EngineFixture.Row(
        (ulong)i, ("kind", Value.Int(i < Crowd ? 0 : 1 + i % 50)), ("worth", Value.Float(Documents - i)), ("vector", Value.Vector([1, i / 4f])),
        ("body", Value.String(i < Crowd ? "whale whale whale" : $"whale and {i % 17} more words of a longer text {(i % 2 == 0 ? "whale" : "")}")),
        ("words", VectorQueryTests.Sparse(("whale", i < Crowd ? 100 : 1 + i % 7))));

    private static QueryRequest RequestOf(string ranking)
    {
        var text = new Bm25Score("body", "whale", null, false);
        var near = new VectorOperand([1, 0], 2, false);
        var all = new AttributeFilter("id", FilterOperator.Gte, Value.UInt(0));
        var more = new SumScore([text, new ProductScore(0, new FilterScore(all)), new FilterScore(all)]);
        return ranking switch
        {
            "order" => new QueryRequest { RankBy = QueryFixture.Order(("worth", true)) },
            "descending" => new QueryRequest { RankBy = QueryFixture.Order(("kind", true), ("worth", false)) },
            "ANN" => new QueryRequest { RankBy = new VectorRank("vector", near, Exact: false) },
            "kNN" => new QueryRequest { RankBy = new VectorRank("vector", near, Exact: true), Filters = all },
            "BM25" => new QueryRequest { RankBy = new ScoreRank(text) },
            "BM25 and more" => new QueryRequest { RankBy = new ScoreRank(more) },
            "sparse" => new QueryRequest { RankBy = new ScoreRank(new SparseScore("words", VectorQueryTests.Sparse(("whale", 1)).AsSparse)) },
            _ => new QueryRequest { RankBy = new ScoreRank(new MaxScore([new AttributeScore("worth"), new ConstantScore(0)])) },
        };
    }
}
