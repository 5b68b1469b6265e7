using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Tests.Namespaces;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Queries;

/// <summary>
/// Full-text queries against the model while documents are written, patched and deleted, tails flushed and segments merged. A failure names its seed; the same
/// seed gives the same failure.
/// </summary>
public sealed class TextModelTests
{
    private const string Name = "docs";
    private const int Steps = 24;
    private const int QueriesOfStep = 6;
    private const int Ids = 260;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public Task Answers_equal_the_model(int seed) => RunAsync(seed, words: 40);

    [Fact]
    public Task Answers_equal_the_model_with_many_words() => RunAsync(5, words: 3_000);

    private static async Task RunAsync(int seed, int words)
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MergeFanIn = 3 };
        var engine = await fixture.OpenAsync();
        var run = new Run(seed, words);
        await engine.WriteAsync(Name, new WriteRequest { Schema = new SchemaUpdate(run.Schema), Upserts = [run.NextRow()] });
        for (int step = 0; step < Steps; step++)
        {
            await engine.WriteAsync(Name, run.NextWrite());
            if (run.Random.Next(2) == 0)
            {
                await fixture.FlushAsync(Name);
            }

            if (run.Random.Next(4) == 0)
            {
                await fixture.MergeAsync(Name);
            }

            // The writer goes on answering from its own tail; an engine opened now reads the segments.
            await using var reader = await fixture.OpenAsync();
            var model = new TextModel(run.Documents, run.SettingsOf);
            for (int i = 0; i < QueriesOfStep; i++)
            {
                await CompareAsync(i % 2 == 0 ? reader : engine, model, run, $"seed {seed}, step {step}, query {i}");
            }
        }
    }

    private static async Task CompareAsync(PuffEngine engine, TextModel model, Run run, string where)
    {
        var filter = run.Random.Next(3) == 0 ? run.NextFilter(2) : null;
        var expression = run.NextScore(2);
        int limit = 1 + run.Random.Next(run.Random.Next(4) == 0 ? Ids : 12);
        var request = new QueryRequest { RankBy = new ScoreRank(expression), Filters = filter, Limit = limit };
        var result = await engine.QueryAsync(Name, request, Consistency.Strong);
        var expected = model.Rank(expression, filter).Take(limit).ToArray();
        string what = $"{where}: {expression} {filter}";
        Assert.True(expected.Length == result.Rows!.Count, $"{what}: {result.Rows.Count} rows instead of {expected.Length}");
        for (int i = 0; i < expected.Length; i++)
        {
            var row = result.Rows[i];
            Assert.True(Math.Abs(row.Distance!.Value - expected[i].Score) <= 1e-6 * Math.Max(1, expected[i].Score), $"{what}: row {i} is {row}");
            Assert.True(
                row.Id.AsUInt == expected[i].Id || Math.Abs(expected.Single(e => e.Id == row.Id.AsUInt).Score - expected[i].Score) < 1e-9,
                $"{what}: row {i} is {row.Id} instead of {expected[i].Id}");
        }

        var token = run.NextFilter(2);
        var ids = await EngineFixture.IdsAsync(engine, Name, token);
        Assert.Equal(run.Documents.Keys.Where(id => model.Matches(token, id)).Order(), ids);
    }

    private sealed class Run(int seed, int words)
    {
        private static readonly string[] Attributes = ["body", "tags", "raw"];

        public Xorshift Random { get; } = new(seed);

        public Dictionary<ulong, IReadOnlyDictionary<string, Value>> Documents { get; } = [];

        public AttributeUpdate[] Schema { get; } =
        [
            new("body") { Type = "string", FullText = new FullTextUpdate(true) },
            new("tags") { Type = "[]string", FullText = new FullTextUpdate(true) { CaseSensitive = true, K1 = 0.9, B = 0.4 } },
            new("raw") { Type = "[]string", FullText = new FullTextUpdate(true) { Tokenizer = "pre_tokenized_array" } },
            new("kind") { Type = "uint" },
        ];

        public FullTextSettings SettingsOf(string attribute) => attribute switch
        {
            "body" => new FullTextSettings(),
            "tags" => new FullTextSettings { CaseSensitive = true, K1 = 0.9, B = 0.4 },
            _ => new FullTextSettings { Tokenizer = "pre_tokenized_array", CaseSensitive = true },
        };

        public DocumentRow NextRow()
        {
            ulong id = (ulong)Random.Next(Ids);
            var values = new Dictionary<string, Value> { ["kind"] = Value.Int(Random.Next(3)) };
            foreach (string attribute in Attributes)
            {
                if (Random.Next(6) > 0)
                {
                    values[attribute] = NextValue(attribute);
                }
            }

            Documents[id] = values;
            return EngineFixture.Row(id, [.. values.Select(v => (v.Key, v.Value))]);
        }

        public WriteRequest NextWrite()
        {
            var upserts = Enumerable.Range(0, 1 + Random.Next(60)).Select(_ => NextRow()).GroupBy(r => r.Id.AsUInt).Select(g => g.Last()).ToArray();
            var taken = upserts.Select(u => u.Id.AsUInt).ToHashSet();
            var patches = new List<DocumentRow>();
            var deletes = new List<Value>();
            for (int i = Random.Next(20); i > 0; i--)
            {
                ulong id = (ulong)Random.Next(Ids);
                if (!taken.Add(id))
                {
                    continue;
                }

                if (Random.Next(2) == 0)
                {
                    deletes.Add(Value.UInt(id));
                    Documents.Remove(id);
                }
                else
                {
                    string attribute = Attributes[Random.Next(Attributes.Length)];
                    var value = Random.Next(4) == 0 ? Value.Null : NextValue(attribute);
                    patches.Add(EngineFixture.Row(id, (attribute, value)));
                    if (Documents.TryGetValue(id, out var old))
                    {
                        Documents[id] = new Dictionary<string, Value>(old) { [attribute] = value };
                    }
                }
            }

            return new WriteRequest { Upserts = upserts, Patches = patches, Deletes = deletes };
        }

        public ScoreExpression NextScore(int depth) => Random.Next(depth > 0 ? 14 : 4) switch
        {
            < 4 => NextText(),
            8 => new SaturateScore(NextScore(depth - 1), new ScoreNumber(1 + Random.Next(3)), 0.5 + Random.Next(3)),
            9 => new SumScore([NextText(), new FilterScore(NextFilter(0)), new ProductScore(1.5, new FilterScore(NextFilter(0)))]),
            10 => new SumScore([NextText(), new DecayScore(new AttributeScore("kind"), new ScoreNumber(2), 1)]),
            12 => new SumScore([NextText(), new ProductScore(0.5 + Random.Next(3), new AttributeScore("kind"))]),
            13 => new SumScore([new SaturateScore(new AttributeScore("kind"), new ScoreNumber(2), 1), new DistScore("kind", Value.Int(1)), NextText()]),
            11 => new SumScore([NextScore(depth - 1), new SaturateScore(NextText(), new ScoreNumber(2), 1)]),
            4 or 5 => new SumScore([.. Enumerable.Range(0, 1 + Random.Next(3)).Select(_ => NextScore(depth - 1))]),
            6 => new MaxScore([NextScore(depth - 1), Random.Next(2) == 0 ? new FilterScore(NextFilter(0)) : NextScore(depth - 1)]),
            _ => new ProductScore((1 + Random.Next(4)) / 2.0, NextScore(depth - 1)),
        };

        public Filter NextFilter(int depth)
        {
            switch (Random.Next(depth > 0 ? 5 : 3))
            {
                case 3:
                    return new NotFilter(NextFilter(depth - 1));
                case 4:
                    return new AndFilter([NextFilter(depth - 1), NextFilter(depth - 1)]);
                case 0 when Random.Next(2) == 0:
                    return new AttributeFilter("kind", FilterOperator.Eq, Value.Int(Random.Next(3)));
                default:
                    string attribute = Attributes[Random.Next(Attributes.Length)];
                    FilterOperator[] operators = [FilterOperator.ContainsAllTokens, FilterOperator.ContainsAnyToken, FilterOperator.ContainsTokenSequence];
                    var operand = attribute == "raw" || Random.Next(4) == 0
                        ? Value.StringArray([.. NextWords(1 + Random.Next(3)).Select(System.Text.Encoding.UTF8.GetBytes)])
                        : Value.String(string.Join(' ', NextWords(Random.Next(4))));
                    return new AttributeFilter(attribute, operators[Random.Next(3)], operand) { LastAsPrefix = Random.Next(3) == 0 };
            }
        }

        private Bm25Score NextText()
        {
            string attribute = Attributes[Random.Next(Attributes.Length)];
            string[] chosen = NextWords(1 + Random.Next(5));
            bool isList = attribute == "raw" || Random.Next(4) == 0;
            return new Bm25Score(attribute, isList ? null : string.Join(' ', chosen), isList ? chosen : null, Random.Next(4) == 0);
        }

        private Value NextValue(string attribute) => attribute == "body"
            ? Value.String(string.Join(Random.Next(5) == 0 ? " - " : " ", NextWords(Random.Next(30))))
            : Value.StringArray([.. Enumerable.Range(0, 1 + Random.Next(4))
                .Select(_ => System.Text.Encoding.UTF8.GetBytes(string.Join(' ', NextWords(1 + Random.Next(attribute == "raw" ? 1 : 6)))))]);

        private string[] NextWords(int count) => [.. Enumerable.Range(0, count).Select(_ => NextWord())];

        /// <summary>The smaller of three draws: word 0 is common, the last one rare. Some words are too long to be kept.</summary>
        private string NextWord()
        {
            int word = Math.Min(Math.Min(Random.Next(words), Random.Next(words)), Random.Next(words));
            return word % 23 == 7 ? new string('x', 50) : word % 5 == 3 ? $"Word{word}" : $"w{word}é";
        }
    }
}
