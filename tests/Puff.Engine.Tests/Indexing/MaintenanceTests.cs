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

    [Fact]
    public async Task What_a_burst_leaves_in_the_tail_is_indexed_when_the_burst_is_over()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = new EngineSettings { IndexFlushBytes = 4_000, IndexDelay = TimeSpan.FromSeconds(1), IndexMaxAge = TimeSpan.FromDays(1) };
        var engine = await fixture.OpenAsync();
        int next = 0;

        // On a machine that stands still between two writes, the second is none of the burst's: then another burst is tried.
        await UntilAsync(async () =>
        {
            await engine.WriteAsync("docs", Upsert([.. Enumerable.Range(next, 2_000).Select(i => Row((ulong)i))]));
            await engine.WriteAsync("docs", Upsert(Row((ulong)next + 2_000)));
            next += 2_001;
            for (int look = 0; look < 500; look++)
            {
                if ((await engine.GetInfoAsync("docs")) is { UnindexedBytes: null or 0 })
                {
                    return true;
                }

                await Task.Delay(10);
            }

            return false;
        });
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
