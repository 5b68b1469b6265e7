using System.Text;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Turbopuffer;
using Xunit;

namespace Puff.Server.Tests.Turbopuffer;

public class QueryParserTests
{
    [Fact]
    public void Vector_rankings_take_numbers_base64_and_several_vectors()
    {
        var rank = Assert.IsType<VectorRank>(Rank("""["v", "ANN", [0.1, 2]]"""));
        Assert.Equal(("v", false, false), (rank.Attribute, rank.Exact, rank.Vector.IsMulti));
        Assert.Equal([0.1f, 2f], rank.Vector.Data);
        Assert.True(Assert.IsType<VectorRank>(Rank("""["v", "kNN", "AACAPw=="]""")).Exact);
        Assert.Equal([1f], Assert.IsType<VectorRank>(Rank("""["v", "kNN", "AACAPw=="]""")).Vector.Data);
        foreach (string many in new[] { "[[1, 2], [3, 4]]", "[\"AACAPwAAAEA=\", [3, 4]]" })
        {
            var operand = Assert.IsType<VectorRank>(Rank($"""["v", "ANN", {many}]""")).Vector;
            Assert.True(operand.IsMulti);
            Assert.Equal(2, operand.Dimensions);
            Assert.Equal([1f, 2f, 3f, 4f], operand.Data);
        }
    }

    [Fact]
    public void Orders_are_a_pair_or_a_list_of_pairs()
    {
        Assert.Equal([new OrderKey("a", true)], Assert.IsType<OrderRank>(Rank("""["a", "desc"]""")).Keys);
        Assert.Equal([new OrderKey("a", true), new OrderKey("id", false)], Assert.IsType<OrderRank>(Rank("""[["a", "desc"], ["id", "asc"]]""")).Keys);

        // The two-element form wins over functions of the same name.
        Assert.Equal([new OrderKey("Attribute", false)], Assert.IsType<OrderRank>(Rank("""["Attribute", "asc"]""")).Keys);
        Assert.Equal([new OrderKey("Sum", false)], Assert.IsType<OrderRank>(Rank("""["Sum", "asc"]""")).Keys);
    }

    [Fact]
    public void Score_expressions_nest()
    {
        var sum = Assert.IsType<SumScore>(Score("""
            ["Sum", [["t", "BM25", "quick fox", {"last_as_prefix": true}], ["Product", 2, ["t", "BM25", ["a", "b"]]], ["Product", ["c", "Eq", 1], 0.5],
                     ["Max", [0, ["Attribute", "clicks"]]], ["Max", 1, ["Attribute", "clicks"]], ["s", "SparseKNN", {"x": 1}],
                     ["Saturate", ["Attribute", "a"], {"midpoint": 3, "exponent": 2}],
                     ["Decay", ["Dist", ["Attribute", "at"], "2026-01-01"], {"midpoint": "6h"}], ["And", [["a", "Eq", 1]]]]]
            """));
        var bm25 = Assert.IsType<Bm25Score>(sum.Terms[0]);
        Assert.Equal(("t", "quick fox", true), (bm25.Attribute, bm25.Text, bm25.LastAsPrefix));
        Assert.Equal(["a", "b"], Assert.IsType<Bm25Score>(Assert.IsType<ProductScore>(sum.Terms[1]).Term).Tokens);
        Assert.Equal(0.5, Assert.IsType<ProductScore>(sum.Terms[2]).Weight);
        Assert.IsType<FilterScore>(Assert.IsType<ProductScore>(sum.Terms[2]).Term);
        Assert.Equal(new ConstantScore(0), Assert.IsType<MaxScore>(sum.Terms[3]).Terms[0]);
        Assert.Equal([new ConstantScore(1), new AttributeScore("clicks")], Assert.IsType<MaxScore>(sum.Terms[4]).Terms);
        Assert.Equal([1f], Assert.IsType<SparseScore>(sum.Terms[5]).Query.Weights);
        Assert.Equal(new SaturateScore(new AttributeScore("a"), new ScoreNumber(3), 2), sum.Terms[6]);
        var decay = Assert.IsType<DecayScore>(sum.Terms[7]);
        Assert.Equal((new ScoreNumber(0, "6h"), 1.0), (decay.Midpoint, decay.Exponent));
        Assert.Equal("2026-01-01", Assert.IsType<DistScore>(decay.Term).Origin.AsString);
        Assert.IsType<AndFilter>(Assert.IsType<FilterScore>(sum.Terms[8]).Filter);
    }

    [Fact]
    public void A_bare_clause_or_filter_is_a_score()
    {
        Assert.IsType<Bm25Score>(Score("""["t", "BM25", "x"]"""));
        Assert.IsType<SparseScore>(Score("""["s", "SparseKNN", {}]"""));
        Assert.IsType<FilterScore>(Score("""["species", "Eq", "whale"]"""));
        Assert.IsType<FilterScore>(Score("""["Sum", "Eq", "whale"]"""));
        Assert.IsType<FilterScore>(Score("""["Attribute", "Eq", "whale"]"""));
        Assert.IsType<AttributeScore>(Score("""["Attribute", "Eq"]"""));
        Assert.IsType<FilterScore>(Score("""["Not", ["a", "Eq", 1]]"""));
    }

    [Theory]
    [InlineData("""{"limit": 5}""")]
    [InlineData("""{"top_k": 5}""")]
    [InlineData("""{"limit": {"total": 5}}""")]
    [InlineData("""{"limit": {"total": 5, "per": null}}""")]
    [InlineData("""{"limit": 5, "top_k": 5}""")]
    public void Limits_have_three_forms(string body) => Assert.Equal(5, Single(body).Limit);

    [Fact]
    public void Limits_out_of_range_reach_the_engine()
    {
        Assert.Equal(0, Single("""{"limit": 0}""").Limit);
        Assert.Equal(long.MaxValue, Single("""{"limit": 18446744073709551615}""").Limit);
        Assert.Null(Single("{}").Limit);
        var per = Single("""{"limit": {"total": 5, "per": {"attributes": ["a"], "limit": 2}}}""").LimitPer!;
        Assert.Equal((2, "a"), (per.Limit, Assert.Single(per.Attributes)));
    }

    [Fact]
    public void Selections_are_read()
    {
        Assert.Equal(AttributeSelection.None, Single("{}").Select);
        Assert.Equal(AttributeSelection.None, Single("""{"include_attributes": false}""").Select);
        Assert.True(Single("""{"include_attributes": true}""").Select.All);
        Assert.Equal(["a", "b"], Single("""{"include_attributes": ["a", "b"]}""").Select.Include);
        var exclude = Single("""{"exclude_attributes": ["a"]}""").Select;
        Assert.False(exclude.All);
        Assert.Equal(["a"], exclude.Exclude);
    }

    [Fact]
    public void Aggregations_and_groups_are_read()
    {
        var query = Single("""
            {"aggregate_by": {"n": ["Count"], "m": ["Count", "id"], "s": ["Sum", "x"]}, "group_by": ["color", {"tag": ["ForEachUnique", "tags"]}], "limit": 3}
            """);
        Aggregation[] expected = [new("n", AggregateFunction.Count, null), new("m", AggregateFunction.Count, null), new("s", AggregateFunction.Sum, "x")];
        Assert.Equal(expected, query.AggregateBy);
        Assert.Equal([new GroupKey("color", "color", false), new GroupKey("tag", "tags", true)], query.GroupBy);
        Assert.Null(Single("""{"aggregate_by": {"n": ["Count"]}, "group_by": []}""").GroupBy);
    }

    [Fact]
    public void Computed_attributes_are_read()
    {
        var computed = Single("""
            {"compute_attributes": {"d": ["v", "VectorDist", [1, 2]], "s": ["t", "BM25", "x"], "h": ["Highlight", "t"],
                                    "o": ["Highlight", "t", {"fragment_by": "word", "fragment_limit": 2, "include_offsets": "utf-8",
                                                             "rank_fragments_by": ["$fragment", "BM25", "q"]}],
                                    "a": ["Highlight", "BM25", "x"]}}
            """).ComputeAttributes!;
        Assert.Equal([1f, 2f], Assert.IsType<ComputedVectorDistance>(computed[0]).Vector.Data);
        Assert.IsType<Bm25Score>(Assert.IsType<ComputedScore>(computed[1]).Expression);
        Assert.Equal(new ComputedHighlight("h", "t"), computed[2]);
        Assert.Equal(
            new ComputedHighlight("o", "t")
            {
                FragmentBy = FragmentUnit.Word,
                FragmentLimit = 2,
                Offsets = OffsetUnit.Utf8,
                RankFragmentsBy = new Bm25Score("$fragment", "q", null, false),
            },
            computed[3]);
        Assert.Equal("Highlight", Assert.IsType<Bm25Score>(Assert.IsType<ComputedScore>(computed[4]).Expression).Attribute);
    }

    [Fact]
    public void Several_queries_share_consistency_and_encoding()
    {
        var parsed = Parse("""
            {"queries": [{"rank_by": ["id", "asc"], "limit": 1}, {"aggregate_by": {"n": ["Count"]}}], "consistency": {"level": "eventual"},
             "vector_encoding": "base64", "rerank_by": ["RRF", {"rank_constant": 10, "weights": [2, 1]}], "limit": 7}
            """);
        Assert.True(parsed.IsMulti);
        Assert.Equal(2, parsed.Request.Queries.Count);
        Assert.Equal(Consistency.Eventual, parsed.Consistency);
        Assert.True(parsed.Base64Vectors);
        Assert.Equal(10, parsed.Request.Fusion!.RankConstant);
        Assert.Equal([2, 1], parsed.Request.Fusion.Weights);
        Assert.Equal(7, parsed.Request.Limit);
        Assert.Equal(new RankFusion(), Parse("""{"queries": [{}], "rerank_by": ["RRF"]}""").Request.Fusion);
        Assert.False(Parse("""{"rank_by": ["id", "asc"], "queries": null}""").IsMulti);
    }

    [Theory]
    [InlineData("""{"consistency": "eventual"}""", "invalid type: string \"eventual\", expected struct Consistency")]
    [InlineData("""{"consistency": {"level": "nonexistentvalue"}}""", "unknown variant `nonexistentvalue`, expected `strong` or `eventual`")]
    [InlineData("""{"consistency": {}}""", "missing field `level`")]
    [InlineData("""{"vector_encoding": "hex"}""", "unknown variant `hex`, expected `float` or `base64`")]
    [InlineData("""{"limit": "5"}""", "invalid type: string \"5\"")]
    [InlineData("""{"limit": -1}""", "invalid type: integer `-1`")]
    [InlineData("""{"limit": 1.5}""", "invalid type: floating point `1.5`")]
    [InlineData("""{"top_k": {"total": 5}}""", "invalid type: map")]
    [InlineData("""{"limit": {"per": {"attributes": [], "limit": 1}}}""", "missing field `total`")]
    [InlineData("""{"rank_by": ["id", "asc"], "aggregate_by": {"n": ["Count"]}}""", "cannot be used together")]
    [InlineData("""{"aggregate_by": {"n": ["Median", "x"]}}""", "unknown variant `Median`, expected one of `Count`, `Sum`, `Min`, ")]
    [InlineData("""{"rank_by": ["a", "ann", [1]]}""", "unknown variant `ann`")]
    [InlineData("""{"rank_by": ["a"]}""", "rank_by")]
    [InlineData("""{"rank_by": [1]}""", "rank_by")]
    [InlineData("""{"rank_by": [["a", "up"]]}""", "unknown variant `up`, expected `asc` or `desc`")]
    [InlineData("""{"rank_by": "id"}""", "invalid type: string \"id\", expected a sequence")]
    [InlineData("""{"rank_by": ["v", "ANN", {"x": 1}]}""", "expected a vector")]
    [InlineData("""{"include_attributes": "a"}""", "expected a boolean or a sequence of strings")]
    [InlineData("""{"include_attributes": [1]}""", "expected a string")]
    [InlineData("""{"queries": {}}""", "expected a sequence")]
    [InlineData("""{"queries": [[]]}""", "expected struct Query")]
    [InlineData("""{"rerank_by": ["Other"], "queries": [{}]}""", "unknown variant `Other`, expected `RRF`")]
    [InlineData("""{"group_by": [{"t": ["Other", "a"]}]}""", "unknown variant `Other`, expected `ForEachUnique`")]
    [InlineData("""{"compute_attributes": {"h": ["Highlight", "t", {"fragment_by": "line"}]}}""", "unknown variant `line`")]
    [InlineData("""{"compute_attributes": {"d": ["v", "VectorDist", ["Embed", "x"]]}}""", "Embed")]
    [InlineData("[]", "expected struct Query")]
    public void A_wrong_shape_is_malformed(string body, string text) => Fails(ErrorKind.Malformed, body, text);

    [Theory]
    [InlineData("""{"limit": null}""", "null")]
    [InlineData("""{"limit": 5, "top_k": 6}""", "top_k")]
    [InlineData("""{"include_attributes": ["a"], "exclude_attributes": ["b"]}""", "together")]
    [InlineData("""{"include_attributes": true, "exclude_attributes": ["b"]}""", "together")]
    [InlineData("""{"exclude_attributes": ["id"]}""", "cannot be excluded")]
    [InlineData("""{"aggregate_by": {"n": ["Count"]}, "include_attributes": ["a"]}""", "include_attributes")]
    [InlineData("""{"aggregate_by": {"n": ["Count"]}, "top_k": 5}""", "top_k")]
    [InlineData("""{"aggregate_by": {"n": ["Count", "a"]}}""", "Count")]
    [InlineData("""{"rank_by": []}""", "empty")]
    [InlineData("""{"rank_by": [["a","asc"],["a","asc"],["a","asc"],["a","asc"],["a","asc"],["a","asc"],["a","asc"],["a","asc"],["a","asc"]]}""", "at most 8")]
    [InlineData("""{"rank_by": ["v", "ANN", [1], 2]}""", "another element")]
    [InlineData("""{"rank_by": ["v", "ANN", ["Embed", "text"]]}""", "Embed")]
    [InlineData("""{"rank_by": ["v", "ANN", [1, "x"]]}""", "not a number")]
    [InlineData("""{"rank_by": ["v", "ANN", "AAAA"]}""", "4 bytes")]
    [InlineData("""{"rank_by": ["Sum", [["v", "ANN", [1]]]]}""", "rerank_by")]
    [InlineData("""{"rank_by": ["Sum", [1]]}""", "Sum")]
    [InlineData("""{"rank_by": ["Sum", []]}""", "at least one")]
    [InlineData("""{"rank_by": ["Product", -1, ["a", "Eq", 1]]}""", "negative")]
    [InlineData("""{"rank_by": ["Product", 1, 2]}""", "one number and one expression")]
    [InlineData("""{"rank_by": ["Max", [-1, ["Attribute", "a"]]]}""", "negative")]
    [InlineData("""{"rank_by": ["Saturate", ["Attribute", "a"], {}]}""", "midpoint")]
    [InlineData("""{"queries": []}""", "between 1 and 16")]
    [InlineData("""{"queries": [{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}""", "between 1 and 16")]
    [InlineData("""{"queries": [{}], "rank_by": ["id", "asc"]}""", "rank_by")]
    [InlineData("""{"queries": [{}], "rerank_by": ["RRF"], "limit": {"total": 9, "per": {"attributes": ["a"], "limit": 1}}}""", "limit.per")]
    [InlineData("""{"rerank_by": ["RRF"], "rank_by": ["id", "asc"]}""", "queries")]
    [InlineData("""{"compute_attributes": {"h": ["Highlight", "t", {"fragment_limit": 0}]}}""", "fragment_limit")]
    public void What_cannot_be_meant_is_invalid(string body, string text) => Fails(ErrorKind.Invalid, body, text);

    [Fact]
    public void Depth_of_expressions_is_bounded()
    {
        static string Nested(int levels) =>
            string.Concat(Enumerable.Repeat("""["Product",1,""", levels - 1)) + """["a","Eq",1]""" + new string(']', levels - 1);
        Assert.IsType<ProductScore>(Score(Nested(64)));
        Fails(ErrorKind.Invalid, $$"""{"rank_by": {{Nested(65)}}}""", "64 levels");
    }

    [Fact]
    public void Recall_has_defaults_and_takes_vector_rankings_only()
    {
        Assert.Equal(new RecallRequest(), RecallParser.Parse(default));
        Assert.Equal(new RecallRequest(), RecallParser.Parse("{}"u8));
        var request = RecallParser.Parse("""{"num": 3, "top_k": 2, "filters": ["a", "Eq", 1], "include_ground_truth": true}"""u8);
        Assert.Equal((3, 2, true), (request.Samples, request.TopK, request.IncludeGroundTruth));
        Assert.IsType<AttributeFilter>(request.Filters);
        Assert.Equal(1, RecallParser.Parse("""{"rank_by": ["v", "ANN", [1]]}"""u8).Samples);
        Assert.Throws<PuffException>(() => RecallParser.Parse("""{"rank_by": ["v", "ANN", [1]], "num": 2}"""u8));
        Assert.Throws<PuffException>(() => RecallParser.Parse("""{"rank_by": ["id", "asc"]}"""u8));
    }

    [Fact]
    public void Metadata_patches_are_read()
    {
        Assert.Equal(new() { SetsPinning = true, PinnedReplicas = 2 }, MetadataPatchParser.Parse("""{"pinning": {"replicas": 2}}"""u8));
        Assert.Equal(new() { SetsPinning = true, PinnedReplicas = 1 }, MetadataPatchParser.Parse("""{"pinning": true}"""u8));
        Assert.Equal(new() { SetsPinning = true }, MetadataPatchParser.Parse("""{"pinning": null}"""u8));
        Assert.Equal(new() { SetsPinning = true }, MetadataPatchParser.Parse("""{"pinning": false}"""u8));
        Assert.Equal(new() { ReadOnly = true }, MetadataPatchParser.Parse("""{"read_only": true}"""u8));
        Assert.Equal(ErrorKind.Malformed, Assert.Throws<PuffException>(() => MetadataPatchParser.Parse("""{"read_only": 1}"""u8)).Kind);
        Assert.Equal(ErrorKind.Malformed, Assert.Throws<PuffException>(() => MetadataPatchParser.Parse("""{"pinning": 1}"""u8)).Kind);
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<PuffException>(() => MetadataPatchParser.Parse("""{"pinning": {"replicas": 0}}"""u8)).Kind);
    }

    [Fact]
    public void Schemas_are_read()
    {
        var attributes = SchemaParser.Parse("""
            {"a": "[]uuid", "v": {"type": "[2]f16", "ann": {"distance_metric": "cosine_distance", "future": 1}},
             "m": {"type": "[][2]f32", "ann": {"late_interaction": true}}, "s": {"type": "{}f16", "sparse_knn": {"distance_metric": "dot_product"}},
             "t": {"type": "string", "filterable": true, "regex": true, "embed": null,
                   "full_text_search": {"tokenizer": "word_v3", "k1": 1.5, "max_token_length": 300, "language": null}},
             "u": {"type": "string", "full_text_search": false, "embed": "model"}}
            """u8).Attributes.ToDictionary(a => a.Name);
        Assert.Equal(("[]uuid", true), (attributes["a"].Type, attributes["a"].IsShorthand));
        Assert.Equal((true, DistanceMetric.CosineDistance), (attributes["v"].Ann, attributes["v"].AnnMetric!.Value));
        Assert.True(attributes["m"].LateInteraction);
        Assert.True(attributes["s"].SparseKnn);
        Assert.Equal(new FullTextUpdate(true) { Tokenizer = "word_v3", K1 = 1.5, MaxTokenLength = 300 }, attributes["t"].FullText);
        Assert.True(attributes["t"].Regex);
        Assert.False(attributes["t"].Embed);
        Assert.False(attributes["u"].FullText!.Enabled);
        Assert.True(attributes["u"].Embed);
        Assert.Throws<PuffException>(() => SchemaParser.Parse("""{"s": {"type": "{}f16", "sparse_knn": {"distance_metric": "cosine_distance"}}}"""u8));
    }

    private static void Fails(ErrorKind kind, string body, string text)
    {
        var error = Assert.Throws<PuffException>(() => Parse(body));
        Assert.True(error.Kind == kind, $"{error.Kind}: {error.Message}");
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    private static ParsedQuery Parse(string body) => QueryParser.Parse(Encoding.UTF8.GetBytes(body));

    private static QueryRequest Single(string body) => Assert.Single(Parse(body).Request.Queries);

    private static RankBy Rank(string rankBy) => Single($$"""{"rank_by": {{rankBy}}}""").RankBy!;

    private static ScoreExpression Score(string rankBy) => Assert.IsType<ScoreRank>(Rank(rankBy)).Expression;
}
