using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.TestKit;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

public sealed class AggregationTests
{
    private static readonly Aggregation Count = new("n", AggregateFunction.Count, null);

    [Fact]
    public void Count_counts_matching_documents()
    {
        using var space = Shop();
        var result = space.Query(new QueryRequest { AggregateBy = [Count, new("ids", AggregateFunction.Count, "id")] });
        Assert.Null(result.Rows);
        Assert.Equal([("n", 6L), ("ids", 6L)], result.Aggregations!.Select(a => (a.Key, a.Value.AsInt)));
        Assert.Equal(16, result.Cost.LogicalBytesReturned);
        var filtered = space.Query(new QueryRequest { AggregateBy = [Count], Filters = Where("color", FilterOperator.Eq, Value.String("blue")) });
        Assert.Equal(3, filtered.Aggregations!.Single().Value.AsInt);
    }

    [Fact]
    public void Sums_keep_the_type_of_their_attribute()
    {
        using var space = Shop();
        Assert.Equal(6, Sum(space, "size").AsInt);
        Assert.Equal(1.5, Sum(space, "price").AsFloat);
        Assert.Equal(21UL, Sum(space, "stock").AsUInt);
        var nothing = Where("color", FilterOperator.Eq, Value.String("no"));
        var request = new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "price")], Filters = nothing };
        Assert.Equal(0.0, space.Query(request).Aggregations!.Single().Value.AsFloat);
    }

    [Fact]
    public void Integer_sums_are_exact_and_report_overflow()
    {
        using var space = new QueryFixture(null, ("i", TypeKind.Int, 0), ("u", TypeKind.UInt, 0));
        space.Add(Row(1, ("i", Value.Int(long.MaxValue)), ("u", Value.UInt(ulong.MaxValue))), Row(2, ("i", Value.Int(5))), Row(3, ("i", Value.Int(-5))));
        Assert.Equal(long.MaxValue, Sum(space, "i").AsInt);
        Assert.Equal(ulong.MaxValue, Sum(space, "u").AsUInt);
        space.Add([Row(4, ("i", Value.Int(1)), ("u", Value.UInt(1)))], isTail: true);
        space.Fails(ErrorKind.Invalid, "does not fit in 64 bits", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "i")] });
        space.Fails(ErrorKind.Invalid, "does not fit in 64 bits", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "u")] });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    [InlineData(2_000)]
    [InlineData(3_990)]
    public void Functions_beyond_the_api_equal_plain_ones(int filtered)
    {
        // One segment with an index of every shape: few values, a table of ordinals, all different; a tail; a dead document in between.
        using var space = new QueryFixture(
            null, ("few", TypeKind.Int, 0), ("some", TypeKind.Float, 0), ("all", TypeKind.String, 0), ("tags", TypeKind.StringArray, 0),
            ("half", TypeKind.UInt, 0));
        var rows = Enumerable.Range(0, 4_000).Select(i => Row(
            (ulong)i, ("few", Value.Int(i * 7 % 11 - 5)), ("some", Value.Float(i * 31 % 997 / 4.0)), ("all", Value.String($"{i * 7919 % 4001:D4}")),
            ("tags", Tags([.. Enumerable.Range(0, i % 4).Select(t => $"t{(i * 13 + t * t) % 300}")])),
            ("half", i % 2 == 0 ? Value.Null : Value.UInt(ulong.MaxValue - (ulong)i)))).ToArray();
        space.Add(rows[..3_700], isTail: false, dead: [17, 18]);
        Compare(space, filtered);
        space.Add(rows[3_700..3_900], isTail: false).Add(rows[3_900..], isTail: true);
        Compare(space, filtered);
    }

    private static void Compare(QueryFixture space, int filtered)
    {
        Aggregation[] functions =
        [
            Count, new("0", AggregateFunction.Min, "id"), new("1", AggregateFunction.Max, "few"), new("2", AggregateFunction.Min, "some"),
            new("3", AggregateFunction.Max, "some"), new("4", AggregateFunction.Min, "all"), new("5", AggregateFunction.Max, "all"),
            new("6", AggregateFunction.CountDistinct, "few"), new("7", AggregateFunction.CountDistinct, "some"),
            new("8", AggregateFunction.CountDistinct, "all"),
            new("9", AggregateFunction.CountDistinct, "tags"), new("10", AggregateFunction.CountDistinct, "id"), new("11", AggregateFunction.Avg, "few"),
            new("12", AggregateFunction.Avg, "half"), new("13", AggregateFunction.Max, "half"), new("14", AggregateFunction.CountDistinct, "half"),
        ];
        var model = new QueryModel(DistanceMetric.CosineDistance, space.Live.Where(d => d.Id.AsUInt >= (ulong)filtered));
        var filter = filtered == 0 ? null : Where("id", FilterOperator.Gte, Value.UInt((ulong)filtered));
        GroupKey[][] groupings = [[], [Plain("few")], [Plain("some")], [Plain("all")], [new("tag", "tags", true)], [new("tag", "tags", true), Plain("few")]];
        foreach (var keys in groupings)
        {
            foreach (var asked in new[] { functions, [Count] })
            {
                var result = space.Query(new QueryRequest { Filters = filter, AggregateBy = asked, GroupBy = keys });
                string Totals(IReadOnlyList<FakeDocument> documents) => ":" + Line(asked.Select(f => QueryModel.Aggregate(f, documents)));
                var expected = model.Groups(keys).Select(g => string.Join(",", g.Keys.Select(Text)) + Totals(g.Documents));
                Assert.Equal(
                    keys.Length == 0 ? expected.DefaultIfEmpty(Totals([])) : expected,
                    keys.Length == 0 ? [":" + Line(result.Aggregations!.Select(a => a.Value))]
                        : result.Groups!.Select(g => string.Join(",", g.Keys.Select(k => Text(k.Value))) + ":" + Line(g.Aggregations.Select(a => a.Value))));
            }
        }
    }

    private static string Line(IEnumerable<Value> values) => string.Join(" ", values.Select(Text));

    [Fact]
    public void Functions_and_attributes_that_do_not_fit_are_refused()
    {
        using var space = Shop();
        space.Fails(ErrorKind.Invalid, "\"color\" is string", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "color")] });
        space.Fails(ErrorKind.Invalid, "the id", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "id")] });
        space.Fails(ErrorKind.Invalid, "Avg needs an int, uint or float", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Avg, "color")] });
        space.Fails(ErrorKind.Malformed, "Min needs an attribute", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Min, null)] });
        space.Fails(ErrorKind.Invalid, "not in the schema", new QueryRequest { AggregateBy = [new("s", AggregateFunction.CountDistinct, "no")] });
        space.Fails(ErrorKind.Invalid, "takes no attribute", new QueryRequest { AggregateBy = [new("s", AggregateFunction.Count, "color")] });
        space.Fails(ErrorKind.Invalid, "\"n\" is used twice", new QueryRequest { AggregateBy = [Count, Count] });
        space.Fails(ErrorKind.Malformed, "rank_by and aggregate_by", new QueryRequest { AggregateBy = [Count], RankBy = Order(("id", false)) });
        space.Fails(ErrorKind.Invalid, "leave out include_attributes", new QueryRequest { AggregateBy = [Count], Select = new(true, null, null) });
        space.Fails(ErrorKind.Invalid, "without group_by", new QueryRequest { AggregateBy = [Count], Limit = 5 });
        space.Fails(ErrorKind.Invalid, "offset", new QueryRequest { AggregateBy = [Count], Offset = 5 });
        space.Fails(ErrorKind.Invalid, "names no function", new QueryRequest { GroupBy = [Plain("color")] });
    }

    [Fact]
    public void Groups_are_sorted_column_by_column_with_null_first()
    {
        using var space = Shop();
        var result = space.Query(new QueryRequest { AggregateBy = [Count], GroupBy = [Plain("color"), Plain("size")] });
        Assert.Equal(
            ["null,3:1", "blue,null:1", "blue,1:2", "red,null:1", "red,1:1"], result.Groups!.Select(Text));
        Assert.Equal(["color", "size"], result.Groups![0].Keys.Select(k => k.Key));
        var first = space.Query(new QueryRequest { AggregateBy = [Count], GroupBy = [Plain("color"), Plain("size")], Limit = 2 });
        Assert.Equal(["null,3:1", "blue,null:1"], first.Groups!.Select(Text));
    }

    [Fact]
    public void Each_unique_element_makes_a_group()
    {
        using var space = new QueryFixture(null, ("tags", TypeKind.StringArray, 0), ("kind", TypeKind.Bool, 0));
        space.Add(
            Row(1, ("tags", Tags("a", "b", "a")), ("kind", Value.Bool(true))),
            Row(2, ("tags", Tags("b")), ("kind", Value.Bool(false))),
            Row(3, ("tags", Value.EmptyArray), ("kind", Value.Bool(true))),
            Row(4, ("kind", Value.Bool(true))));
        var each = new GroupKey("tag", "tags", true);
        Assert.Equal(["null:1", "a:1", "b:2"], space.Query(new QueryRequest { AggregateBy = [Count], GroupBy = [each] }).Groups!.Select(Text));
        var crossed = space.Query(new QueryRequest { AggregateBy = [Count], GroupBy = [each, Plain("kind")] });
        Assert.Equal(["null,true:1", "a,true:1", "b,false:1", "b,true:1"], crossed.Groups!.Select(Text));
        Assert.Equal(["tag", "kind"], crossed.Groups![0].Keys.Select(k => k.Key));
    }

    [Fact]
    public void Group_keys_that_do_not_fit_are_refused()
    {
        using var space = new QueryFixture(null, ("tags", TypeKind.StringArray, 0), ("more", TypeKind.StringArray, 0), ("kind", TypeKind.Bool, 0));
        void Fails(string part, params GroupKey[] keys) => space.Fails(ErrorKind.Invalid, part, new QueryRequest { AggregateBy = [Count], GroupBy = keys });
        Fails("is an array", Plain("tags"));
        Fails("by their id", Plain("id"));
        Fails("\"nobody\"", Plain("nobody"));
        Fails("used twice", Plain("kind"), Plain("kind"));
        Fails("used twice", new GroupKey("n", "tags", true));
        Fails("used twice", Plain("kind"), new GroupKey("kind", "tags", true));
        Fails("once in a query", new GroupKey("x", "tags", true), new GroupKey("y", "more", true));
        Fails("needs an array", new GroupKey("x", "kind", true));
        Fails("\"nobody\"", new GroupKey("x", "nobody", true));
    }

    [Fact]
    public void Empty_group_by_is_no_grouping()
    {
        using var space = Shop();
        Assert.NotNull(space.Query(new QueryRequest { AggregateBy = [Count], GroupBy = [] }).Aggregations);
    }

    [Fact]
    public void Many_groups_are_cut_to_the_smallest_keys()
    {
        using var space = new QueryFixture(null, ("i", TypeKind.Int, 0));
        var values = Enumerable.Range(-3_000, 6_000).ToArray();
        new Random(11).Shuffle(values);
        space.Add([.. values.Concat(values).Select((v, i) => Row((ulong)i, ("i", Value.Int(v))))]);
        var groups = space.Query(new QueryRequest { AggregateBy = [Count, new("s", AggregateFunction.Sum, "i")], GroupBy = [Plain("i")], Limit = 10 }).Groups!;
        Assert.Equal(Enumerable.Range(-3_000, 10).Select(v => $"{v}:2"), groups.Select(Text));
        Assert.All(groups, g => Assert.Equal(2 * g.Keys[0].Value.AsInt, g.Aggregations[1].Value.AsInt));
    }

    [Fact]
    public void Dropped_groups_leave_nothing_to_those_that_take_their_numbers()
    {
        using var space = new QueryFixture(null, ("s", TypeKind.String, 0), ("i", TypeKind.Int, 0), ("f", TypeKind.Float, 0));
        int[] numbers = [.. Enumerable.Range(0, 9_000)];
        new Random(5).Shuffle(numbers);
        var rows = numbers.Select((n, i) => Row((ulong)i, ("s", Value.String($"{n / 2:D5}")), ("i", Value.Int(n)), ("f", Value.Float(n / 4.0))));
        space.Add([.. rows], isTail: false);
        Aggregation[] functions =
        [
            Count, new("a", AggregateFunction.Sum, "i"), new("b", AggregateFunction.Sum, "f"), new("c", AggregateFunction.Avg, "i"),
            new("d", AggregateFunction.Min, "i"), new("e", AggregateFunction.Max, "s"), new("f", AggregateFunction.CountDistinct, "i"),
        ];
        var groups = space.Query(new QueryRequest { AggregateBy = functions, GroupBy = [Plain("s")], Limit = 20 }).Groups!;
        Assert.Equal(
            Enumerable.Range(0, 20).Select(g => $"{g:D5}: 2 {4 * g + 1} {(4 * g + 1) / 4.0:R} {(4 * g + 1) / 2.0:R} {2 * g} {g:D5} 2"),
            groups.Select(g => g.Keys[0].Value.AsString + ": " + Line(g.Aggregations.Select(a => a.Value))));
    }

    [Fact]
    public void Too_many_different_values_over_segments_are_refused()
    {
        using var space = new QueryFixture(null, ("s", TypeKind.String, 0));
        string padding = new('x', 4_000);
        int rows = (int)(DistinctMeasure.MaxBytes / 4_000) / 2 + 100;
        for (int set = 0; set < 2; set++)
        {
            space.Add([.. Enumerable.Range(0, rows).Select(i => Row((ulong)(set * rows + i), ("s", Value.String($"{set} {i} {padding}"))))], isTail: true);
        }

        space.Fails(ErrorKind.Invalid, "too many different values", new QueryRequest { AggregateBy = [new("d", AggregateFunction.CountDistinct, "s")] });
    }

    [Fact]
    public void Group_keys_read_back_in_order()
    {
        Value[] ascending =
        [
            Value.Null, Value.Float(double.NegativeInfinity), Value.Float(-1), Value.Float(-double.Epsilon), Value.Float(0),
            Value.Float(double.Epsilon), Value.Float(1),
        ];
        Check(TypeKind.Float, ascending, v => v.AsFloat.ToString());
        Check(TypeKind.Int, [Value.Null, Value.Int(long.MinValue), Value.Int(-1), Value.Int(0), Value.Int(long.MaxValue)], v => v.AsInt.ToString());
        Check(TypeKind.UInt, [Value.Null, Value.UInt(0), Value.UInt(ulong.MaxValue)], v => v.AsUInt.ToString());
        string[] texts = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "aa"];
        Check(TypeKind.String, [Value.Null, .. texts.Select(Value.String)], v => v.AsString);
    }

    private static void Check(TypeKind kind, Value[] ascending, Func<Value, string> text)
    {
        var keys = new List<byte[]>();
        foreach (var value in ascending)
        {
            var writer = new KeyWriter();
            if (value.IsNull)
            {
                writer.AddNull();
            }
            else if (kind == TypeKind.String)
            {
                writer.AddBytes(value.AsBytes);
            }
            else
            {
                writer.AddScalar(ScalarOrder.SortableBits(kind, BuiltColumn.Bits(value)));
            }

            writer.AddScalar(7);
            ReadOnlySpan<byte> rest = writer.Written;
            var read = KeyWriter.Read(ref rest, kind);
            Assert.Equal(value.Kind, read.Kind);
            Assert.Equal(value.IsNull ? "null" : text(value), read.IsNull ? "null" : text(read));
            Assert.Equal(7UL, KeyWriter.Read(ref rest, TypeKind.UInt).AsUInt);
            keys.Add(writer.Written.ToArray());
        }

        for (int i = 1; i < keys.Count; i++)
        {
            Assert.True(keys[i - 1].AsSpan().SequenceCompareTo(keys[i]) < 0, $"{kind} {i - 1} and {i}");
        }
    }

    internal static string Text(AggregationGroup group) => string.Join(",", group.Keys.Select(k => Text(k.Value))) + ":" + group.Aggregations[0].Value.AsInt;

    internal static string Text(Value value) => value.Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Bool => value.AsBool ? "true" : "false",
        ValueKind.Int => value.AsInt.ToString(),
        ValueKind.UInt => value.AsUInt.ToString(),
        ValueKind.Float => value.AsFloat.ToString("R"),
        ValueKind.DateTime => value.AsDateTime.ToString(),
        ValueKind.String => value.AsString,
        _ => Convert.ToHexString(value.AsBytes),
    };

    internal static GroupKey Plain(string attribute) => new(attribute, attribute, false);

    internal static Value Tags(params string[] tags) => Value.StringArray([.. tags.Select(System.Text.Encoding.UTF8.GetBytes)]);

    private static Value Sum(QueryFixture space, string attribute) =>
        space.Query(new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, attribute)] }).Aggregations!.Single().Value;

    private static QueryFixture Shop() =>
        new QueryFixture(null, ("color", TypeKind.String, 0), ("size", TypeKind.Int, 0), ("price", TypeKind.Float, 0), ("stock", TypeKind.UInt, 0)).Add(
            Row(1, ("color", Value.String("blue")), ("size", Value.Int(1)), ("price", Value.Float(0.5)), ("stock", Value.UInt(1))),
            Row(2, ("color", Value.String("red")), ("size", Value.Int(1)), ("stock", Value.UInt(2))),
            Row(3, ("color", Value.String("blue")), ("size", Value.Int(1)), ("price", Value.Float(1)), ("stock", Value.UInt(3))),
            Row(4, ("color", Value.String("blue")), ("stock", Value.UInt(4))),
            Row(5, ("size", Value.Int(3)), ("stock", Value.UInt(5))),
            Row(6, ("color", Value.String("red")), ("stock", Value.UInt(6))));
}
