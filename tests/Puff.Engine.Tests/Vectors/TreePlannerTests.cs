using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed class TreePlannerTests
{
    private static readonly VectorIndexSettings Settings = new() { FlatLimit = 1_000 };

    [Theory]
    [InlineData(0, nameof(TreePlan.Flat))]
    [InlineData(1_000, nameof(TreePlan.Flat))]
    [InlineData(1_001, nameof(TreePlan.Train))]
    public void Without_a_tree_the_number_decides(int merged, string plan) =>
        Assert.Equal(plan, TreePlanner.Decide(merged, 5_000, null, Settings).ToString());

    [Theory]
    [InlineData(2_000, 2_000, false, 0, nameof(TreePlan.AssignAndSplit))]
    [InlineData(2_000, 2_000, true, 0, nameof(TreePlan.Train))]
    [InlineData(2_000, 2_000, true, 1, nameof(TreePlan.Train))]
    [InlineData(2_000, 2_000, true, 2, nameof(TreePlan.AssignAndSplit))]
    [InlineData(900, 2_000, true, 0, nameof(TreePlan.AssignAndSplit))]
    [InlineData(500, 500, true, 0, nameof(TreePlan.Flat))]
    public void One_in_which_too_little_is_found_is_replaced_twice_in_a_row_at_most(int merged, int total, bool isLow, int rebuilds, string plan) =>
        Assert.Equal(plan, TreePlanner.Decide(merged, total, new TreeCondition(2_000, 10, 10, isLow, rebuilds), Settings).ToString());

    [Theory]
    [InlineData(2_000, 2_000, 2_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(200, 2_000, 2_000, 10, 100, nameof(TreePlan.AssignAndSplit))]
    [InlineData(2_000, 2_000, 2_000, 10, 40, nameof(TreePlan.AssignAndSplit))]
    [InlineData(2_000, 2_000, 2_000, 10, 41, nameof(TreePlan.Train))]
    [InlineData(2_000, 2_000, 2_000, 0, 21, nameof(TreePlan.AssignAndSplit))]
    [InlineData(3_999, 4_000, 2_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(4_000, 4_000, 2_000, 10, 10, nameof(TreePlan.Train))]
    [InlineData(16_000, 50_000, 2_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(2_000, 2_100, 8_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(1_999, 2_100, 8_000, 10, 10, nameof(TreePlan.Train))]
    [InlineData(1_000, 2_100, 8_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(600, 600, 2_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    [InlineData(500, 500, 2_000, 10, 10, nameof(TreePlan.Flat))]
    [InlineData(500, 501, 2_000, 10, 10, nameof(TreePlan.AssignAndSplit))]
    public void A_tree_is_kept_while_it_is_good(int merged, int total, int trainedOn, int then, int now, string plan) =>
        Assert.Equal(plan, TreePlanner.Decide(merged, total, new TreeCondition(trainedOn, then, now), Settings).ToString());
}
