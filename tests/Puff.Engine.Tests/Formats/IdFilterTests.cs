using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

public class IdFilterTests
{
    [Theory]
    [InlineData(IdKind.UInt)]
    [InlineData(IdKind.Uuid)]
    [InlineData(IdKind.String)]
    public void Passes_every_key_and_few_others(IdKind kind)
    {
        const int Keys = 20_000;
        byte[] filter = new byte[IdFilter.SizeInBytes(Keys)];
        for (int i = 0; i < Keys; i++)
        {
            IdFilter.Add(filter, IdFilter.Hash(EveryType.Id(kind, i)));
        }

        Assert.All(Enumerable.Range(0, Keys), i => Assert.True(MayContain(filter, EveryType.Id(kind, i))));
        int strangers = Enumerable.Range(Keys, Keys).Count(i => MayContain(filter, EveryType.Id(kind, i)));
        // 10 bits a key in 64-byte blocks: about 1 % in theory.
        Assert.InRange(strangers, 0, Keys * 2 / 100);
    }

    [Fact]
    public void The_hash_is_part_of_the_format_and_stays()
    {
        Assert.Equal(0x6E789E6AA1B965F4UL, IdFilter.Hash(DocumentId.FromUInt(0x9E3779B97F4A7C15)));
        Assert.Equal(0xE220A8397B1DCDAFUL, IdFilter.Hash(DocumentId.FromUInt(0)));
    }

    private static bool MayContain(ReadOnlySpan<byte> filter, in DocumentId id)
    {
        ulong hash = IdFilter.Hash(id);
        return IdFilter.MayContain(filter.Slice(IdFilter.BlockOf(filter.Length, hash), IdFilter.BlockBytes), hash);
    }
}
