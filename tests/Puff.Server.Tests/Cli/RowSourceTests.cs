using System.IO.Compression;
using System.Text;
using Puff.Transfer;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>What import makes of ndjson and CSV.</summary>
public sealed class RowSourceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-rows-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Ndjson_lines_pass_through_as_written() =>
        Assert.Equal(
            ["{\"id\":18446744073709551615, \"x\":0.10}", "{\"id\":2}"],
            Rows(Ndjson("{\"id\":18446744073709551615, \"x\":0.10}\n\n{\"id\":2}\r\n")));

    [Fact]
    public void Another_field_becomes_the_id() =>
        Assert.Equal(["{\"id\":\"a\",\"n\":18446744073709551615}"], Rows(Ndjson("{\"key\":\"a\",\"id\":1,\"n\":18446744073709551615}", "key")));

    [Fact]
    public void Gzip_is_recognised_by_its_first_bytes()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write("{\"id\":1}\n"u8);
        }

        Assert.Equal(["{\"id\":1}"], Rows(new NdjsonSource(SourceStream.Open(FileWith(packed.ToArray())), null)));
    }

    [Theory]
    [InlineData("{\"id\":1}\n{\"x\":1}", "line 2: the object has no 'id'; name the field that holds the id with --id")]
    [InlineData("[1]", "line 1: each line must be a JSON object")]
    public void A_wrong_line_is_named(string text, string message) => Assert.Equal(message, Assert.Throws<CommandException>(() => Rows(Ndjson(text))).Message);

    [Fact]
    public void A_broken_line_is_named() =>
        Assert.StartsWith("line 2: ", Assert.Throws<CommandException>(() => Rows(Ndjson("{\"id\":1}\n{\"id\":"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Csv_columns_get_one_type_each()
    {
        const string first = "1,5,02139,1,true,\"[\"\"a\"\",\"\"b\"\"]\",\"say \"\"hi\"\", twice\n\"\n";
        using CsvSource source = CsvOf("id,n,zip,price,ok,tags,text\n" + first + "2,-7,10115,2.5,false,[],\n");
        Assert.Equal(
            [
                "{\"id\":1,\"n\":5,\"zip\":\"02139\",\"price\":1,\"ok\":true,\"tags\":[\"a\",\"b\"],\"text\":\"say \\u0022hi\\u0022, twice\\n\"}",
                "{\"id\":2,\"n\":-7,\"zip\":\"10115\",\"price\":2.5,\"ok\":false,\"tags\":[]}",
            ],
            Rows(source));
        Assert.Equal("price=float", string.Join(',', source.Types.Select(pair => $"{pair.Key}={pair.Value}")));
    }

    [Fact]
    public void A_declared_type_wins_over_the_looks()
    {
        using CsvSource source = CsvOf("key,code\n1,7\n", "key", new() { ["id"] = "string", ["code"] = "string" });
        Assert.Equal(["{\"id\":\"1\",\"code\":\"7\"}"], Rows(source));
    }

    [Fact]
    public void A_cell_that_does_not_fit_its_column_is_named()
    {
        var text = new StringBuilder("id,n\n");
        for (int row = 1; row <= 1000; row++)
        {
            text.Append(row).Append(",1\n");
        }

        using CsvSource source = CsvOf(text + "1001,x\n");
        Assert.StartsWith("line 1002: 'x' in column n is no integer", Assert.Throws<CommandException>(() => Rows(source)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the CSV is empty")]
    [InlineData("a,b\n1,2\n", "the CSV has no column 'id'")]
    [InlineData("id,b\n1\n", "line 2: 1 cells, but the heading has 2")]
    [InlineData("id\n\"open\n", "line 2: the quote is never closed")]
    public void Wrong_csv_is_refused(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<CommandException>(() => CsvOf(text)).Message, StringComparison.Ordinal);

    private static string[] Rows(IRowSource source)
    {
        var rows = new List<string>();
        while (source.Read() is { } row)
        {
            rows.Add(Encoding.UTF8.GetString(row.Span));
        }

        source.Dispose();
        return [.. rows];
    }

    private NdjsonSource Ndjson(string text, string? idField = null) => new(SourceStream.Open(FileWith(Encoding.UTF8.GetBytes(text))), idField);

    private CsvSource CsvOf(string text, string? idField = null, Dictionary<string, string>? declared = null) =>
        new(SourceStream.Open(FileWith(Encoding.UTF8.GetBytes(text))), idField, declared ?? []);

    private string FileWith(byte[] content)
    {
        string path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(path, content);
        return path;
    }
}
