using System.Globalization;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>An attribute's value beside BM25: its largest values, in the whole and by 4,096 documents, keep most documents from being scored.</summary>
public sealed class AttributeBesideTextTests
{
    private const string Name = "articles";
    private const int Documents = 13_000;

    /// <summary>Votes are small, but for some in the last documents; every eighth document has the word.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Few_documents_are_scored(bool distance)
    {
        await using var fixture = new EngineFixture();
        await FillAsync(fixture, lowest: 0, type: "uint");
        await using var reader = await fixture.OpenAsync();
        ScoreExpression votes = distance ? new DistScore("votes", Value.Int(0)) : new AttributeScore("votes");
        var request = Request(new SumScore([new Bm25Score("body", "rare", null, false), new ProductScore(0.01, votes)]));
        var rows = (await reader.QueryAsync(Name, request, Consistency.Strong)).Rows!;
        Assert.Equal([12_992UL, 12_984, 12_976, 12_960, 12_968], rows.Select(r => r.Id.AsUInt));
        Assert.InRange(await ScoredAsync(reader, request), 5, 600);
    }

    [Fact]
    public async Task Negative_values_count_nothing_under_a_floor()
    {
        await using var fixture = new EngineFixture();
        await FillAsync(fixture, lowest: -1, type: "int");
        await using var reader = await fixture.OpenAsync();
        var votes = new MaxScore([new ConstantScore(0), new AttributeScore("votes")]);
        var request = Request(new SumScore([new Bm25Score("body", "rare", null, false), new ProductScore(0.01, votes)]));
        Assert.Equal(12_992UL, (await reader.QueryAsync(Name, request, Consistency.Strong)).Rows![0].Id.AsUInt);
        Assert.InRange(await ScoredAsync(reader, request), 5, 600);
    }

    private static QueryRequest Request(ScoreExpression expression) => new() { RankBy = new ScoreRank(expression), Limit = 5 };

    private static async Task FillAsync(EngineFixture fixture, long lowest, string type)
    {
        await using var engine = await fixture.OpenAsync();
        var rows = Enumerable.Range(0, Documents).Select(d => EngineFixture.Row(
            (ulong)d, ("body", Value.String(d % 8 == 0 ? "common rare" : "common")), ("votes", Value.Int(d == 1 ? lowest : d < 12_000 ? d % 50 : d / 10))));
        var schema = new SchemaUpdate(
            [new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }, new AttributeUpdate("votes") { Type = type }]);
        await engine.WriteAsync(Name, new WriteRequest { Schema = schema, Upserts = [.. rows] });
        await fixture.FlushAsync(Name);
    }

    /// <summary>What the plan says; 0 when it says nothing of lists.</summary>
    private static async Task<int> ScoredAsync(PuffEngine engine, QueryRequest request)
    {
        string plan = await engine.ExplainAsync(Name, new MultiQueryRequest([request]), Consistency.Strong);
        const string Before = " candidates, ";
        int at = plan.IndexOf(Before, StringComparison.Ordinal);
        return at < 0 ? 0 : int.Parse(plan[(at + Before.Length)..].Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
