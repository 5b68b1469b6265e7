using System.Text.Json;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>The verbs against a served store, as processes.</summary>
public class VerbTests(CliWorkspace workspace) : IClassFixture<CliWorkspace>
{
    [Fact]
    public async Task Rows_go_in_and_come_out_as_they_were()
    {
        string[] lines =
        [
            "{\"id\":1,\"title\":\"naïve, \\\"quoted\\\"\",\"n\":9223372036854775807,\"vector\":[0.7,0.1]}",
            "{\"id\":18446744073709551615,\"n\":-9223372036854775808,\"vector\":[-1,0.25]}",
        ];
        await File.WriteAllLinesAsync(workspace.PathOf("rows.ndjson"), lines, TestContext.Current.CancellationToken);
        Outcome import = await workspace.RunAsync("import", "roundtrip", "rows.ndjson", "--distance-metric", "cosine_distance", "--output", "json");
        Assert.True(import.Code == 0, import.Messages);
        Assert.Equal(2, JsonSerializer.Deserialize<JsonElement>(import.Results).GetProperty("rows").GetInt32());

        Outcome export = await workspace.RunAsync("export", "roundtrip", "--vectors");
        Assert.Equal(0, export.Code);
        string[] back = export.Results.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines.Select(Canonical), back.Select(Canonical));
    }

    [Fact]
    public async Task Csv_goes_in_by_standard_input_and_comes_out_as_csv()
    {
        const string table = "id,city,open,size\n1,\"Zürich, old\",true,7\n2,Bern,false,12\n";
        Outcome import = await workspace.RunWithInputAsync(table, "import", "cities", "-", "--format", "csv");
        Assert.True(import.Code == 0, import.Messages);
        Outcome export = await workspace.RunAsync("export", "cities", "--format", "csv");
        Assert.Equal(table, export.Results);
    }

    [Fact]
    public async Task Large_imports_arrive_once_and_in_full()
    {
        await File.WriteAllLinesAsync(
            workspace.PathOf("many.ndjson"), Enumerable.Range(0, 2_345).Select(id => $"{{\"id\":{id},\"n\":{id % 7}}}"), TestContext.Current.CancellationToken);
        Assert.Equal(0, (await workspace.RunAsync("import", "many", "many.ndjson", "--batch", "100")).Code);
        Assert.False(File.Exists(workspace.PathOf("many.ndjson.puff-import.json")));
        Outcome export = await workspace.RunAsync("export", "many", "out.ndjson", "--page", "500");
        Assert.True(export.Code == 0, export.Messages);
        var rows = File.ReadLines(workspace.PathOf("out.ndjson")).Select(line => JsonSerializer.Deserialize<JsonElement>(line));
        Assert.Equal(Enumerable.Range(0, 2_345), rows.Select(row => row.GetProperty("id").GetInt32()));
    }

    [Fact]
    public async Task An_interrupted_import_goes_on_where_it_stopped()
    {
        string[] lines = [.. Enumerable.Range(0, 50).Select(id => $"{{\"id\":{id},\"n\":1}}")];
        lines[35] = "{\"id\":35,\"n\":2}";
        lines[36] = lines[36].Replace("\"id\"", "\"xx\"", StringComparison.Ordinal);
        await File.WriteAllLinesAsync(workspace.PathOf("stop.ndjson"), lines, TestContext.Current.CancellationToken);
        Outcome first = await workspace.RunAsync("import", "stop", "stop.ndjson", "--batch", "10");
        Assert.Equal(1, first.Code);
        Assert.Contains("line 37", first.Messages, StringComparison.Ordinal);
        Assert.Contains("--resume", first.Messages, StringComparison.Ordinal);

        // The same length, so that it is the same file as far as the state can tell; row 0 would be wrong if it were sent again.
        lines[36] = lines[36].Replace("\"xx\"", "\"id\"", StringComparison.Ordinal);
        lines[0] = "{\"id\":0,\"n\":9}";
        await File.WriteAllLinesAsync(workspace.PathOf("stop.ndjson"), lines, TestContext.Current.CancellationToken);
        Outcome second = await workspace.RunAsync("import", "stop", "stop.ndjson", "--batch", "10", "--resume");
        Assert.True(second.Code == 0, second.Messages);
        JsonElement[] rows = await workspace.RowsAsync("query", "stop", "--limit", "100", "--include", "n");
        Assert.Equal(50, rows.Length);
        Assert.Equal(1, rows[0].GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task An_interrupted_export_goes_on_where_it_stopped()
    {
        string rows = string.Concat(Enumerable.Range(1, 30).Select(id => $"{{\"id\":\"k{id:D2}\"}}\n"));
        Assert.Equal(0, (await workspace.RunWithInputAsync(rows, "import", "halves", "-")).Code);
        string target = workspace.PathOf("halves.ndjson");
        const string complete = "{\"id\":\"k01\"}\n{\"id\":\"k02\"}\n";
        await File.WriteAllTextAsync(target, complete + "{\"id\":\"k0", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            target + ".puff-export.json",
            JsonSerializer.Serialize(new Puff.Transfer.TransferState("halves", workspace.Url, 2, complete.Length, "\"k02\"")),
            TestContext.Current.CancellationToken);
        Assert.Equal(0, (await workspace.RunAsync("export", "halves", "halves.ndjson", "--resume", "--page", "7")).Code);
        Assert.Equal(rows, await File.ReadAllTextAsync(target, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Words_rank_alone_and_fused_with_a_vector()
    {
        const string rows = """
            {"id":1,"vector":[1,0],"text":"walruses sleep on ice"}
            {"id":2,"vector":[0,1],"text":"ducks sleep on one leg"}
            {"id":3,"vector":[0.9,0.1],"text":"foxes run"}
            """;
        await File.WriteAllTextAsync(workspace.PathOf("notes.ndjson"), rows, TestContext.Current.CancellationToken);
        Outcome imported = await workspace.RunAsync("import", "notes", "notes.ndjson", "--full-text", "text", "--distance-metric", "euclidean_squared");
        Assert.True(imported.Code == 0, imported.Messages);

        Assert.Equal(new List<int> { 1, 2 }, await Ids("--text", "ice sleep"));
        Assert.Equal(new List<int> { 3 }, await Ids("--text", "run", "--filter", "[\"id\",\"Gt\",1]"));
        Assert.Equal(new List<int> { 2, 1 }, await Ids("--text", "ducks sleep", "--vector", "[0,1]", "--limit", "2"));

        Outcome both = await workspace.RunAsync("query", "notes", "--text", "ice", "--rank-by", "[\"id\",\"asc\"]");
        Assert.Equal(2, both.Code);
        Assert.Contains("--text or --rank-by", both.Messages, StringComparison.Ordinal);
        Outcome unknown = await workspace.RunAsync("query", "notes", "--text", "ice", "--text-attribute", "title");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("title", unknown.Messages, StringComparison.Ordinal);
        await File.WriteAllTextAsync(workspace.PathOf("notes.json"), "{\"text\":\"string\"}", TestContext.Current.CancellationToken);
        Outcome twice = await workspace.RunAsync("import", "notes", "notes.ndjson", "--full-text", "text", "--schema", "notes.json");
        Assert.Equal(2, twice.Code);

        async Task<List<int>> Ids(params string[] arguments) =>
            [.. (await workspace.RowsAsync(["query", "notes", .. arguments])).Select(row => row.GetProperty("id").GetInt32())];
    }

    [Fact]
    public async Task Write_query_stat_schema_and_delete_work_together()
    {
        const string write = """{"upsert_rows":[{"id":1,"vector":[1,0],"a":"x"},{"id":2,"vector":[0,1],"a":"y"}],"distance_metric":"euclidean_squared"}""";
        Outcome written = await workspace.RunWithInputAsync(write, "write", "small", "-", "--output", "json");
        Assert.True(written.Code == 0, written.Messages);
        JsonElement[] rows = await workspace.RowsAsync("query", "small", "--vector", "[0.5,0]", "--limit", "1", "--include", "a");
        Assert.Equal("{\"$dist\":0.25,\"id\":1,\"a\":\"x\"}", Canonical(rows.Single().GetRawText()));
        rows = await workspace.RowsAsync("query", "small", "--filter", "[\"a\",\"Eq\",\"y\"]");
        Assert.Equal(2, rows.Single().GetProperty("id").GetInt32());
        await File.WriteAllTextAsync(workspace.PathOf("q.json"), """{"aggregate_by":{"n":["Count"]}}""", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await workspace.RowsAsync("query", "small", "--json", "q.json")).Single().GetProperty("n").GetInt32());

        Assert.True((await workspace.RowsAsync("stat", "small")).Single().TryGetProperty("schema", out _));
        Outcome schema = await workspace.RunAsync("schema", "small", "--output", "csv");
        Assert.Contains("vector", schema.Results, StringComparison.Ordinal);
        Assert.Contains(await workspace.RowsAsync("ls", "sma"), row => row.GetProperty("id").GetString() == "small");

        Assert.Equal(0, (await workspace.RunAsync("delete", "small", "--id", "1")).Code);
        Assert.Single(await workspace.RowsAsync("query", "small"));
        Assert.Equal(2, (await workspace.RunAsync("delete", "small")).Code);
        Assert.Equal(0, (await workspace.RunAsync("delete", "small", "--yes")).Code);
        Assert.Equal(3, (await workspace.RunAsync("stat", "small")).Code);
    }

    [Fact]
    public async Task Branches_and_copies_go_their_own_way()
    {
        Assert.Equal(0, (await workspace.RunWithInputAsync("{\"id\":1}\n{\"id\":2}\n", "import", "trunk", "-")).Code);
        Assert.Equal(0, (await workspace.RunAsync("branch", "trunk", "trunk-branch")).Code);
        Assert.Equal(0, (await workspace.RunAsync("copy", "trunk", "trunk-copy")).Code);
        Assert.Equal(0, (await workspace.RunAsync("delete", "trunk", "--id", "1")).Code);
        Assert.Single(await workspace.RowsAsync("query", "trunk"));
        Assert.Equal(2, (await workspace.RowsAsync("query", "trunk-branch")).Length);
        Assert.Equal(2, (await workspace.RowsAsync("query", "trunk-copy")).Length);
        Assert.Equal(6, (await workspace.RunAsync("branch", "trunk", "trunk-copy")).Code);
    }

    [Fact]
    public async Task Exit_codes_tell_what_happened()
    {
        Assert.Equal(3, (await workspace.RunAsync("query", "absent")).Code);
        Assert.Equal(3, (await workspace.RunAsync("branch", "absent", "other")).Code);
        Outcome wrong = await workspace.RunWithInputAsync("{\"upsert_rows\":{}}", "write", "wrong", "-");
        Assert.Equal(1, wrong.Code);
        Assert.Contains("invalid type: map, expected a sequence", wrong.Messages, StringComparison.Ordinal);
        Assert.Empty(wrong.Results);
    }

    private static string Canonical(string json)
    {
        var pairs = JsonSerializer.Deserialize<JsonElement>(json).EnumerateObject()
            .OrderBy(pair => pair.Name is "$dist" or "id" ? 0 : 1).ThenBy(pair => pair.Name, StringComparer.Ordinal);
        return $"{{{string.Join(',', pairs.Select(pair => $"\"{pair.Name}\":{Value(pair.Value)}"))}}}";
    }

    private static string Value(JsonElement value) => value.ValueKind == JsonValueKind.String ? $"\"{value.GetString()}\"" : value.GetRawText();
}
