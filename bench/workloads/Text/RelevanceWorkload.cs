using System.Globalization;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.TestKit.Text;

namespace Puff.Workloads.Text;

/// <summary>
/// Goal: how good rankings are. Method: nDCG of ten results over the judged queries of a collection, one namespace a language, analysed by default and with
/// stemming. Bound: BM25 written down from its formula, over runs of letters and digits.
/// </summary>
internal static class RelevanceWorkload
{
    private static readonly (string Code, string Stemmer)[] Languages =
    [
        ("en", "english"), ("es", "spanish"), ("de", "german"), ("ru", "russian"), ("ro", "romanian"), ("el", "greek"), ("tr", "turkish"), ("ar", "arabic"),
    ];

    public static async Task RunAsync(Options options)
    {
        string folder = options.Text("collection", Path.Combine(Repository.Root, "tests", "data", "xquad"));
        var all = Read(folder, null);
        if (all is { } whole && Languages.All(l => Read(folder, l.Code) is null))
        {
            await MeasureAsync("all", "english", whole);
            return;
        }

        foreach (var (code, stemmer) in Languages)
        {
            if (Read(folder, code) is { } collection)
            {
                await MeasureAsync(code, stemmer, collection);
            }
        }
    }

    /// <summary>Null when there is nothing of the language, or documents have none.</summary>
    private static JudgedCollection? Read(string folder, string? language)
    {
        try
        {
            return JudgedCollection.Read(folder, language) is { Documents.Count: > 0 } collection ? collection : null;
        }
        catch (KeyNotFoundException)
        {
            return null;
        }
    }

    private static async Task MeasureAsync(string name, string stemmer, JudgedCollection collection)
    {
        var reference = new PlainBm25([.. collection.Documents.Select(PlainBm25.WordsOf)]);
        double plain = collection.MeanNdcg(q => reference.Rank(PlainBm25.WordsOf(q), 10).Select(d => d.Document));
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = new MemoryObjectStore() });
        var schema = new SchemaUpdate(
        [
            new AttributeUpdate("text") { Type = "string", FullText = new FullTextUpdate(true) },
            new AttributeUpdate("stemmed") { Type = "string", FullText = new FullTextUpdate(true) { Language = stemmer, Stemming = true } },
        ]);
        var rows = collection.Documents.Select((text, i) =>
            new DocumentRow(Value.UInt((ulong)i), [new("text", Value.String(text)), new("stemmed", Value.String(text))]));
        await engine.WriteAsync("judged", new WriteRequest { Schema = schema, Upserts = [.. rows] });
        double Ndcg(string attribute) => collection.MeanNdcg(q => Search(engine, attribute, q));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-4} {collection.Documents.Count} documents, {collection.Queries.Count} queries: nDCG@10 {Ndcg("text"):F4}, the formula {plain:F4}; "
            + $"with stemming {Ndcg("stemmed"):F4}"));
    }

    private static IEnumerable<int> Search(PuffEngine engine, string attribute, string query)
    {
        var request = new QueryRequest { RankBy = new ScoreRank(new Bm25Score(attribute, query[..Math.Min(query.Length, 1_024)], null, false)), Limit = 10 };
        return engine.QueryAsync("judged", request, Consistency.Strong).GetAwaiter().GetResult().Rows!.Select(r => (int)r.Id.AsUInt);
    }
}
