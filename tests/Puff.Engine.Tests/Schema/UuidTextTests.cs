using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class UuidTextTests
{
    private const string Canonical = "01234567-89ab-cdef-0123-456789abcdef";

    [Theory]
    [InlineData(Canonical)]
    [InlineData("01234567-89AB-CDEF-0123-456789ABCDEF")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public void Reads_the_bytes_in_written_order(string text)
    {
        byte[] uuid = new byte[16];
        Assert.True(UuidText.TryParse(System.Text.Encoding.ASCII.GetBytes(text), uuid));
        Assert.Equal("0123456789ABCDEF0123456789ABCDEF", Convert.ToHexString(uuid));
        Assert.Equal(Canonical, UuidText.Format(uuid));
    }

    [Theory]
    [InlineData("")]
    [InlineData("01234567-89ab-cdef-0123-456789abcde")]
    [InlineData("01234567-89ab-cdef-0123-456789abcdefa")]
    [InlineData("01234567-89ab-cdef-0123-456789abcdeg")]
    [InlineData("g1234567-89ab-cdef-0123-456789abcdef")]
    [InlineData("0123456-789ab-cdef-0123-456789abcdef")]
    [InlineData("01234567089ab-cdef-0123-456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcde-")]
    public void Refuses_what_is_no_uuid(string text) => Assert.False(UuidText.TryParse(System.Text.Encoding.ASCII.GetBytes(text), new byte[16]));
}
