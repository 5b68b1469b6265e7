using Puff.Engine.Namespaces;
using Puff.Engine.Tests.Namespaces;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Indexing;

/// <summary>The background lanes as a running engine has them.</summary>
public sealed class MaintenanceTests
{
    [Fact]
    public async Task A_tail_is_indexed_without_anybody_asking()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = new EngineSettings { IndexThresholdEntries = 1, IndexDelay = TimeSpan.FromMilliseconds(1) };
        var engine = await fixture.OpenAsync();

        await engine.WriteAsync("docs", Upsert(Row(1), Row(2)));

        await UntilAsync(async () => (await engine.GetInfoAsync("docs")).ApproxRowCount == 2);
        Assert.Equal(Ids(1, 2), await IdsAsync(engine, "docs"));
    }

    [Fact]
    public async Task A_sweep_indexes_what_a_node_that_is_gone_has_left()
    {
        await using var fixture = new EngineFixture();
        await (await fixture.OpenAsync()).WriteAsync("docs", Upsert(Row(1), Row(2), Row(3)));

        fixture.Settings = new EngineSettings { Grace = TimeSpan.FromMilliseconds(200), IndexMaxAge = TimeSpan.FromMilliseconds(1) };
        await fixture.OpenAsync();

        var manifests = new ManifestStore(fixture.NewContext(), fixture.NewContext().KeysOf("docs"));
        await UntilAsync(async () => (await manifests.ReadAsync(null, default))!.Manifest.LiveDocuments == 3);
    }

    /// <summary>Waits for something that must come; the bound is for a broken build, not a speed that is asserted.</summary>
    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
