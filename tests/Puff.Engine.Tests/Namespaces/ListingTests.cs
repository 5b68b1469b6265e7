using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Lists are sorted by name and complete, although keys are ordered otherwise.</summary>
public sealed class ListingTests
{
    private static readonly string[] Names =
    [
        ".", "..", "...", ".x", "-", "-x", "0", "A", "B-", "_", "a", "a-", "a-b", "a-b-c", "a-b.c", "a.", "a.b", "aa", "ab", "ab-1", "z", "z.z",
        .. Enumerable.Range(0, 12).Select(i => $"tenant-{i:D4}"), "tenant",
        .. Enumerable.Range(0, 5).Select(i => $"{i:x8}-aaaa-bbbb-cccc-0123456789ab"), "00000002-aaaa",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Pages_of_any_size_show_every_name_once_in_order(int size)
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        foreach (string name in Names)
        {
            await engine.WriteAsync(name, Upsert(Row(1)));
        }

        foreach (string prefix in new[] { "", ".", "..", "a", "a-", "a-b", "tenant", "tenant-", "tenant-0003", "z.", "nothing" })
        {
            var expected = Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(expected, await AllAsync(engine, prefix, null, size));
        }

        foreach (string after in new[] { ".", "a", "a-b", "tenant", "tenant-0005", "m", "zz" })
        {
            var expected = Names.Where(n => string.CompareOrdinal(n, after) > 0).Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(expected, await AllAsync(engine, "", after, size));
        }
    }

    [Fact]
    public async Task Deleted_names_go_at_once_and_come_back_with_the_next_life()
    {
        await using var fixture = new EngineFixture();
        var engine = await fixture.OpenAsync();
        foreach (string name in Names)
        {
            await engine.WriteAsync(name, Upsert(Row(1)));
        }

        var gone = Names.Where((_, i) => i % 3 == 0).ToArray();
        foreach (string name in gone)
        {
            await engine.DeleteAsync(name);
        }

        Assert.Equal(Names.Except(gone).Order(StringComparer.Ordinal), await AllAsync(engine, "", null, 4));
        await fixture.FlushAsync(gone[1]);
        Assert.Equal(Names.Except(gone).Order(StringComparer.Ordinal), await AllAsync(engine, "", null, 4));
        foreach (string name in gone.Take(5))
        {
            await engine.WriteAsync(name, Upsert(Row(2)));
            Assert.Equal(Ids(2), await IdsAsync(engine, name));
        }

        Assert.Equal(Names.Except(gone.Skip(5)).Order(StringComparer.Ordinal), await AllAsync(await fixture.OpenAsync(), "", null, 4));
    }

    private static async Task<List<string>> AllAsync(PuffEngine engine, string prefix, string? after, int size)
    {
        var names = new List<string>();
        do
        {
            var page = await engine.ListAsync(prefix, after, size);
            Assert.InRange(page.Names.Count, 0, size);
            Assert.True(page.Next is null || page.Names.Count == size);
            names.AddRange(page.Names);
            after = page.Next;
        }
        while (after is not null);
        return names;
    }
}
