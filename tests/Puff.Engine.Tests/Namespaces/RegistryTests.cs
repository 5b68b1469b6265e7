using Puff.Engine.Namespaces;
using Puff.Engine.Tests.Storage;
using Xunit;
using static Puff.Engine.Tests.Namespaces.EngineFixture;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Which namespaces stay open.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task The_least_recently_used_is_closed_and_what_is_in_use_stays()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MaxOpenNamespaces = 2 };
        var registry = new NamespaceRegistry(fixture.NewContext(), new SilentObserver());

        var used = registry.Open("used");
        registry.Open("b").Dispose();
        registry.Open("c").Dispose();
        Assert.Equal(["c", "used"], OpenNames(registry));
        registry.Open("d").Dispose();
        Assert.Equal(["d", "used"], OpenNames(registry));

        // Everything is in use: nothing can be closed.
        var leases = new[] { registry.Open("e"), registry.Open("f"), registry.Open("used") };
        Assert.Equal(["e", "f", "used"], OpenNames(registry));
        Assert.Same(used.Namespace, leases[2].Namespace);
        Array.ForEach(leases, l => l.Dispose());
        used.Dispose();
        registry.Open("g").Dispose();
        Assert.Equal(["g", "used"], OpenNames(registry));
    }

    [Fact]
    public async Task Closing_takes_nothing_from_those_who_read_or_write()
    {
        await using var fixture = new EngineFixture();
        fixture.Settings = fixture.Settings with { MaxOpenNamespaces = 1 };
        var scripted = new ScriptedStore(fixture.Store);
        var engine = await fixture.OpenAsync(scripted);
        await engine.WriteAsync("slow", Upsert(Row(1)));
        await fixture.FlushAsync("slow");
        var release = new TaskCompletionSource();
        scripted.Before = async call =>
        {
            if (call.Key.Contains("/slow/wal/", StringComparison.Ordinal))
            {
                await release.Task;
            }
        };

        var reading = IdsAsync(engine, "slow");
        var writing = engine.WriteAsync("slow", Upsert(Row(2)));
        using var giveUp = new CancellationTokenSource();
        var impatient = engine.WriteAsync("slow", Upsert(Row(3)), giveUp.Token);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        for (int i = 0; i < 20; i++)
        {
            await engine.WriteAsync($"other-{i}", Upsert(Row(1)));
        }

        release.SetResult();
        await reading;
        await writing;
        Assert.Equal(Ids(1, 2, 3), await IdsAsync(engine, "slow"));
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(Ids(1), await IdsAsync(engine, $"other-{i}"));
        }
    }

    private static string[] OpenNames(NamespaceRegistry registry) => registry.OpenNamespaces.Select(n => n.Name).Order(StringComparer.Ordinal).ToArray();
}
