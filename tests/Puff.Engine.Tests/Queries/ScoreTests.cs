using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;
using static Puff.Engine.Tests.Queries.VectorQueryTests;

namespace Puff.Engine.Tests.Queries;

public sealed class ScoreTests
{
    private const long Hour = 3_600_000;

    private static readonly ScoreExpression IsWhale = new FilterScore(Where("species", FilterOperator.Eq, Value.String("whale")));

    [Fact]
    public void A_weighted_filter_finds_its_matches_only()
    {
        using var sea = Sea();
        Assert.Equal([(1UL, 2f), (4, 2f)], Scores(sea, new ProductScore(2, IsWhale)));
        Assert.Empty(Scores(sea, new ProductScore(0, IsWhale)));
        Fails(sea, "weight of a Product", new ProductScore(-1, IsWhale));
        Fails(sea, "weight of a Product", new ProductScore(double.NaN, IsWhale));
    }

    [Fact]
    public void Sums_unite_and_maxima_choose()
    {
        using var sea = Sea();
        var words = new SparseScore("words", Sparse(("deep", 3)).AsSparse);
        Assert.Equal([(1UL, 4f), (2, 3f), (4, 1f)], Scores(sea, new SumScore([words, IsWhale])));
        Assert.Equal([(1UL, 3f), (2, 3f), (4, 1f)], Scores(sea, new MaxScore([IsWhale, words])));
        Assert.Equal([(1UL, 3f), (2, 3f), (4, 2f)], Scores(sea, new MaxScore([new ConstantScore(2), IsWhale, words])));
        Fails(sea, "a number can stand only", new SumScore([words, new ConstantScore(1)]));
        Fails(sea, "floor of a Max", new MaxScore([new ConstantScore(-1), words]));
        Fails(sea, "no terms but numbers", new MaxScore([new ConstantScore(1)]));
        Fails(sea, "Sum has no terms", new SumScore([]));
    }

    [Fact]
    public void Attribute_scores_keep_every_row()
    {
        using var sea = Sea();
        Assert.Equal([(3UL, 9f), (1, 4f), (2, 0f), (4, 0f)], Scores(sea, new AttributeScore("votes")));
        Assert.Equal([(1UL, 8f), (2, 5f), (3, 5f), (4, 5f)], Scores(sea, new MaxScore([new ConstantScore(5), new AttributeScore("clicks")])));
        Assert.Equal([(1UL, 8f), (2, 0f), (3, 0f), (4, 0f)], Scores(sea, new MaxScore([new ConstantScore(0), new AttributeScore("clicks")])));
    }

    [Fact]
    public void Signed_attributes_must_be_wrapped()
    {
        using var sea = Sea();
        Fails(sea, "signed type int", new AttributeScore("clicks"));
        Fails(sea, "signed type int", new SumScore([new ProductScore(2, new AttributeScore("clicks"))]));
        Fails(sea, "signed type float", new MaxScore([new AttributeScore("weight"), IsWhale]));
        Fails(sea, "numeric or datetime", new MaxScore([new ConstantScore(0), new AttributeScore("species")]));
        Fails(sea, "the id", new AttributeScore("id"));
        Fails(sea, "\"nobody\"", new AttributeScore("nobody"));
        Assert.Equal(4, Scores(sea, new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(1), 1)).Length);
    }

    [Fact]
    public void Saturation_and_decay_are_halves_at_the_midpoint()
    {
        using var sea = Sea();
        Assert.Equal((1UL, 0.5f), Scores(sea, new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(8), 1))[0]);
        var decay = Scores(sea, new DecayScore(new AttributeScore("clicks"), new ScoreNumber(8), 3));
        Assert.Equal([(2UL, 1f), (3, 1f), (4, 1f), (1, 0.5f)], decay);
        Assert.Equal(0.8f, Scores(sea, new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(4), 2))[0].Score, 1e-6f);
        Assert.Equal(0.2f, Scores(sea, new DecayScore(new AttributeScore("clicks"), new ScoreNumber(4), 2))[3].Score, 1e-6f);
        Fails(sea, "midpoint", new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(0), 1));
        Fails(sea, "exponent", new DecayScore(new AttributeScore("clicks"), new ScoreNumber(1), 0));
        Fails(sea, "is a duration", new SaturateScore(new AttributeScore("clicks"), new ScoreNumber(0, "6h"), 1));
    }

    [Fact]
    public void Distances_in_time_take_durations()
    {
        using var sea = Sea();
        var dist = new DistScore("seen", Value.String("1970-01-01T12:00:00Z"));
        var rows = Scores(sea, new SumScore([new DecayScore(dist, new ScoreNumber(0, "6h"), 1)]));

        // Row 1 was seen at the origin, row 2 six hours before it; rows 3 and 4 were never seen and have no distance.
        Assert.Equal([(1UL, 1f), (2, 0.5f)], rows);
        var united = Scores(sea, new SumScore([IsWhale, new DecayScore(dist, new ScoreNumber(6 * Hour), 1)]));
        Assert.Equal([(1UL, 2f), (4, 1f), (2, 0.5f)], united);
        Fails(sea, "no duration", new DecayScore(dist, new ScoreNumber(0, "6 hours"), 1));
        Fails(sea, "ISO 8601", new DecayScore(dist with { Origin = Value.String("yesterday") }, new ScoreNumber(1), 1));
    }

    [Fact]
    public void Distances_between_numbers_are_absolute()
    {
        using var sea = Sea();
        Assert.Equal([(1UL, 2f)], Scores(sea, new DistScore("clicks", Value.Int(10))));
        Assert.Equal([(3UL, 6f), (1, 1f)], Scores(sea, new DistScore("votes", Value.Int(3))));
        Assert.Equal([(2UL, 4f)], Scores(sea, new DistScore("weight", Value.Float(1.5))));
        Fails(sea, "must be an integer", new DistScore("clicks", Value.Float(1.5)));
        Fails(sea, "must be a number", new DistScore("weight", Value.String("x")));
    }

    [Fact]
    public void Full_text_clauses_say_that_there_is_no_full_text_index()
    {
        using var sea = Sea();
        Fails(sea, "needs a full-text index", new SumScore([new Bm25Score("species", "whale", null, false)]));
    }

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("1.5s", 1_500)]
    [InlineData("2m", 120_000)]
    [InlineData("6h", 6 * Hour)]
    [InlineData("1d", 24 * Hour)]
    [InlineData("1w", 168 * Hour)]
    public void Durations_have_units(string text, double milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out double parsed));
        Assert.Equal(milliseconds, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("6")]
    [InlineData("-6h")]
    [InlineData("6H")]
    [InlineData("1.2.3s")]
    [InlineData("1e3s")]
    public void Other_texts_are_no_durations(string text) => Assert.False(DurationText.TryParse(text, out _));

    private static (ulong Id, float Score)[] Scores(QueryFixture space, ScoreExpression expression) =>
        [.. space.Query(new QueryRequest { RankBy = new ScoreRank(expression), Limit = 10 }).Rows!.Select(r => (r.Id.AsUInt, r.Distance!.Value))];

    private static void Fails(QueryFixture space, string part, ScoreExpression expression) =>
        space.Fails(ErrorKind.Invalid, part, new QueryRequest { RankBy = new ScoreRank(expression), Limit = 10 });

    private static QueryFixture Sea() =>
        new QueryFixture(null, ("species", TypeKind.String, 0), ("words", TypeKind.SparseF16, 0), ("clicks", TypeKind.Int, 0), ("votes", TypeKind.UInt, 0),
            ("weight", TypeKind.Float, 0), ("seen", TypeKind.DateTime, 0)).Add(
            Row(1, ("species", Value.String("whale")), ("words", Sparse(("deep", 1))), ("clicks", Value.Int(8)), ("votes", Value.UInt(4)),
                ("seen", Value.DateTime(12 * Hour))),
            Row(2, ("words", Sparse(("deep", 1), ("sea", 1))), ("clicks", Value.Null), ("weight", Value.Float(-2.5)), ("seen", Value.DateTime(6 * Hour))),
            Row(3, ("species", Value.String("fugu")), ("votes", Value.UInt(9))),
            Row(4, ("species", Value.String("whale")), ("words", Sparse(("blue", 1)))));
}
