using Xunit;

namespace Puff.Server.Tests.Durability;

/// <summary>The check itself: what it must accept, and that it finds each kind of fault.</summary>
public sealed class RegisterHistoryTests
{
    private const long Unknown = long.MaxValue;

    [Fact]
    public void Operations_that_follow_each_other_are_linearizable() =>
        Assert.Null(RegisterHistory.FindFault(0, [Read(1, 2, 0), Write(3, 4, 0, 1), Read(5, 6, 1), Write(7, 8, 1, 2), Read(9, 10, 2), Refused(11, 12, 1, 3)]));

    [Fact]
    public void A_read_beside_a_write_may_see_either_value() =>
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, 10, 0, 1), Read(2, 3, 0), Read(4, 5, 1), Read(6, 7, 1)]));

    [Fact]
    public void A_read_of_the_old_value_after_the_write_was_acknowledged_is_stale() =>
        Assert.Contains("was not there before", RegisterHistory.FindFault(0, [Write(1, 2, 0, 1), Read(3, 4, 0)]), StringComparison.Ordinal);

    [Fact]
    public void A_value_may_not_go_away_again() =>
        Assert.NotNull(RegisterHistory.FindFault(0, [Write(1, 10, 0, 1), Read(2, 3, 1), Read(4, 5, 0)]));

    [Fact]
    public void A_read_may_not_come_before_its_write() => Assert.NotNull(RegisterHistory.FindFault(0, [Read(1, 2, 1), Write(3, 4, 0, 1)]));

    [Fact]
    public void A_value_that_nobody_wrote_is_found() =>
        Assert.Contains("nobody", RegisterHistory.FindFault(0, [Read(1, 2, 7)]), StringComparison.Ordinal);

    [Fact]
    public void Two_writes_over_the_same_value_are_a_lost_update() =>
        Assert.Contains("both", RegisterHistory.FindFault(0, [Write(1, 5, 0, 1), Write(2, 6, 0, 2)]), StringComparison.Ordinal);

    [Fact]
    public void A_write_over_a_value_that_never_was_there_is_found() =>
        Assert.Contains("never there", RegisterHistory.FindFault(0, [Write(1, 2, 0, 1), Write(3, 4, 9, 10)]), StringComparison.Ordinal);

    [Fact]
    public void A_write_of_unknown_outcome_may_have_happened_or_not_or_happen_later()
    {
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Read(3, 4, 0)]));
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Read(3, 4, 1)]));
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Read(3, 4, 0), Read(5, 6, 1)]));
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Write(2, 3, 0, 2), Read(5, 6, 2)]));
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Write(2, Unknown, 1, 2), Read(5, 6, 2)]));
        Assert.NotNull(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Read(3, 4, 1), Read(5, 6, 0)]));
        Assert.NotNull(RegisterHistory.FindFault(0, [Write(1, Unknown, 0, 1), Read(3, 4, 1), Write(5, 6, 0, 2)]));
    }

    [Fact]
    public void A_refusal_while_the_expected_value_was_there_all_the_time_is_found()
    {
        Assert.NotNull(RegisterHistory.FindFault(0, [Write(1, 2, 0, 1), Refused(3, 4, 1, 5), Write(6, 7, 1, 2)]));
        Assert.Null(RegisterHistory.FindFault(0, [Write(1, 2, 0, 1), Refused(3, 6, 1, 5), Write(5, 7, 1, 2)]));
    }

    private static RegisterOperation Read(long from, long to, long value) => new(from, to, null, value, false);

    private static RegisterOperation Write(long from, long to, long expected, long value) => new(from, to, expected, value, false);

    private static RegisterOperation Refused(long from, long to, long expected, long value) => new(from, to, expected, value, true);
}
