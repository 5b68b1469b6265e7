using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.House;
using Puff.TestKit.Text;
using Xunit;

namespace Puff.Engine.Tests.Text;

/// <summary>On questions with known answers, rankings are as good as those of BM25 written down from its formula (nDCG of ten results).</summary>
public sealed class RelevanceTests
{
    private const string Name = "paragraphs";

    /// <param name="language">Of the collection.</param>
    /// <param name="stemmer">Its name in a schema.</param>
    /// <param name="plain">What BM25 over words reaches, computed by another program.</param>
    /// <param name="stemmed">The same with stemming.</param>
    [Theory]
    [InlineData("en", "english", 0.959, 0.966)]
    [InlineData("es", "spanish", 0.949, 0.961)]
    [InlineData("de", "german", 0.915, 0.940)]
    [InlineData("ru", "russian", 0.871, 0.952)]
    public async Task Rankings_are_as_good_as_the_formula(string language, string stemmer, double plain, double stemmed)
    {
        var collection = JudgedCollection.Read(Repository.Resolve("tests/data/xquad"), language);
        var reference = new PlainBm25([.. collection.Documents.Select(PlainBm25.WordsOf)]);
        double expected = collection.MeanNdcg(q => reference.Rank(PlainBm25.WordsOf(q), 10).Select(d => d.Document));
        Assert.Equal(plain, expected, 0.002);

        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        await FillAsync(fixture, engine, collection, stemmer);
        double Ndcg(Func<string, Bm25Score> score) => collection.MeanNdcg(q => SearchAsync(engine, score(q)).GetAwaiter().GetResult());

        // The same words in both: the same ranking.
        Assert.Equal(expected, Ndcg(q => new Bm25Score("words", null, [.. PlainBm25.WordsOf(q).Distinct()], false)), 0.0005);
        Assert.Equal(expected, Ndcg(q => new Bm25Score("text", q, null, false)), 0.005);
        Assert.Equal(stemmed, Ndcg(q => new Bm25Score("stemmed", q, null, false)), 0.005);
    }

    private static async Task FillAsync(EngineFixture fixture, PuffEngine engine, JudgedCollection collection, string stemmer)
    {
        var schema = new SchemaUpdate(
        [
            new AttributeUpdate("text") { Type = "string", FullText = new FullTextUpdate(true) },
            new AttributeUpdate("stemmed") { Type = "string", FullText = new FullTextUpdate(true) { Language = stemmer, Stemming = true } },
            new AttributeUpdate("words") { Type = "[]string", FullText = new FullTextUpdate(true) { Tokenizer = "pre_tokenized_array" } },
        ]);
        for (int half = 0; half < 2; half++)
        {
            int from = half * collection.Documents.Count / 2;
            int to = (half + 1) * collection.Documents.Count / 2;
            await engine.WriteAsync(Name, new WriteRequest { Schema = schema, Upserts = [.. Enumerable.Range(from, to - from).Select(d => Row(collection, d))] });
            if (half == 0)
            {
                await fixture.FlushAsync(Name);
            }
        }
    }

    private static DocumentRow Row(JudgedCollection collection, int document)
    {
        var text = Value.String(collection.Documents[document]);
        byte[][] words = [.. PlainBm25.WordsOf(collection.Documents[document]).Select(System.Text.Encoding.UTF8.GetBytes)];
        return new DocumentRow(Value.UInt((ulong)document), [new("text", text), new("stemmed", text), new("words", Value.StringArray(words))]);
    }

    private static async Task<IEnumerable<int>> SearchAsync(PuffEngine engine, Bm25Score score)
    {
        var result = await engine.QueryAsync(Name, new QueryRequest { RankBy = new ScoreRank(score), Limit = 10 }, Consistency.Strong);
        return result.Rows!.Select(r => (int)r.Id.AsUInt);
    }
}
