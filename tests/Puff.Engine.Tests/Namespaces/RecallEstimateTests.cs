using Puff.Engine.Namespaces;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Namespaces;

public sealed class RecallEstimateTests
{
    private static readonly VectorIndexSettings Settings = new() { RecallTarget = 0.97f };

    [Fact]
    public void One_query_in_many_is_due_and_the_same_ones_each_time()
    {
        int[] due = Due(new RecallEstimate(), 20_000);
        Assert.InRange(due.Length, 20_000 / RecallEstimate.QueriesPerCheck / 2, 20_000 / RecallEstimate.QueriesPerCheck * 2);
        Assert.Equal(due, Due(new RecallEstimate(), 20_000));
    }

    [Fact]
    public void After_a_check_comes_a_rest_a_hundred_times_as_long()
    {
        var estimate = new RecallEstimate();
        estimate.Add(1, began: 1_000, ended: 1_010);
        Assert.DoesNotContain(Enumerable.Range(0, 2_000), _ => estimate.IsDue(2_009));
        Assert.Contains(Enumerable.Range(0, 2_000), _ => estimate.IsDue(2_010));
    }

    [Fact]
    public void Searches_aim_higher_where_enough_checks_find_too_little_and_as_set_where_they_do_not()
    {
        var estimate = new RecallEstimate();
        Assert.Null(estimate.Recall);
        Feed(estimate, 0.96, RecallEstimate.Enough * 3);
        Assert.Same(Settings, estimate.Aim(Settings));
        Assert.Equal(0.96, estimate.Recall!.Value, 1e-9);

        estimate = new RecallEstimate();
        Feed(estimate, 0.9, RecallEstimate.Enough - 1);
        Assert.Same(Settings, estimate.Aim(Settings));
        Feed(estimate, 0.9, 1);
        Assert.Equal(0.99f, estimate.Aim(Settings).RecallTarget);
        Assert.Equal((0, null), (estimate.Checks, estimate.Recall));
        Feed(estimate, 0.9, RecallEstimate.Enough);
        Assert.Equal(0.995f, estimate.Aim(Settings).RecallTarget);
        Feed(estimate, 0.9, RecallEstimate.Enough);
        Assert.Equal(0.995f, estimate.Aim(Settings).RecallTarget);
    }

    private static void Feed(RecallEstimate estimate, double recall, int times)
    {
        for (int i = 0; i < times; i++)
        {
            estimate.Add(recall, 0, 0);
        }
    }

    private static int[] Due(RecallEstimate estimate, int queries) => [.. Enumerable.Range(0, queries).Where(_ => estimate.IsDue(0))];
}
