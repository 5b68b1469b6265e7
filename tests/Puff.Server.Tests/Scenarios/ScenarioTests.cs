using Puff.TestKit.House;
using Xunit;

namespace Puff.Server.Tests.Scenarios;

/// <summary>Every file below tests/scenarios is a test: requests over real HTTP, and what their answers must be like.</summary>
public class ScenarioTests(ScenarioServer server) : IClassFixture<ScenarioServer>
{
    private const string Folder = "tests/scenarios";

    public static TheoryData<string> Files => [.. Repository.Files(Folder, ".http").Select(path => path[(Folder.Length + 1)..])];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Scenario_holds(string file)
    {
        var steps = Scenario.Parse(file, await File.ReadAllTextAsync(Repository.Resolve($"{Folder}/{file}"), TestContext.Current.CancellationToken));
        Assert.NotEmpty(steps);

        // A name of its own for every run, so that a server that keeps its data can be asked again.
        string prefix = $"s{Path.GetFileNameWithoutExtension(file)[..3]}-{Guid.NewGuid():N}"[..20];
        await new ScenarioRunner(server.Client, server.Key).RunAsync(steps, prefix);
    }
}
