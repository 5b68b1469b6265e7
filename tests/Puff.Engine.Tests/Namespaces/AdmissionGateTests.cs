using Puff.Engine.Namespaces;
using Xunit;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>Bounded running, bounded waiting, in order, and no place lost to those who give up.</summary>
public sealed class AdmissionGateTests
{
    [Fact]
    public async Task Sixteen_run_the_next_wait_and_the_rest_are_turned_away()
    {
        var gate = new AdmissionGate(16, 3, "queries");
        var running = new List<AdmissionGate.Pass>();
        for (int i = 0; i < 16; i++)
        {
            running.Add(await gate.EnterAsync(1, default));
        }

        var waiting = Enumerable.Range(0, 3).Select(_ => gate.EnterAsync(1, default).AsTask()).ToArray();
        var error = await Assert.ThrowsAsync<PuffException>(async () => await gate.EnterAsync(1, default));

        Assert.Equal(ErrorKind.Limited, error.Kind);
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
        for (int i = 0; i < 3; i++)
        {
            running[i].Dispose();
            await waiting[i];
        }
    }

    [Fact]
    public async Task Heavy_entries_wait_for_room_and_hold_their_turn()
    {
        var gate = new AdmissionGate(4, 10, "queries");
        var first = await gate.EnterAsync(3, default);
        var heavy = gate.EnterAsync(4, default).AsTask();
        var light = gate.EnterAsync(1, default).AsTask();
        Assert.False(heavy.IsCompleted || light.IsCompleted);

        first.Dispose();
        var held = await heavy;
        Assert.False(light.IsCompleted);
        held.Dispose();
        (await light).Dispose();

        // What weighs more than there are places takes them all.
        (await gate.EnterAsync(100, default)).Dispose();
    }

    [Fact]
    public async Task Who_gives_up_takes_no_place_and_no_turn_with_him()
    {
        var gate = new AdmissionGate(1, 2, "queries");
        var running = await gate.EnterAsync(1, default);
        for (int round = 0; round < 5; round++)
        {
            using var giveUp = new CancellationTokenSource();
            var waiting = new[] { gate.EnterAsync(1, giveUp.Token).AsTask(), gate.EnterAsync(1, giveUp.Token).AsTask() };
            await giveUp.CancelAsync();
            foreach (var task in waiting)
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
            }
        }

        var patient = gate.EnterAsync(1, default).AsTask();
        running.Dispose();
        (await patient).Dispose();
        (await gate.EnterAsync(1, default)).Dispose();
    }

    [Fact]
    public async Task Places_survive_any_mix_of_leaving_and_giving_up()
    {
        var gate = new AdmissionGate(4, 1000, "queries");
        int inside = 0, most = 0;
        await Task.WhenAll(Enumerable.Range(0, 400).Select(async i =>
        {
            using var giveUp = new CancellationTokenSource();
            var entering = gate.EnterAsync(1 + i % 2, giveUp.Token).AsTask();
            if (i % 3 == 0)
            {
                await giveUp.CancelAsync();
            }

            try
            {
                using var pass = await entering;
                most = Math.Max(most, Interlocked.Increment(ref inside));
                await Task.Yield();
                Interlocked.Decrement(ref inside);
            }
            catch (OperationCanceledException)
            {
                // As asked for.
            }
        }));

        Assert.InRange(most, 1, 4);
        var all = await gate.EnterAsync(4, default);
        all.Dispose();
    }
}
