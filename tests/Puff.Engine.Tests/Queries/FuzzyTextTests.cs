using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>BM25 with fuzziness finds misspelt words, in segments and in the tail, and gives them less than the right ones.</summary>
public sealed class FuzzyTextTests
{
    private const string Name = "docs";

    private static readonly string[] Texts = ["we receive letters", "we recieve letters", "we recieved letters", "nothing of that", "a cat", "a car"];

    [Theory]
    [InlineData(0, "receive", 0UL)]
    [InlineData(1, "receive", 0UL)]
    [InlineData(2, "receive", 0UL, 1UL)]
    [InlineData(2, "recieve", 1UL, 2UL, 0UL)]
    [InlineData(1, "recieve", 1UL, 2UL)]
    [InlineData(2, "cat", 4UL, 5UL)]
    [InlineData(0, "cat", 4UL)]
    [InlineData(2, "receive cat", 4UL, 0UL, 5UL, 1UL)]
    public async Task Words_that_are_nearly_the_same_are_found(int fuzziness, string query, params ulong[] expected)
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        var schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]);
        for (int first = 0; first < Texts.Length; first += 3)
        {
            var rows = Texts.Skip(first).Take(3).Select((t, i) => new DocumentRow(Value.UInt((ulong)(first + i)), [new("body", Value.String(t))]));
            await engine.WriteAsync(Name, new WriteRequest { Schema = schema, Upserts = [.. rows] });
            if (first == 0)
            {
                await fixture.FlushAsync(Name);
            }
        }

        var score = new Bm25Score("body", query, null, false) { Fuzziness = fuzziness };
        // The writer goes on answering from its own tail; an engine opened now reads the segment too.
        await using var reader = await fixture.OpenAsync();
        foreach (var asked in new[] { engine, reader })
        {
            var result = await asked.QueryAsync(Name, new QueryRequest { RankBy = new ScoreRank(score), Limit = 10 }, Consistency.Strong);
            Assert.Equal(expected, result.Rows!.Select(r => r.Id.AsUInt));
        }
    }

    [Fact]
    public async Task More_than_two_edits_are_refused()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        var schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]);
        await engine.WriteAsync(Name, new WriteRequest { Schema = schema, Upserts = [new DocumentRow(Value.UInt(1), [new("body", Value.String("a"))])] });
        var score = new Bm25Score("body", "a", null, false) { Fuzziness = 3 };
        var error = await Assert.ThrowsAsync<PuffException>(
            async () => await engine.QueryAsync(Name, new QueryRequest { RankBy = new ScoreRank(score), Limit = 10 }, Consistency.Strong));
        Assert.Contains("fuzziness", error.Message, StringComparison.Ordinal);
    }
}
