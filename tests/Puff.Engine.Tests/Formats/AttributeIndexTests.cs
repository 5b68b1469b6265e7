using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.TestKit.Columns;
using Puff.TestKit.Formats;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>The part `attributes`: what it says of a column is what the column says; damage is refused and never ends in anything but an error that says so.</summary>
public sealed class AttributeIndexTests
{
    /// <summary>Counts of documents around the shapes: none, few, more than a block of postings; counts of values for bitmaps, both tables and none.</summary>
    [Theory]
    [InlineData(TypeKind.Int, 1, 1, 1)]
    [InlineData(TypeKind.Int, 300, 32, 2)]
    [InlineData(TypeKind.Int, 300, 33, 3)]
    [InlineData(TypeKind.Int, 20_000, 2, 4)]
    [InlineData(TypeKind.Int, 20_000, 300, 5)]
    [InlineData(TypeKind.UInt, 70_000, 1_000_000_000, 6)]
    [InlineData(TypeKind.Float, 9_000, 50, 7)]
    [InlineData(TypeKind.DateTime, 9_001, 5_000, 8)]
    [InlineData(TypeKind.Bool, 500, 2, 9)]
    [InlineData(TypeKind.String, 9_000, 400, 10)]
    [InlineData(TypeKind.String, 100, 1_000_000, 11)]
    [InlineData(TypeKind.Uuid, 700, 300, 12)]
    [InlineData(TypeKind.IntArray, 3_000, 40, 13)]
    [InlineData(TypeKind.IntArray, 9_000, 4_000, 14)]
    [InlineData(TypeKind.StringArray, 400, 5, 15)]
    [InlineData(TypeKind.StringArray, 4_000, 3_000, 16)]
    public void Documents_of_every_range_of_values_are_those_of_the_column(TypeKind kind, int documents, int values, int seed)
    {
        var attribute = Attribute(kind);
        using var columns = Columns(attribute, documents, values, seed);
        var column = columns.GetColumn(attribute)!;
        using var encoded = new EncodedAttribute(attribute, column);
        var index = encoded.Index!;
        AttributeVerifier.Walk(encoded.Part, columns.PartOf(attribute));
        int[][] model = Model(index, column);
        Assert.Equal(index.Postings, model.Sum(m => m.Length));
        var random = new Random(seed);
        for (int i = 0; i < 60; i++)
        {
            int first = i == 0 ? 0 : random.Next(index.Values + 1);
            int end = i == 0 ? index.Values : i < 10 ? Math.Min(first + 1, index.Values) : random.Next(first, index.Values + 1);
            var result = new BitSet(documents);
            index.Collect(first, end, result);
            var expected = new BitSet(documents);
            foreach (int document in model[first..end].SelectMany(m => m))
            {
                expected[document] = true;
            }

            Assert.True(expected.Words.SequenceEqual(result.Words), $"values {first} to {end} of {index.Values}");
        }
    }

    [Fact]
    public void An_attribute_without_values_has_no_index()
    {
        var attribute = Attribute(TypeKind.StringArray);
        using var columns = new EncodedColumns(3, (_, _) => Value.EmptyArray);
        using var encoded = new EncodedAttribute(attribute, columns.GetColumn(attribute)!);
        Assert.Null(encoded.Index);
    }

    [Fact]
    public void Another_type_is_not_found()
    {
        var attribute = Attribute(TypeKind.Int);
        using var columns = Columns(attribute, 50, 40, 1);
        using var encoded = new EncodedAttribute(attribute, columns.GetColumn(attribute)!);
        var other = Attribute(TypeKind.UInt);
        using var others = Columns(other, 50, 40, 1);
        Assert.Null(AttributeIndex.Open(encoded.Part, other, others.GetColumn(other)!));
    }

    [Theory]
    [InlineData("list", TypeKind.String)]
    [InlineData("array", TypeKind.IntArray)]
    [InlineData("bitmaps", TypeKind.Bool)]
    public void Version_1_is_read_and_written_unchanged(string name, TypeKind kind)
    {
        var attribute = Attribute(kind);
        using var columns = Columns(attribute, 200, 150, 1);
        using var encoded = new EncodedAttribute(attribute, columns.GetColumn(attribute)!);
        Assert.Equal(GoldenFiles.Read($"attributes/v2/{name}.bin", encoded.Bytes), encoded.Bytes);
    }

    [Theory]
    [InlineData(TypeKind.String)]
    [InlineData(TypeKind.IntArray)]
    [InlineData(TypeKind.Bool)]
    public void Truncations_and_flipped_bits_are_refused(TypeKind kind)
    {
        var attribute = Attribute(kind);
        using var columns = Columns(attribute, 200, 150, 2);
        using var encoded = new EncodedAttribute(attribute, columns.GetColumn(attribute)!);
        byte[] whole = encoded.Bytes;
        for (int length = 0; length < whole.Length; length += length < whole.Length - 600 ? 997 : 1)
        {
            Assert.Throws<CorruptDataException>(() => Use(whole[..length], attribute, columns));
        }

        var random = new Xorshift(3);
        for (int i = 0; i < 300; i++)
        {
            byte[] damaged = whole.ToArray();
            int bit = random.Next(whole.Length * 8);
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<CorruptDataException>(() => Use(damaged, attribute, columns));
        }
    }

    /// <summary>With the checksums mended, answers may be wrong, but using the index ends in numbers within their ranges or in a refusal; the check finds all.</summary>
    [Theory]
    [InlineData(TypeKind.String)]
    [InlineData(TypeKind.IntArray)]
    [InlineData(TypeKind.Bool)]
    public void Changes_behind_valid_checksums_do_no_harm_and_are_found(TypeKind kind)
    {
        var attribute = Attribute(kind);
        using var columns = Columns(attribute, 200, 150, 2);
        using var encoded = new EncodedAttribute(attribute, columns.GetColumn(attribute)!);
        byte[] whole = encoded.Bytes;
        var random = new Xorshift(4);
        foreach (var entry in encoded.Part.Entries.Where(e => e.Length > 0))
        {
            for (int i = 0; i < 200; i++)
            {
                byte[] damaged = whole.ToArray();
                int at = (int)entry.Offset + random.Next((int)entry.Length);
                damaged[at] ^= (byte)(1 << random.Next(8));
                PartBytes.Reseal(damaged);
                try
                {
                    Use(damaged, attribute, columns, verify: false);
                }
                catch (CorruptDataException)
                {
                }

                Assert.Throws<CorruptDataException>(() => Use(damaged, attribute, columns));
            }
        }
    }

    private static AttributeDefinition Attribute(TypeKind kind) =>
        new(7, kind.ToString(), new AttributeType(kind)) { Filterable = true, Glob = kind is TypeKind.String or TypeKind.StringArray };

    private static EncodedColumns Columns(AttributeDefinition attribute, int documents, int values, int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(0, documents).Select(_ => Draw(random, attribute.Type, values)).ToArray();
        rows[0] = attribute.Type.IsArray ? Array(attribute.Type.ElementKind, [1]) : Scalar(attribute.Type.Kind, 1);
        return new EncodedColumns(documents, (document, _) => rows[document]);
    }

    private static Value Draw(Random random, AttributeType type, int values) => random.Next(8) == 0 ? Value.Null
        : type.IsArray ? Array(type.ElementKind, [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(values))])
        : Scalar(type.Kind, random.Next(values));

    private static Value Scalar(TypeKind kind, int number) => kind switch
    {
        TypeKind.String => Value.String($"Vâlue {number * 7_919L % 1_000_003} of many"),
        TypeKind.Int => Value.Int(number - 20L),
        TypeKind.UInt => Value.UInt((ulong)number * 18_446_744_073),
        TypeKind.Float => Value.Float(number == 0 ? -0.0 : number == 1 ? 0.0 : number - 20.5),
        TypeKind.Bool => Value.Bool(number % 2 == 1),
        TypeKind.Uuid => Value.Uuid([.. Enumerable.Range(0, 16).Select(i => (byte)(i < 12 ? 0 : number >> 8 * (15 - i)))]),
        _ => Value.DateTime(number - 20L),
    };

    private static Value Array(TypeKind kind, int[] numbers) => kind == TypeKind.String
        ? Value.StringArray([.. numbers.Select(n => Scalar(kind, n).AsBytes)])
        : Value.Array([.. numbers.Select(n => Scalar(kind, n).AsInt)]);

    /// <summary>The documents of each value by the column alone; checks on the way that the values ascend and the table of ordinals agrees.</summary>
    private static int[][] Model(AttributeIndex index, Column column)
    {
        var model = new SortedDictionary<string, SortedSet<int>>(StringComparer.Ordinal);
        for (int document = 0; document < column.Count; document++)
        {
            var (start, end) = column is ArrayColumn array ? array.GetRange(document) : column.Present[document] ? (document, document + 1) : (0, 0);
            for (int row = start; row < end; row++)
            {
                string key = KeyOf(index.Rows, row);
                model.TryAdd(key, []);
                model[key].Add(document);
            }
        }

        var keys = model.Keys.ToArray();
        Assert.Equal(keys, Enumerable.Range(0, index.Values).Select(ordinal => KeyOf(index.Rows, index.RowOf(ordinal))));
        Assert.Equal(index.Values > AttributeFormat.MaxTableValues, index.Ordinals is null);
        for (int row = 0; row < index.Rows.Count && index.Ordinals is { } ordinals; row++)
        {
            Assert.Equal(index.Rows.Present[row] ? System.Array.BinarySearch(keys, KeyOf(index.Rows, row), StringComparer.Ordinal) + 1 : 0, ordinals[row]);
        }

        return [.. model.Values.Select(v => v.ToArray())];
    }

    private static string KeyOf(Column column, int row) => column is BytesColumn bytes
        ? Convert.ToHexString(bytes.Get(row))
        : ScalarOrder.SortableBits(column.Kind, ((ScalarColumn)column).Values[row]).ToString("x16");

    private static void Use(byte[] bytes, AttributeDefinition attribute, EncodedColumns columns, bool verify = true)
    {
        var memory = NativeObjectMemory.CopyOf(bytes);
        try
        {
            Use(Open(memory), attribute, columns, verify);
        }
        finally
        {
            memory.Release();
        }
    }

    private static unsafe PartReader Open(NativeObjectMemory memory) => new(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Attributes);

    private static void Use(PartReader part, AttributeDefinition attribute, EncodedColumns columns, bool verify)
    {
        if (verify && part.FindDamagedBlocks().Count > 0)
        {
            throw new CorruptDataException("a block is damaged");
        }

        if (verify)
        {
            AttributeVerifier.Walk(part, columns.PartOf(attribute));
        }

        if (AttributeIndex.Open(part, attribute, columns.GetColumn(attribute)!) is not { } index)
        {
            throw new CorruptDataException("the attribute is not there");
        }

        var result = new BitSet(columns.Count);
        for (int ordinal = 0; ordinal < index.Values; ordinal++)
        {
            Assert.InRange(index.RowOf(ordinal), 0, index.Rows.Count - 1);
            index.Collect(ordinal, Math.Min(ordinal + 9, index.Values), result);
        }

        Assert.True(columns.Count % 64 == 0 || result.Words[^1] >> columns.Count == 0);
        var ordinals = new List<int>();
        for (int bucket = 0; bucket < Grams.Buckets && index.Grams is { } grams; bucket += verify ? 97 : 1)
        {
            grams.Read(bucket, ordinals);
            Assert.All(ordinals, o => Assert.InRange(o, 0, index.Values - 1));
        }
    }
}
