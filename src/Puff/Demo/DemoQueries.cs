using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Puff.Demo;

/// <param name="Heading">What the query shows.</param>
/// <param name="Question">What is looked for.</param>
/// <param name="Body">The request.</param>
/// <param name="Shown">The request as a person reads it: vectors abbreviated.</param>
internal sealed record DemoQuery(string Heading, string Question, JsonObject Body, JsonObject Shown);

/// <summary>One vector, one filtered, one full-text and one hybrid query, with questions people really asked.</summary>
internal static class DemoQueries
{
    private const int Rows = 5;

    // Fusion needs more of each ranking than it returns: a row that both know beats one that a single ranking likes best.
    private const int Candidates = 50;

    // Rows of the query file.
    private const int AboutShapefiles = 28;
    private const int AboutLoggingOut = 192;
    private const int AboutCards = 7;
    private const string Words = "recover deleted photos";

    public static IReadOnlyList<DemoQuery> Create(IReadOnlyList<Sample> questions) =>
    [
        Create("1. Vector: the nearest questions by meaning, not by words", questions[AboutShapefiles], (_, vector) => Nearest(vector)),
        Create("2. Filtered: the same, but only forum \"unix\" and at least two known duplicates", questions[AboutLoggingOut], (_, vector) => Filtered(vector)),
        new("3. Full text: BM25 over stemmed words", Words, Ranked(Bm25(Words)), Ranked(Bm25(Words))),
        Create("4. Hybrid: meaning and words, fused by reciprocal rank", questions[AboutCards], Fused),
    ];

    private static JsonArray Bm25(string words) => new("title", "BM25", words);

    private static JsonObject Nearest(JsonNode vector) => Ranked(new JsonArray("vector", "ANN", vector));

    private static JsonObject Filtered(JsonNode vector)
    {
        JsonObject query = Nearest(vector);
        query["filters"] = new JsonArray("And", new JsonArray(new JsonArray("forum", "Eq", "unix"), new JsonArray("duplicates", "Gte", 2)));
        return query;
    }

    private static JsonObject Fused(Sample question, JsonNode vector) => new()
    {
        ["queries"] = new JsonArray(
            Ranked(new JsonArray("vector", "ANN", vector), Candidates), Ranked(Bm25(question.Title), Candidates)),
        ["rerank_by"] = new JsonArray("RRF"),
        ["limit"] = Rows,
    };

    private static DemoQuery Create(string heading, Sample question, Func<Sample, JsonNode, JsonObject> build)
    {
        string beginning = string.Join(", ", question.Vector.Take(3).Select(number => number.ToString("0.###", CultureInfo.InvariantCulture)));
        string exact = Convert.ToBase64String(MemoryMarshal.AsBytes<float>(question.Vector));
        return new DemoQuery(heading, question.Title, build(question, exact), build(question, $"[{beginning}, … {question.Vector.Length} numbers]"));
    }

    private static JsonObject Ranked(JsonArray ranking, int limit = Rows) => new()
    {
        ["rank_by"] = ranking,
        ["limit"] = limit,
        ["include_attributes"] = new JsonArray("title", "forum", "question_id"),
    };
}
