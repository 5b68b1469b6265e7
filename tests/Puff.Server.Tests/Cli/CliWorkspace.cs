using System.Text.Json;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>A folder and a served store in it, for tests that use the command line as people do.</summary>
public sealed class CliWorkspace : IAsyncLifetime
{
    private PuffProcess? server;

    internal string Folder { get; } = Directory.CreateTempSubdirectory("puff-cli-").FullName;

    internal string Url => server!.Url;

    public async ValueTask InitializeAsync() => server = await PuffProcess.ServeAsync(Folder, "--store", "store");

    public async ValueTask DisposeAsync()
    {
        await server!.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    internal string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>Runs a client verb against the server.</summary>
    internal Task<Outcome> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    internal Task<Outcome> RunWithInputAsync(string input, params string[] arguments) => PuffProcess.RunAsync(Folder, input, [.. arguments, "--url", Url]);

    /// <summary>Runs a verb that must succeed and returns the objects it printed.</summary>
    internal async Task<JsonElement[]> RowsAsync(params string[] arguments)
    {
        Outcome outcome = await RunAsync([.. arguments, "--output", "ndjson"]);
        Assert.True(outcome.Code == 0, outcome.Messages);
        return [.. outcome.Results.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }
}
