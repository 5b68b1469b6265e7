using Puff.Sync.Changes;
using Xunit;

namespace Puff.Sync.Tests;

/// <summary>Positions read what they write, and compare as their text does.</summary>
public sealed class PositionTests
{
    [Theory]
    [InlineData(0ul, 0u, "0000000000000000/00000000")]
    [InlineData(0x16B3748ul, 7u, "00000000016B3748/00000007")]
    [InlineData(ulong.MaxValue, uint.MaxValue, "FFFFFFFFFFFFFFFF/FFFFFFFF")]
    public void The_text_has_a_fixed_width_and_reads_back(ulong lsn, uint ordinal, string text)
    {
        var position = new SyncPosition(new Lsn(lsn), ordinal);
        Assert.Equal(text, position.ToString());
        Assert.True(SyncPosition.TryParse(text, out var read));
        Assert.Equal(position, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0/16B3748")]
    [InlineData("00000000016B3748-00000007")]
    [InlineData("00000000016B3748/0000000G")]
    [InlineData(" 0000000016B3748/00000007")]
    public void Other_texts_are_no_positions(string text) => Assert.False(SyncPosition.TryParse(text, out _));

    [Fact]
    public void Order_is_by_commit_then_ordinal_and_the_same_as_of_the_texts()
    {
        SyncPosition[] ordered = [new(new(1), 9), new(new(2), 1), new(new(2), 10), new(new(0x1_0000_0000), 0)];
        for (int next = 1; next < ordered.Length; next++)
        {
            Assert.True(ordered[next - 1] < ordered[next]);
            Assert.True(string.CompareOrdinal(ordered[next - 1].ToString(), ordered[next].ToString()) < 0);
        }
    }

    [Theory]
    [InlineData("0/16B3748", 0x16B3748ul)]
    [InlineData("16/B374D848", 0x16B374D848ul)]
    public void The_servers_form_of_a_position_reads_back(string text, ulong value)
    {
        Assert.True(Lsn.TryParse(text, out var lsn));
        Assert.Equal(value, lsn.Value);
        Assert.Equal(text, lsn.ToString());
    }
}
