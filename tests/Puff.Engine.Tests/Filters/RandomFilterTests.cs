using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.TestKit.Columns;
using Xunit;

namespace Puff.Engine.Tests.Filters;

public sealed class RandomFilterTests
{
    private const int Filters = 400;

    /// <summary>Document counts around the width of a word, so that last words are partly filled.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 63)]
    [InlineData(4, 64)]
    [InlineData(5, 65)]
    [InlineData(6, 200)]
    public void Both_evaluators_agree_with_the_table(int seed, int documents)
    {
        var draw = new RandomFilters(new Random(seed));
        var rows = Enumerable.Range(0, documents).Select(number => Row(draw, number)).ToArray();
        using var columns = new EncodedColumns(documents, (document, attribute) => rows[document][attribute.Id]);
        var result = new BitSet(documents);
        for (int i = 0; i < Filters; i++)
        {
            var filter = draw.DrawFilter(depth: i % 4);
            var expected = new BitSet(documents);
            for (int document = 0; document < documents; document++)
            {
                var row = rows[document];
                expected[document] = FilterModel.Matches(filter, name => row[RandomFilters.Schema.Find(name)!.Id]);
            }

            Check(filter, rows, columns, expected, result);
            expected.Not();
            Check(new NotFilter(filter), rows, columns, expected, result);
        }
    }

    private static void Check(Filter filter, Value[][] rows, EncodedColumns columns, BitSet expected, BitSet result)
    {
        var predicate = FilterBinder.Bind(filter, RandomFilters.Schema, allowRefNew: false);
        predicate.Evaluate(columns, result, CancellationToken.None);
        Assert.True(expected.Words.SequenceEqual(result.Words), $"columns: {filter}");
        for (int document = 0; document < rows.Length; document++)
        {
            Assert.True(expected[document] == predicate.Matches(new Reader(rows[document]), null), $"document {document}: {filter}");
        }
    }

    private static Value[] Row(RandomFilters draw, int number) =>
        [Value.UInt((ulong)number), .. RandomFilters.Schema.Attributes.Select(attribute => draw.Draw(attribute.Type))];

    private sealed class Reader(Value[] row) : IAttributeReader
    {
        public Value Get(AttributeDefinition attribute) => row[attribute.Id];
    }
}
