using System.Globalization;
using System.Text.Json;
using Puff.Engine.Encoding;
using Puff.TestKit.House;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

public sealed class NumberArrayParserTests
{
    public static TheoryData<string> SuiteCases =>
        [.. File.ReadLines(Path.Combine(Repository.Root, "tests/data/json/arrays.ndjson"))];

    /// <summary>What the suite accepts is read or left to the general reader; what it refuses is never read; what is read equals the stock parser.</summary>
    [Theory]
    [MemberData(nameof(SuiteCases))]
    public void Suite_cases_are_judged_as_the_suite_says(string line)
    {
        var testCase = JsonDocument.Parse(line).RootElement;
        byte[] all = testCase.GetProperty("json_base64").GetBytesFromBase64();
        var json = all.AsSpan().TrimStart(" \t\r\n"u8);
        using var numbers = NumberArrayParser.Parse(json);
        bool read = numbers.Status == NumberArrayStatus.Complete && json[numbers.Offset..].Trim(" \t\r\n"u8).IsEmpty;
        string expect = testCase.GetProperty("expect").GetString()!;
        Assert.False(read && expect == "reject");
        Assert.False(numbers.Status == NumberArrayStatus.Invalid && expect == "accept");
        if (read)
        {
            using var document = JsonDocument.Parse(all);
            AssertEqualsStock(document.RootElement, numbers);
        }
    }

    [Theory]
    [InlineData("[]", NumberKind.Integers, "")]
    [InlineData("[ \t\r\n]", NumberKind.Integers, "")]
    [InlineData("[0]", NumberKind.Integers, "0")]
    [InlineData("[-0]", NumberKind.Integers, "0")]
    [InlineData(" [1]", null, "")]
    [InlineData("[ 1 , -2\n,\r3\t]", NumberKind.Integers, "1 -2 3")]
    [InlineData("[9223372036854775807,-9223372036854775808]", NumberKind.Integers, "9223372036854775807 -9223372036854775808")]
    [InlineData("[9223372036854775808]", NumberKind.UnsignedIntegers, "")]
    [InlineData("[18446744073709551615,0]", NumberKind.UnsignedIntegers, "")]
    [InlineData("[18446744073709551616]", NumberKind.Decimals, "")]
    [InlineData("[99999999999999999999]", NumberKind.Decimals, "")]
    [InlineData("[9223372036854775808,-1]", NumberKind.Decimals, "")]
    [InlineData("[-9223372036854775809]", NumberKind.Decimals, "")]
    [InlineData("[1,2.0]", NumberKind.Decimals, "")]
    [InlineData("[1e2]", NumberKind.Decimals, "")]
    public void Kinds_are_told_apart(string json, NumberKind? kind, string integers)
    {
        using var numbers = NumberArrayParser.Parse(Utf8(json));
        if (kind == null)
        {
            Assert.Equal(NumberArrayStatus.Invalid, numbers.Status);
            return;
        }

        Assert.Equal(NumberArrayStatus.Complete, numbers.Status);
        Assert.Equal(kind, numbers.Kind);
        Assert.Equal(json.Length, numbers.Offset);
        if (kind == NumberKind.Integers)
        {
            Assert.Equal(integers, string.Join(' ', numbers.ToInt64s()));
        }
    }

    [Fact]
    public void Integers_keep_all_their_digits()
    {
        using var unsigned = NumberArrayParser.Parse("[18446744073709551615, 9223372036854775809, 0, -0]"u8);
        Assert.Equal([18446744073709551615, 9223372036854775809, 0, 0], unsigned.ToUInt64s());
        using var negative = NumberArrayParser.Parse("[1, -1]"u8);
        Assert.Null(negative.ToUInt64s());
        using var decimals = NumberArrayParser.Parse("[1.5]"u8);
        Assert.Null(decimals.ToUInt64s());
        Assert.Equal(-9223372036854775808, NumberArrayParser.Parse("[-9223372036854775808]"u8).ToInt64s()[0]);
    }

    [Theory]
    [InlineData("", NumberArrayStatus.Invalid, 0, "expected")]
    [InlineData("1", NumberArrayStatus.Invalid, 0, "array")]
    [InlineData("[", NumberArrayStatus.Invalid, 1, "ends")]
    [InlineData("[1", NumberArrayStatus.Invalid, 2, "ends")]
    [InlineData("[1,", NumberArrayStatus.Invalid, 3, "ends")]
    [InlineData("[1.", NumberArrayStatus.Invalid, 3, "ends")]
    [InlineData("[-", NumberArrayStatus.Invalid, 2, "ends")]
    [InlineData("[1,]", NumberArrayStatus.Invalid, 3, "number was expected")]
    [InlineData("[,1]", NumberArrayStatus.Invalid, 1, "number was expected")]
    [InlineData("[+1]", NumberArrayStatus.Invalid, 1, "number was expected")]
    [InlineData("[NaN]", NumberArrayStatus.Invalid, 1, "number was expected")]
    [InlineData("[01]", NumberArrayStatus.Invalid, 1, "zero")]
    [InlineData("[-01.5]", NumberArrayStatus.Invalid, 2, "zero")]
    [InlineData("[-a]", NumberArrayStatus.Invalid, 2, "digit")]
    [InlineData("[1.a]", NumberArrayStatus.Invalid, 3, "decimal point")]
    [InlineData("[1e]", NumberArrayStatus.Invalid, 3, "exponent")]
    [InlineData("[1e+]", NumberArrayStatus.Invalid, 4, "exponent")]
    [InlineData("[1 2]", NumberArrayStatus.Invalid, 3, "comma")]
    [InlineData("[1;2]", NumberArrayStatus.Invalid, 2, "comma")]
    [InlineData("[[1,2],[3,x]]", NumberArrayStatus.Invalid, 10, "number was expected")]
    [InlineData("[[1,2],]", NumberArrayStatus.Invalid, 7, "inner array")]
    [InlineData("[[1,2]", NumberArrayStatus.Invalid, 6, "ends")]
    [InlineData("[\"a\"]", NumberArrayStatus.NotNumbers, 1, "number was expected")]
    [InlineData("[1, null]", NumberArrayStatus.NotNumbers, 4, "number was expected")]
    [InlineData("[1, {}]", NumberArrayStatus.NotNumbers, 4, "number was expected")]
    [InlineData("[1, [2]]", NumberArrayStatus.NotNumbers, 4, "number was expected")]
    [InlineData("[[1], 2]", NumberArrayStatus.NotNumbers, 6, "inner array")]
    [InlineData("[[[1]]]", NumberArrayStatus.NotNumbers, 2, "number was expected")]
    [InlineData("[[1], null]", NumberArrayStatus.NotNumbers, 6, "inner array")]
    public void Faults_are_located_and_explained(string json, NumberArrayStatus status, int offset, string reason)
    {
        // Inside a longer buffer, and at the very end of one, the verdict is the same: nothing reads past the span.
        foreach (int padding in new[] { 0, 40 })
        {
            byte[] buffer = [.. Utf8(json), .. Enumerable.Repeat((byte)'7', padding)];
            using var numbers = NumberArrayParser.Parse(buffer.AsSpan(0, json.Length));
            Assert.Equal(status, numbers.Status);
            Assert.Equal(offset, numbers.Offset);
            Assert.Contains(reason, json.Length == 0 ? "expected" : numbers.Reason);
        }
    }

    [Fact]
    public void Nested_arrays_are_read_in_a_row()
    {
        using var numbers = NumberArrayParser.Parse("[[1, 2], [3.5,4] ,[5,6]]   tail"u8);
        Assert.Equal(NumberArrayStatus.Complete, numbers.Status);
        Assert.Equal(24, numbers.Offset);
        Assert.True(numbers.IsNested);
        Assert.Equal((3, 2, 6), (numbers.Rows, numbers.Dimensions, numbers.Count));
        Assert.Equal([1f, 2f, 3.5f, 4f, 5f, 6f], numbers.Singles.ToArray());
        Assert.Equal([1.0, 2.0, 3.5, 4.0, 5.0, 6.0], numbers.ToDoubles()!);
    }

    [Theory]
    [InlineData("[[1],[1,2]]", -1, 2)]
    [InlineData("[[1,2],[1],[1,2]]", -1, 3)]
    [InlineData("[[],[]]", 0, 2)]
    [InlineData("[[]]", 0, 1)]
    [InlineData("[[],[1]]", -1, 2)]
    public void Ragged_and_empty_rows_are_told(string json, int dimensions, int rows)
    {
        using var numbers = NumberArrayParser.Parse(Utf8(json));
        Assert.Equal(NumberArrayStatus.Complete, numbers.Status);
        Assert.Equal(dimensions, numbers.Dimensions);
        Assert.Equal(rows, numbers.Rows);
    }

    [Fact]
    public void What_a_single_cannot_hold_is_reported_and_doubles_still_work()
    {
        using var numbers = NumberArrayParser.Parse("[1, 1e39, -1e300]"u8);
        Assert.Equal(NumberArrayStatus.Complete, numbers.Status);
        Assert.Equal(4, numbers.SingleOverflowOffset);
        Assert.Equal([1.0, 1e39, -1e300], numbers.ToDoubles()!);
        using var huge = NumberArrayParser.Parse("[1e400]"u8);
        Assert.Null(huge.ToDoubles());
        bool refused = false;
        try
        {
            _ = numbers.Singles.Length;
        }
        catch (InvalidOperationException)
        {
            refused = true;
        }

        Assert.True(refused);
    }

    [Fact]
    public void A_general_reader_goes_on_behind_the_array()
    {
        byte[] json = Utf8("""{"id":1,"vector":[0.5, 2],"name":"x","rest":[3]}""");
        var reader = new Utf8JsonReader(json);
        while (reader.Read() && reader.TokenType != JsonTokenType.StartArray)
        {
        }

        int start = (int)reader.TokenStartIndex;
        using var numbers = NumberArrayParser.Parse(json.AsSpan(start));
        Assert.Equal([0.5f, 2f], numbers.Singles.ToArray());
        reader = new Utf8JsonReader(json.AsSpan(start + numbers.Offset - 1), isFinalBlock: true, reader.CurrentState);
        var tokens = new List<JsonTokenType>();
        while (reader.Read())
        {
            tokens.Add(reader.TokenType);
        }

        Assert.Equal(
            [
                JsonTokenType.EndArray, JsonTokenType.PropertyName, JsonTokenType.String, JsonTokenType.PropertyName, JsonTokenType.StartArray,
                JsonTokenType.Number, JsonTokenType.EndArray, JsonTokenType.EndObject,
            ],
            tokens);
    }

    [Fact]
    public void Every_truncation_of_an_array_is_refused()
    {
        byte[] json = Utf8("[[-1.5e+10, 0.25 ], [ 12345678901234567890,1E-3]]");
        for (int length = 0; length < json.Length; length++)
        {
            using var numbers = NumberArrayParser.Parse(json.AsSpan(0, length));
            Assert.Equal(NumberArrayStatus.Invalid, numbers.Status);
        }
    }

    /// <summary>Damaged text is read exactly when the stock parser reads it as nothing but numbers, and then to the same numbers.</summary>
    [Fact]
    public void Damaged_arrays_are_judged_as_the_stock_parser_judges_them()
    {
        var random = new Random(8);
        byte[] alphabet = Utf8("0123456789-+.eE, []x\"\n");
        for (int round = 0; round < 20_000; round++)
        {
            byte[] json = Utf8(round % 2 == 0 ? "[1.5,-20,3e2, 0.001]" : "[[1,2.5],[-3, 4e-1]]");
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                json[random.Next(1, json.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            using var numbers = NumberArrayParser.Parse(json);
            bool read = numbers.Status == NumberArrayStatus.Complete && json.AsSpan(numbers.Offset).Trim(" \n"u8).IsEmpty;
            using var document = TryParse(json);
            Assert.False(read && document == null, System.Text.Encoding.UTF8.GetString(json));
            Assert.False(numbers.Status == NumberArrayStatus.Invalid && document != null, System.Text.Encoding.UTF8.GetString(json));
            if (read)
            {
                AssertEqualsStock(document!.RootElement, numbers);
            }
        }
    }

    private static JsonDocument? TryParse(byte[] json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void AssertEqualsStock(JsonElement array, in NumberArray numbers)
    {
        var elements = numbers.IsNested ? array.EnumerateArray().SelectMany(row => row.EnumerateArray()) : array.EnumerateArray();
        string[] texts = [.. elements.Select(element => element.GetRawText())];
        Assert.Equal(texts.Length, numbers.Count);
        if (numbers.SingleOverflowOffset < 0)
        {
            Assert.Equal(texts.Select(text => float.Parse(text, CultureInfo.InvariantCulture)), numbers.Singles.ToArray());
        }

        Assert.Equal(numbers.Kind == NumberKind.Integers, texts.All(text => long.TryParse(text, CultureInfo.InvariantCulture, out _)));
        double[] doubles = [.. texts.Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
        Assert.Equal(doubles.Any(double.IsInfinity) ? null : doubles, numbers.ToDoubles());
    }

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
