using System.Text;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.TestKit.Storage;

/// <summary>Order, pages, folding.</summary>
public abstract partial class ObjectStoreContract
{
    [Fact]
    public async Task ListingIsInByteOrderWithSizesAndETags()
    {
        string[] keys = ["b", "a/1", "a-1", "a.1", "a0", "a", "B", "a/10", "a/2", "é", "\uFFFD", "\U00010000"];
        var etags = new Dictionary<string, string>();
        foreach (string key in keys)
        {
            etags[Key(key)] = await PutAsync(key, Encoding.UTF8.GetBytes(key));
        }

        var page = await ListAsync("");
        Assert.Null(page.Next);
        Assert.Empty(page.Prefixes);
        Assert.Equal(InOrder(etags.Keys), page.Objects.Select(info => info.Key));
        Assert.All(page.Objects, info => Assert.Equal(etags[info.Key], info.ETag));
        Assert.All(page.Objects, info => Assert.Equal(Encoding.UTF8.GetByteCount(info.Key) - Root.Length, info.Bytes));
        foreach (var info in page.Objects)
        {
            var head = await Store.HeadAsync(info.Key, User, Cancel);
            Assert.Equal((info.Key, info.Bytes, info.ETag), (head!.Key, head.Bytes, head.ETag));
        }
    }

    [Fact]
    public async Task ListingAgreesWithAModelForEveryPrefixStartDelimiterAndLimit()
    {
        string[] keys = ["a", "a-b", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "ab", "ab/1", "b", "b/c/d/e", "c/1"];
        foreach (string key in keys)
        {
            await PutAsync(key, "x"u8.ToArray());
        }

        foreach (string prefix in new[] { "", "a", "a/", "a/b", "a/b/", "ab", "b/c/", "c/1", "zz", "a//", "../" })
        {
            foreach (string? after in new[] { null, "a", "a/", "a/1", "a/b", "a/b/1", "a/b/zz", "a0", "b/c", "zz" })
            {
                foreach (char? delimiter in new char?[] { null, '/' })
                {
                    foreach (int limit in new[] { 1, 3, 1000 })
                    {
                        var options = new ListOptions(Key(prefix), after is null ? null : Key(after), delimiter, limit);
                        AssertPage(options, Model(keys, options), await Store.ListAsync(options, User, Cancel));
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData('/')]
    public async Task PagesJoinToTheWholeListing(char? delimiter)
    {
        var keys = Enumerable.Range(0, 23).Select(i => i % 3 == 0 ? $"p{i:00}/x/y" : $"p{i:00}").ToArray();
        foreach (string key in keys)
        {
            await PutAsync(key, "x"u8.ToArray());
        }

        foreach (int limit in new[] { 1, 2, 5, 23, 24 })
        {
            var names = new List<string>();
            string? next = null;
            do
            {
                var page = await Store.ListAsync(new ListOptions(Key("p"), next, delimiter, limit), User, Cancel);
                Assert.InRange(page.Objects.Count + page.Prefixes.Count, 1, limit);
                names.AddRange(InOrder(page.Objects.Select(info => info.Key).Concat(page.Prefixes)));
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal(keys.Select(key => Key(delimiter is null || !key.Contains('/') ? key : key[..4])), names);
        }
    }

    [Fact]
    public async Task ListingRefusesWhatItCannotDo()
    {
        foreach (int limit in new[] { 0, -1, 1001 })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(new ListOptions("", Limit: limit), User, Cancel));
        }

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.ListAsync(new ListOptions("", Delimiter: 'x'), User, Cancel));
    }

    [Fact]
    public async Task DeletedFoldersAreNoPrefixes()
    {
        await PutAsync("a/b/c", "x"u8.ToArray());
        await PutAsync("a/d", "x"u8.ToArray());
        await Store.DeleteAsync(Key("a/b/c"), User, Cancel);
        Assert.Empty((await ListAsync("a/", delimiter: '/')).Prefixes);
        Assert.Equal([Key("a/")], (await ListAsync("", delimiter: '/')).Prefixes);
        await Store.DeleteAsync(Key("a/d"), User, Cancel);
        Assert.Empty((await ListAsync("", delimiter: '/')).Prefixes);
    }

    private async Task<ListPage> ListAsync(string prefix, char? delimiter = null, IObjectStore? store = null) =>
        await (store ?? Store).ListAsync(new ListOptions(Key(prefix), Delimiter: delimiter), User, Cancel);

    private static IEnumerable<string> InOrder(IEnumerable<string> keys) =>
        keys.Order(Comparer<string>.Create((a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b))));

    /// <summary>The listing by its definition: fold every key, order, cut.</summary>
    private (string[] Names, bool More) Model(string[] keys, ListOptions options)
    {
        var names = keys.Select(Key)
            .Where(key => key.StartsWith(options.Prefix, StringComparison.Ordinal))
            .Select(key => options.Delimiter is { } d && key.IndexOf(d, options.Prefix.Length) is var end and >= 0 ? key[..(end + 1)] : key)
            .Distinct()
            .Where(name => options.StartAfter is null || string.CompareOrdinal(name, options.StartAfter) > 0);
        string[] all = [.. InOrder(names)];
        return (all[..Math.Min(all.Length, options.Limit)], all.Length > options.Limit);
    }

    private static void AssertPage(ListOptions options, (string[] Names, bool More) expected, ListPage page)
    {
        Assert.True(
            expected.Names.SequenceEqual(InOrder(page.Objects.Select(info => info.Key).Concat(page.Prefixes))),
            $"{options}: expected {string.Join(' ', expected.Names)}, got {page}");
        Assert.All(page.Prefixes, prefix => Assert.EndsWith("/", prefix, StringComparison.Ordinal));
        Assert.True((page.Next is not null) == expected.More, $"{options}: next is {page.Next}");
        if (page.Next is not null)
        {
            Assert.Equal(expected.Names[^1], page.Next);
        }
    }
}
