using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Xunit;
using static Puff.Engine.Tests.Queries.QueryFixture;

namespace Puff.Engine.Tests.Queries;

/// <summary>What a query allocates must follow its limit, not the documents it scans: 24 bytes a document would exceed the bound seven times.</summary>
public sealed class QueryAllocationTests
{
    private const int Documents = 20_000;
    private const long MaxBytes = 64 << 10;

    public static TheoryData<string> Kinds => ["vector", "filtered vector", "order", "score", "sum", "groups"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Scanning_a_segment_allocates_nothing_for_each_document(string kind)
    {
        using var space = new QueryFixture(DistanceMetric.EuclideanSquared, ("v", TypeKind.VectorF32, 2), ("i", TypeKind.Int, 0), ("s", TypeKind.String, 0));
        string[] words = ["red", "green", "a longer word than the others", ""];
        var rows = Enumerable.Range(0, Documents).Select(i => Row(
            (ulong)(Documents - i), ("v", Value.Vector([i % 50, (float)i])), ("i", Value.Int(i % 7)), ("s", Value.String(words[i % 4]))));
        space.Add([.. rows], isTail: false, blockRows: Documents);
        var request = RequestOf(kind);
        space.Query(request);
        long before = GC.GetAllocatedBytesForCurrentThread();
        space.Query(request);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, MaxBytes);
    }

    private static QueryRequest RequestOf(string kind)
    {
        var some = Where("i", FilterOperator.Gt, Value.Int(2));
        return kind switch
        {
            "vector" => new QueryRequest { RankBy = Ann("v", 3, 3), Limit = 10 },
            "filtered vector" => new QueryRequest { RankBy = Ann("v", 3, 3), Limit = 10, Filters = some },
            "order" => new QueryRequest { RankBy = Order(("s", true), ("i", false)), Limit = 10 },
            "score" => new QueryRequest { RankBy = new ScoreRank(new SumScore([new FilterScore(some), new DistScore("i", Value.Int(3))])), Limit = 10 },
            "sum" => new QueryRequest { AggregateBy = [new("s", AggregateFunction.Sum, "i")], Filters = some },
            _ => new QueryRequest
            {
                AggregateBy = [new("n", AggregateFunction.Count, null)], GroupBy = [AggregationTests.Plain("s"), AggregationTests.Plain("i")],
            },
        };
    }
}
