using Puff.Engine.Namespaces;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Namespaces;

public sealed class RecallEstimateTests
{
    private const ulong Tree = 77;

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
        estimate.Add(1, Tree, Tree, began: 1_000, ended: 1_010);
        Assert.DoesNotContain(Enumerable.Range(0, 2_000), _ => estimate.IsDue(2_009));
        Assert.Contains(Enumerable.Range(0, 2_000), _ => estimate.IsDue(2_010));
    }

    [Fact]
    public void Searches_aim_higher_where_enough_checks_find_too_little_and_as_set_where_they_do_not()
    {
        var estimate = new RecallEstimate();
        Assert.Null(estimate.Recall);
        Assert.Same(Settings, estimate.Aim(Settings, Tree));
        Feed(estimate, 0.96, RecallEstimate.Enough * 3);
        Assert.Same(Settings, estimate.Aim(Settings, Tree));
        Assert.Equal(0.96, estimate.Recall!.Value, 1e-9);

        estimate = new RecallEstimate();
        estimate.Aim(Settings, Tree);
        Feed(estimate, 0.9, RecallEstimate.Enough - 1);
        Assert.Same(Settings, estimate.Aim(Settings, Tree));
        Feed(estimate, 0.9, 1);
        Assert.Equal(0.99f, estimate.Aim(Settings, Tree).RecallTarget);
        Assert.Equal((0, null), (estimate.Checks, estimate.Recall));
        Feed(estimate, 0.9, RecallEstimate.Enough);
        Assert.Equal(0.995f, estimate.Aim(Settings, Tree).RecallTarget);
        Feed(estimate, 0.9, RecallEstimate.Enough);
        Assert.Equal(0.995f, estimate.Aim(Settings, Tree).RecallTarget);
    }

    [Fact]
    public void A_tree_is_poor_when_enough_checks_find_too_little_at_the_highest_aim()
    {
        var estimate = HighestAim();
        Feed(estimate, 0.9, RecallEstimate.Enough - 1);
        Assert.Null(estimate.TakePoorTree(Settings));
        Feed(estimate, 0.9, 1);
        Assert.Equal(Tree, estimate.TakePoorTree(Settings));
        Assert.Null(estimate.TakePoorTree(Settings));

        estimate = HighestAim();
        Feed(estimate, 0.96, 10 * RecallEstimate.Enough);
        Assert.Null(estimate.TakePoorTree(Settings));

        // The aim can still rise.
        estimate = new RecallEstimate();
        estimate.Aim(Settings, Tree);
        Feed(estimate, 0.5, 10 * RecallEstimate.Enough);
        Assert.Null(estimate.TakePoorTree(Settings));
    }

    [Fact]
    public void Who_asked_in_vain_waits_twice_as_long_each_time()
    {
        var estimate = HighestAim();
        int[] waits = [.. Enumerable.Range(0, 9).Select(_ => ChecksUntilPoor(estimate))];
        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 64, 64], waits.Select(w => w / RecallEstimate.Enough));
    }

    [Fact]
    public void Other_trees_begin_anew_and_of_several_the_poorest_is_named()
    {
        var estimate = HighestAim();
        Feed(estimate, 0.5, RecallEstimate.Enough);
        Assert.Same(Settings, estimate.Aim(Settings, 78));
        Assert.Equal(0, estimate.Checks);

        // A check that began before says nothing of them.
        Feed(estimate, 0.5, RecallEstimate.Enough);
        Assert.Equal(0, estimate.Checks);
        for (int aim = 0; aim < 2; aim++)
        {
            Feed(estimate, 0.5, RecallEstimate.Enough, 2, 78);
            estimate.Aim(Settings, 78);
        }

        Feed(estimate, 0.9, RecallEstimate.Enough, 3, 78);
        Feed(estimate, 0.4, 1, 4, 78);
        Assert.Equal(4ul, estimate.TakePoorTree(Settings));
    }

    private static RecallEstimate HighestAim()
    {
        var estimate = new RecallEstimate();
        estimate.Aim(Settings, Tree);
        for (int aim = 0; aim < 2; aim++)
        {
            Feed(estimate, 0.5, RecallEstimate.Enough);
            estimate.Aim(Settings, Tree);
        }

        Assert.Equal(0.995f, estimate.Aim(Settings, Tree).RecallTarget);
        return estimate;
    }

    private static int ChecksUntilPoor(RecallEstimate estimate)
    {
        int checks = 0;
        do
        {
            Feed(estimate, 0.5, 1);
            checks++;
        }
        while (estimate.TakePoorTree(Settings) is null);
        return checks;
    }

    private static void Feed(RecallEstimate estimate, double recall, int times, ulong searched = Tree, ulong of = Tree)
    {
        for (int i = 0; i < times; i++)
        {
            estimate.Add(recall, searched, of, 0, 0);
        }
    }

    private static int[] Due(RecallEstimate estimate, int queries) => [.. Enumerable.Range(0, queries).Where(_ => estimate.IsDue(0))];
}
