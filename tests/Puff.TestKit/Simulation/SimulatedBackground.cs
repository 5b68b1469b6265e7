using Puff.Engine;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;

namespace Puff.TestKit.Simulation;

/// <summary>A node that only indexes, merges or collects, at random moments, with an identity of its own.</summary>
internal sealed class SimulatedBackground(SimulatedNode node, EngineContext context, Random random, Action<string> complain) : INamespaceObserver
{
    private readonly Dictionary<string, Namespace> open = new(StringComparer.Ordinal);

    public Task IndexUntilAsync(Func<bool> stopped, TimeSpan every) => RepeatAsync(stopped, every, async target =>
    {
        await target.FreshenAsync();
        await new Flusher(context).FlushAsync(target, CancellationToken.None);
    });

    public Task MergeUntilAsync(Func<bool> stopped, TimeSpan every) => RepeatAsync(stopped, every, async target =>
    {
        await target.FreshenAsync();
        await new Merger(context).MergeAsync(target, isIdle: random.Next(4) == 0, CancellationToken.None);
    });

    public Task CollectUntilAsync(Func<bool> stopped) =>
        RepeatAsync(stopped, TimeSpan.FromSeconds(15), target => new Collector(context).CollectAsync(target, CancellationToken.None));

    /// <summary>One orderly round over all namespaces, without faults.</summary>
    public async Task TidyAsync()
    {
        foreach (string name in SimulatedClient.Names)
        {
            var target = Open(name);
            await target.FreshenAsync();
            await new Flusher(context).FlushAsync(target, CancellationToken.None);
            while (await new Merger(context).MergeAsync(target, isIdle: true, CancellationToken.None))
            {
            }

            await new Collector(context).CollectAsync(target, CancellationToken.None);
        }
    }

    public void TailGrew(Namespace changed)
    {
    }

    private async Task RepeatAsync(Func<bool> stopped, TimeSpan every, Func<Namespace, Task> work)
    {
        while (!stopped())
        {
            await Task.Delay(every * (random.NextDouble() * 2), node.Time);
            string name = SimulatedClient.Names[random.Next(SimulatedClient.Names.Length)];
            try
            {
                await work(Open(name));
            }
            catch (PuffException failure) when (failure.Kind is ErrorKind.Unavailable)
            {
                // The store failed; the next round tries again.
            }
            catch (Exception failure)
            {
                complain($"background work of {node.Name} on \"{name}\" ended with {failure}");
            }
        }
    }

    private Namespace Open(string name)
    {
        if (!open.TryGetValue(name, out var target))
        {
            open.Add(name, target = new Namespace(context, name, this));
        }

        return target;
    }
}
