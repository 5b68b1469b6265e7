using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

public sealed class AttributeOrderTests
{
    [Fact]
    public void Nulls_come_first_ascending_and_last_descending()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0));
        space.Add(Row(1, ("a", Value.Int(5))), Row(2), Row(3, ("a", Value.Int(-1))), Row(4));
        Assert.Equal([2UL, 4, 3, 1], space.Ids(new QueryRequest { RankBy = Order(("a", false)), Limit = 9 }));
        Assert.Equal([1UL, 3, 2, 4], space.Ids(new QueryRequest { RankBy = Order(("a", true)), Limit = 9 }));
        Assert.All(space.Query(new QueryRequest { RankBy = Order(("a", true)), Limit = 9 }).Rows!, row => Assert.Null(row.Distance));
    }

    [Fact]
    public void Later_keys_break_ties()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0), ("b", TypeKind.String, 0));
        space.Add(Pair(1, 1, "x"), Pair(2, 2, "longer than eight b"), Pair(3, 2, "longer than eight a"), Pair(4, 2, "longer than eight a"));
        Assert.Equal([2UL, 3, 4, 1], space.Ids(new QueryRequest { RankBy = Order(("a", true), ("id", false)), Limit = 9 }));
        Assert.Equal([4UL, 3, 2, 1], space.Ids(new QueryRequest { RankBy = Order(("a", true), ("id", true), ("b", false)), Limit = 9 }));
        Assert.Equal([3UL, 4, 2, 1], space.Ids(new QueryRequest { RankBy = Order(("a", true), ("b", false)), Limit = 9 }));
    }

    [Fact]
    public void Strings_that_share_a_prefix_compare_by_all_their_bytes()
    {
        using var space = new QueryFixture(null, ("b", TypeKind.String, 0));
        string[] ascending = ["", "a", "a\0", "a\0\0", "abcdefgh", "abcdefgh\0", "abcdefghi", "é", "\u4e00", "\U0001f41f"];
        space.Add([.. ascending.Select((text, i) => Row((ulong)i, ("b", Value.String(text)))).Reverse()]);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (ulong)i), space.Ids(new QueryRequest { RankBy = Order(("b", false)), Limit = 99 }));
        Assert.Equal([9UL, 8, 7], space.Ids(new QueryRequest { RankBy = Order(("b", true)), Limit = 3 }));
    }

    [Fact]
    public void Only_scalar_filterable_attributes_give_an_order()
    {
        using var space = new QueryFixture(
            DistanceMetric.CosineDistance, ("v", TypeKind.VectorF32, 2), ("tags", TypeKind.StringArray, 0), ("a", TypeKind.Int, 0));
        space.Fails(ErrorKind.Invalid, "\"tags\"", new QueryRequest { RankBy = Order(("tags", false)), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "\"v\"", new QueryRequest { RankBy = Order(("v", false)), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "\"nobody\"", new QueryRequest { RankBy = Order(("nobody", false)), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "this one has 9", new QueryRequest { RankBy = Order([.. Enumerable.Repeat(("a", false), 9)]), Limit = 1 });
        space.Fails(ErrorKind.Invalid, "this one has 0", new QueryRequest { RankBy = Order(), Limit = 1 });
        var hidden = QueryFixture.Attribute(1, "a", TypeKind.Int) with { Filterable = false };
        using var other = new QueryFixture(new NamespaceSchema(IdKind.UInt, null, [hidden]));
        other.Fails(ErrorKind.Invalid, "not filterable", new QueryRequest { RankBy = Order(("a", false)), Limit = 1 });
    }

    [Fact]
    public void Pages_by_the_last_id_meet_every_document_once()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0));
        var documents = Enumerable.Range(1, 2_500).Select(i => Row((ulong)i)).ToArray();
        new Random(3).Shuffle(documents);
        space.Add(documents);
        var sizes = new List<int>();
        var all = new List<ulong>();
        var request = new QueryRequest { RankBy = Order(("id", false)), Limit = 1_000 };
        for (var page = space.Ids(request); page.Length > 0; page = space.Ids(request with { Filters = After(all[^1]) }))
        {
            sizes.Add(page.Length);
            all.AddRange(page);
        }

        Assert.Equal([1_000, 1_000, 500], sizes);
        Assert.Equal(Enumerable.Range(1, 2_500).Select(i => (ulong)i), all);
    }

    [Fact]
    public void Limits_and_offsets_keep_their_ranges()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0));
        space.Add([.. Enumerable.Range(1, 20).Select(i => Row((ulong)i))]);
        var request = new QueryRequest { RankBy = Order(("id", false)) };
        space.Fails(ErrorKind.Invalid, "limit is missing", request);
        space.Fails(ErrorKind.Invalid, "limit is 0", request with { Limit = 0 });
        space.Fails(ErrorKind.Invalid, "10001", request with { Limit = 10_001 });
        space.Fails(ErrorKind.Malformed, "-1", request with { Limit = -1 });
        space.Fails(ErrorKind.Malformed, "-1", request with { Limit = 1, Offset = -1 });
        space.Fails(ErrorKind.Invalid, "offset + limit is 10001", request with { Limit = 1, Offset = 10_000 });
        Assert.Equal(20, space.Ids(request with { Limit = 10_000 }).Length);
        Assert.Equal([19UL, 20], space.Ids(request with { Limit = 9_982, Offset = 18 }));
        Assert.Equal([4UL, 5], space.Ids(request with { Limit = 2, Offset = 3 }));
        Assert.Empty(space.Ids(request with { Limit = 2, Offset = 20 }));
    }

    [Fact]
    public void Filters_alone_list_by_id()
    {
        using var space = new QueryFixture(null, ("a", TypeKind.Int, 0));
        space.Add(Row(3), Row(1), Row(2));
        Assert.Equal([2UL, 3], space.Ids(new QueryRequest { Filters = After(1), Limit = 9 }));
        space.Fails(ErrorKind.Invalid, "neither rank_by", new QueryRequest { Limit = 9 });
        space.Fails(ErrorKind.Invalid, "offset needs rank_by", new QueryRequest { Filters = After(1), Limit = 9, Offset = 1 });
    }

    [Fact]
    public void A_limit_per_category_walks_in_rank_order()
    {
        using var space = new QueryFixture(null, ("kind", TypeKind.String, 0), ("price", TypeKind.Int, 0));
        space.Add(Item(1, "a", 1), Item(2, "a", 2), Item(3, "a", 3), Item(4, "b", 4), Row(5, ("price", Value.Int(5))), Row(6, ("price", Value.Int(6))));
        var request = new QueryRequest
        {
            RankBy = Order(("price", true)), Limit = 5, LimitPer = new LimitPer(["kind"], 1), Select = new(false, ["kind"], null),
        };
        Assert.Equal([6UL, 4, 3], space.Ids(request));
        Assert.Equal([6UL, 5, 4, 3, 2], space.Ids(request with { LimitPer = new LimitPer(["kind"], 2) }));
        Assert.Equal([4UL, 3], space.Ids(request with { Offset = 1 }));
        Assert.Equal([6UL, 5], space.Ids(request with { Limit = 2, LimitPer = new LimitPer(["kind"], 2) }));
        space.Fails(ErrorKind.Invalid, "limit.per.attributes is empty", request with { LimitPer = new LimitPer([], 1) });
        space.Fails(ErrorKind.Invalid, "limit.per.limit is 6", request with { LimitPer = new LimitPer(["kind"], 6) });
        space.Fails(ErrorKind.Invalid, "limit.per.limit is 0", request with { LimitPer = new LimitPer(["kind"], 0) });
        space.Fails(ErrorKind.Invalid, "include_attributes", request with { LimitPer = new LimitPer(["price"], 1) });
        space.Fails(ErrorKind.Invalid, "include_attributes", request with { LimitPer = new LimitPer(["id"], 1) });
        Assert.Equal(5, space.Ids(request with { LimitPer = new LimitPer(["id"], 1), Select = new(false, ["id"], null) }).Length);
    }

    private static Filter After(ulong id) => Where("id", FilterOperator.Gt, Value.Int((long)id));

    private static FakeDocument Pair(ulong id, long a, string b) => Row(id, ("a", Value.Int(a)), ("b", Value.String(b)));

    private static FakeDocument Item(ulong id, string kind, long price) => Row(id, ("kind", Value.String(kind)), ("price", Value.Int(price)));
}
