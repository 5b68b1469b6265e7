using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

public class RowFormatTests
{
    private static readonly NamespaceSchema Schema = EveryType.Schema(IdKind.UInt, vectors: 0);

    [Fact]
    public void A_row_gives_back_every_value_of_every_type()
    {
        foreach (var document in EveryType.Documents(Schema, 200, seed: 1))
        {
            byte[] row = ModelSource.Row(Schema, document);
            foreach (var attribute in Schema.Attributes)
            {
                Assert.Equal(ValueText.Of(document.Get(attribute)), ValueText.Of(RowFormat.Read(row, attribute)));
            }
        }
    }

    [Fact]
    public void Attributes_are_stored_in_order_of_their_numbers_whatever_order_they_come_in()
    {
        (AttributeDefinition, Value)[] forward = [(Text(1), Value.String("a")), (Text(2), Value.Null), (Text(300), Value.String("b"))];
        Assert.Equal(Row(forward), Row(forward.Reverse().ToArray()));

        byte[] row = Row(forward);
        var numbers = new List<int>();
        foreach (var entry in RowFormat.Enumerate(row))
        {
            Assert.False(entry.IsNull);
            numbers.Add(entry.Number);
        }

        Assert.Equal([1, 300], numbers);
    }

    [Fact]
    public void A_row_without_values_is_the_empty_row()
    {
        Assert.Equal(RowFormat.EmptyRow.ToArray(), Row());
        Assert.Equal(RowFormat.EmptyRow.ToArray(), Row((Text(1), Value.Null)));
        Assert.True(RowFormat.Read(RowFormat.EmptyRow, Text(1)).IsNull);
    }

    [Fact]
    public void An_attribute_given_twice_is_refused() =>
        Assert.Throws<ArgumentException>(() => Row((Text(1), Value.String("a")), (Text(1), Value.String("b"))));

    [Fact]
    public void An_empty_array_stays_readable_when_its_element_type_becomes_known()
    {
        byte[] row = Row((Of(1, TypeKind.UnknownArray), Value.EmptyArray));
        foreach (var kind in Enum.GetValues<TypeKind>().Where(k => new AttributeType(k).IsArray))
        {
            Assert.Equal(ValueKind.EmptyArray, RowFormat.Read(row, Of(1, kind)).Kind);
        }
    }

    [Fact]
    public void Merging_a_patch_replaces_adds_and_removes()
    {
        byte[] row = Row((Text(1), Value.String("one")), (Text(2), Value.String("two")), (Text(3), Value.String("three")));
        byte[] patch = Patch((Text(2), Value.Null), (Text(3), Value.String("drei")), (Text(4), Value.String("four")), (Text(5), Value.Null));

        Assert.Equal(Row((Text(1), Value.String("one")), (Text(3), Value.String("drei")), (Text(4), Value.String("four"))), RowFormat.Merge(row, patch));
        Assert.Equal(Row((Text(3), Value.String("drei")), (Text(4), Value.String("four"))), RowFormat.Merge(RowFormat.EmptyRow, patch));
        Assert.Equal(row, RowFormat.Merge(row, RowFormat.EmptyRow));
    }

    [Fact]
    public void Random_merges_equal_the_model()
    {
        var rows = EveryType.Documents(Schema, 100, seed: 2);
        var patches = EveryType.Documents(Schema, 100, seed: 3, nulls: 60);
        for (int i = 0; i < rows.Count; i++)
        {
            // Every other attribute the patch does not set is removed by it.
            var patched = patches[i].Values.ToDictionary();
            foreach (var attribute in Schema.Attributes.Where(a => a.Id % 2 == i % 2))
            {
                patched.TryAdd(attribute.Id, Value.Null);
            }

            var expected = rows[i].Values.ToDictionary();
            foreach (var (number, value) in patched)
            {
                expected[number] = value;
            }

            byte[] merged = RowFormat.Merge(
                ModelSource.Row(Schema, rows[i]), Patch(patched.Select(p => (Schema.Find(p.Key)!, p.Value)).ToArray()));
            Assert.Equal(ModelSource.Row(Schema, new ModelDocument(rows[i].Id, expected)), merged);
        }
    }

    [Fact]
    public void Logical_sizes_of_rows_are_those_of_their_values()
    {
        foreach (var document in EveryType.Documents(Schema, 100, seed: 4))
        {
            long expected = Schema.Attributes.Where(a => a.Type.Kind != TypeKind.MultiVectorF16).Sum(a => LogicalBytes.Of(document.Get(a)));
            var halves = document.Get(Schema.Find("multi16")!);
            expected += halves.IsNull ? 0 : halves.AsMultiVector.Data.Length * 2;
            Assert.Equal(expected, LogicalRowBytes.OfRow(Schema, ModelSource.Row(Schema, document)));
        }
    }

    [Fact]
    public void Every_truncation_of_a_row_is_refused()
    {
        byte[] row = ModelSource.Row(Schema, EveryType.Documents(Schema, 1, seed: 5, nulls: 0)[0]);
        for (int length = 0; length < row.Length; length++)
        {
            Assert.Throws<CorruptDataException>(() => ReadAll(row.AsSpan(0, length)));
        }

        ReadAll(row);
    }

    [Fact]
    public void A_row_with_any_bit_flipped_is_refused_or_read_without_harm()
    {
        int refused = 0;
        byte[] row = ModelSource.Row(Schema, EveryType.Documents(Schema, 1, seed: 6, nulls: 0)[0]);
        for (int bit = 0; bit < row.Length * 8; bit++)
        {
            row[bit / 8] ^= (byte)(1 << (bit % 8));
            refused += IsRefused(row) ? 1 : 0;
            row[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.InRange(refused, 1, row.Length * 8 - 1);
    }

    [Fact]
    public void Noise_is_refused_or_read_without_harm()
    {
        var random = new Xorshift(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] noise = Enumerable.Range(0, random.Next(40)).Select(_ => (byte)random.Next(random.Next(2) == 0 ? 256 : 8)).ToArray();
            IsRefused(noise);
        }
    }

    private static bool IsRefused(ReadOnlySpan<byte> row)
    {
        try
        {
            ReadAll(row);
            return false;
        }
        catch (CorruptDataException)
        {
            return true;
        }
    }

    private static void ReadAll(ReadOnlySpan<byte> row)
    {
        foreach (var entry in RowFormat.Enumerate(row))
        {
            if (!entry.IsNull && Schema.Find(entry.Number) is { } attribute)
            {
                RowFormat.Decode(attribute, entry.Payload);
            }
        }
    }

    private static AttributeDefinition Text(int number) => Of(number, TypeKind.String);

    private static AttributeDefinition Of(int number, TypeKind kind) => new(number, $"a{number}", new AttributeType(kind));

    private static byte[] Row(params (AttributeDefinition, Value)[] attributes)
    {
        using var writer = new ByteWriter();
        RowFormat.Write(writer, attributes.AsSpan());
        return writer.Written.AsSpan().ToArray();
    }

    private static byte[] Patch(params (AttributeDefinition, Value)[] attributes)
    {
        using var writer = new ByteWriter();
        RowFormat.WritePatch(writer, attributes.AsSpan());
        return writer.Written.AsSpan().ToArray();
    }
}
