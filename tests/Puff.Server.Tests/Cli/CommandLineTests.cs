using System.Text.Json;
using Puff.Output;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>The command line without a server: usage errors, exit codes, where output goes.</summary>
public class CommandLineTests
{
    [Theory]
    [InlineData("frobnicate")]
    [InlineData("ls --nonsense")]
    [InlineData("import docs")]
    [InlineData("ls --output xml")]
    [InlineData("import docs - --format parquet")]
    [InlineData("query docs --limit many")]
    [InlineData("ls --url not-a-url")]
    [InlineData("import docs - --resume")]
    [InlineData("delete docs")]
    [InlineData("query docs --vector [1] --rank-by [1]")]
    [InlineData("query docs --filter nonsense")]
    [InlineData("query docs --json - --limit 3")]
    public async Task What_cannot_be_meant_is_a_usage_error(string line)
    {
        Outcome outcome = await RunAsync(line.Split(' '));
        Assert.Equal(2, outcome.Code);
        Assert.Empty(outcome.Results);
        Assert.NotEmpty(outcome.Messages);
    }

    [Fact]
    public async Task Nobody_listening_is_a_temporary_failure_that_says_what_to_do()
    {
        // Port 1 is reserved and never served on loopback here.
        Outcome outcome = await RunAsync("stat", "docs", "--url", "http://127.0.0.1:1");
        Assert.Equal(5, outcome.Code);
        Assert.Contains("puff serve", outcome.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_is_not_found()
    {
        Outcome outcome = await RunAsync("import", "docs", "/nonexistent/rows.ndjson");
        Assert.Equal(3, outcome.Code);
    }

    [Fact]
    public async Task Version_speaks_json()
    {
        Outcome outcome = await RunAsync("version", "--output", "json");
        Assert.Equal(0, outcome.Code);
        Assert.False(string.IsNullOrEmpty(JsonSerializer.Deserialize<JsonElement>(outcome.Results).GetProperty("version").GetString()));
    }

    [Fact]
    public async Task Config_show_tells_where_each_value_came_from()
    {
        Outcome outcome = await RunAsync("config", "show", "--role", "query", "--output", "ndjson");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("{\"setting\":\"role\",\"value\":\"query\",\"source\":\"flag --role\"}", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_settings_file_that_was_named_must_exist()
    {
        Outcome outcome = await RunAsync("config", "show", "--config", "/nonexistent/puff.toml");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("/nonexistent/puff.toml", outcome.Messages, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Completion_scripts_ask_the_binary(string shell)
    {
        Outcome outcome = await RunAsync("completion", shell);
        Assert.Equal(0, outcome.Code);
        Assert.Contains("[suggest:", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suggestions_name_the_verbs()
    {
        Outcome outcome = await RunAsync("[suggest:2]", "im");
        Assert.Contains("import", outcome.Results, StringComparison.Ordinal);
    }

    private static async Task<Outcome> RunAsync(params string[] arguments)
    {
        using var results = new StringWriter();
        using var messages = new StringWriter();
        int code = await CommandLine.RunAsync(arguments, new Terminal(TextReader.Null, results, messages));
        return new Outcome(code, results.ToString(), messages.ToString());
    }
}
