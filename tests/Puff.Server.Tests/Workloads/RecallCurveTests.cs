using Puff.Workloads.Vectors;
using Xunit;

namespace Puff.Server.Tests.Workloads;

public sealed class RecallCurveTests
{
    [Fact]
    public void Between_two_settings_time_a_query_is_interpolated()
    {
        var curve = new RecallCurve([Point(0.90, 1000), Point(0.96, 500), Point(0.99, 100)]);
        var point = curve.At(0.93)!;
        Assert.Equal(1000 / 1.5, point.QueriesPerSecond, 6);
        Assert.Equal(0.93, point.Recall);
    }

    [Fact]
    public void A_setting_that_reaches_the_recall_exactly_is_taken_as_measured() =>
        Assert.Equal(500, new RecallCurve([Point(0.90, 1000), Point(0.96, 500)]).At(0.96)!.QueriesPerSecond, 6);

    [Fact]
    public void Nothing_is_extrapolated()
    {
        var curve = new RecallCurve([Point(0.96, 500), Point(0.98, 300)]);
        Assert.Equal(500, curve.At(0.90)!.QueriesPerSecond);
        Assert.Equal(0.96, curve.At(0.90)!.Recall);
        Assert.Null(curve.At(0.99));
        Assert.Null(new RecallCurve([]).At(0.5));
    }

    [Fact]
    public void A_setting_that_another_beats_in_both_is_left_out()
    {
        var curve = new RecallCurve([Point(0.90, 1000), Point(0.91, 50), Point(0.96, 500)]);
        Assert.Equal(1000 / 1.5, curve.At(0.93)!.QueriesPerSecond, 6);
    }

    private static RecallPoint Point(double recall, double queriesPerSecond) =>
        new("setting", "all", recall, queriesPerSecond, 1000 / queriesPerSecond, 2000 / queriesPerSecond, null, 0, 0);
}
