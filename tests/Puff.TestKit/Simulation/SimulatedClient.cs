using System.Collections.Immutable;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;

namespace Puff.TestKit.Simulation;

/// <summary>Uses an engine as clients do, at random, and writes down what it was told.</summary>
internal sealed class SimulatedClient(
    SimulatedWorld world, SimulationPlan plan, ClusterTruth truth, SimulatedNode node, PuffEngine engine, Random random, Action<string> complain)
{
    public static readonly string[] Names = ["alpha", "beta", "gamma"];

    private const int Keys = 8;

    private static readonly ImmutableSortedDictionary<string, object?> NoChange =
        ImmutableSortedDictionary<string, object?>.Empty.WithComparers(StringComparer.Ordinal);

    private readonly Dictionary<ulong, long> lastSeen = [];

    public async Task WriteUntilAsync(Func<bool> stopped)
    {
        while (!stopped())
        {
            await PauseAsync();
            string target = Names[random.Next(10) < 6 ? 0 : random.Next(Names.Length)];
            int choice = random.Next(1000);
            await ((choice -= plan.Deletions) < 0 ? DeleteAsync(target)
                : (choice -= plan.Branches) < 0 ? CloneAsync(target)
                : (choice - 60) < 0 ? IdleWriteAsync(target)
                : WriteAsync(target));
        }
    }

    public async Task ReadUntilAsync(Func<bool> stopped)
    {
        while (!stopped())
        {
            await PauseAsync();
            string target = Names[random.Next(Names.Length)];
            await (random.Next(10) switch
            {
                0 => ReadAsync(target, Consistency.Eventual),
                1 => DescribeAsync(target),
                2 => ListAsync(),
                _ => ReadAsync(target, Consistency.Strong),
            });
        }
    }

    /// <summary>Locks and unlocks a namespace. One such client a simulation: the log does not show whose setting it was.</summary>
    public async Task LockUntilAsync(Func<bool> stopped)
    {
        while (!stopped())
        {
            await Task.Delay(plan.Pace * (4 + random.Next(8)), node.Time);
            string target = Names[random.Next(Names.Length)];
            await SetReadOnlyAsync(target, true);
            await Task.Delay(plan.Pace, node.Time);
            await SetReadOnlyAsync(target, false);
        }
    }

    public Task ReadAsync(string target, Consistency consistency)
    {
        var filter = random.Next(4) == 0 ? DrawCondition() : null;
        return CallAsync(consistency == Consistency.Strong ? ClientKind.StrongRead : ClientKind.EventualRead, target, filter: filter, call: async operation =>
        {
            var request = ClusterTruth.Everything() with { Filters = filter?.ToFilter() };
            var result = await engine.QueryAsync(target, request, consistency);
            operation.Seen = ModelState.Render(result.Rows!);
            foreach (var row in result.Rows!.Where(r => r.Id.AsUInt < ModelWrite.FirstMarker))
            {
                lastSeen[row.Id.AsUInt] = row.Attributes.First(a => a.Key == "v").Value.AsInt;
            }
        });
    }

    private Task PauseAsync() => Task.Delay(plan.Pace * (random.NextDouble() * 2), node.Time);

    private Task WriteAsync(string target)
    {
        int number = truth.Operations.Count + 1;
        var write = DrawWrite(number);
        return CallAsync(ClientKind.Write, target, write: write, call: async o => o.Result = await engine.WriteAsync(target, write.ToRequest()));
    }

    private Task IdleWriteAsync(string target)
    {
        var never = new ModelCondition("v", FilterOperator.Eq, -1L);
        var write = new ModelWrite(0) { PatchIf = never };
        write.Patches.Add((DrawId(), NoChange.Add("n", 0L)));
        return CallAsync(ClientKind.IdleWrite, target, call: async o => o.Result = await engine.WriteAsync(target, write.ToRequest()));
    }

    private Task DeleteAsync(string target) => CallAsync(ClientKind.Delete, target, call: _ => engine.DeleteAsync(target));

    private Task SetReadOnlyAsync(string target, bool value) =>
        CallAsync(ClientKind.SetReadOnly, target, flag: value, call: _ => engine.PatchMetadataAsync(target, new MetadataPatch { ReadOnly = value }));

    private Task CloneAsync(string source)
    {
        string target = Names.Where(n => n != source).ElementAt(random.Next(Names.Length - 1));
        bool isBranch = random.Next(3) > 0;
        return CallAsync(isBranch ? ClientKind.Branch : ClientKind.Copy, target, source: source, call: async o => o.Result = await engine.WriteAsync(
            target, isBranch ? new WriteRequest { BranchFromNamespace = source } : new WriteRequest { CopyFromNamespace = source }));
    }

    private Task DescribeAsync(string target) => CallAsync(ClientKind.Describe, target, call: async operation =>
    {
        var info = await engine.GetInfoAsync(target);
        operation.SeenNames = info.Schema.Attributes.Select(a => a.Name).ToArray();
        operation.SeenReadOnly = info.ReadOnly;
    });

    private Task ListAsync() =>
        CallAsync(ClientKind.List, "", call: async operation => operation.SeenNames = (await engine.ListAsync("", null, 100)).Names.ToArray());

    private async Task CallAsync(
        ClientKind kind, string target, Func<ClientOperation, Task> call,
        string? source = null, ModelWrite? write = null, ModelCondition? filter = null, bool flag = false)
    {
        var operation = new ClientOperation
        {
            Number = truth.Operations.Count + 1,
            Kind = kind,
            Target = target,
            Node = node.Name,
            Source = source,
            Write = write,
            Filter = filter,
            Flag = flag,
            Invoked = world.Step,
        };
        truth.Operations.Add(operation.Number, operation);
        world.Trace($"{kind}", $"{target} {source}", operation.Number);
        ClientFlow.Operation = operation.Number;
        try
        {
            await call(operation);
            operation.Complete(world.Step, null);
        }
        catch (PuffException failure)
        {
            operation.Complete(world.Step, failure);
        }
        catch (Exception failure)
        {
            complain($"{operation} ended with {failure}");
        }

        world.Trace($"{kind} done", operation.Error is { } error ? $"{error.Kind}: {error.Message}" : "", operation.Number);
    }

    private ModelWrite DrawWrite(int number)
    {
        var write = new ModelWrite(number) { HasVectors = plan.HasVectors };
        write.Upserts.Add((write.Marker, Document(number, "m")));
        var free = Enumerable.Range(1, Keys).Select(i => (ulong)i).ToList();
        for (int count = random.Next(3); count > 0; count--)
        {
            write.Upserts.Add((Take(free), Document(number, DrawCategory())));
        }

        write.UpsertIf = random.Next(3) == 0 ? new ModelCondition("v", FilterOperator.Lt, 0L, WithIncoming: true) : null;
        if (random.Next(2) == 0)
        {
            write.Patches.Add((Take(free), Patch(number)));
            write.PatchIf = random.Next(2) == 0 ? DrawCondition() : null;
        }

        if (random.Next(3) == 0)
        {
            write.Deletes.Add(Take(free));
            write.DeleteIf = random.Next(2) == 0 ? DrawCondition() : null;
        }

        write.DeleteBy = random.Next(8) switch
        {
            0 => new ModelCondition("v", FilterOperator.Lt, (long)number - random.Next(10, 80)),
            1 => new ModelCondition("k", FilterOperator.Eq, DrawCategory()),
            _ => null,
        };
        if (random.Next(6) == 0)
        {
            write.PatchBy = DrawCondition();
            write.PatchByAttributes = NoChange.Add("n", (long)random.Next(5)).Add("v", (long)number);
        }

        return write;
    }

    private ModelCondition DrawCondition() => random.Next(4) switch
    {
        0 => new ModelCondition("k", FilterOperator.Eq, DrawCategory()),
        1 => new ModelCondition("n", FilterOperator.Gte, (long)random.Next(5)),
        2 => new ModelCondition("n", FilterOperator.Lt, (long)random.Next(5)),
        _ => new ModelCondition("v", FilterOperator.Eq, lastSeen.Count == 0 ? 0L : lastSeen.Values.ElementAt(random.Next(lastSeen.Count))),
    };

    private ImmutableSortedDictionary<string, object> Document(int number, string category)
    {
        var document = ModelState.NoAttributes.Add("v", (long)number).Add("n", (long)random.Next(5)).Add("k", category);
        if (random.Next(4) == 0)
        {
            document = document.Add($"x{random.Next(6)}", (long)number);
        }

        return plan.HasVectors ? document.Add("vec", $"[{random.Next(9)} {number}]") : document;
    }

    private ImmutableSortedDictionary<string, object?> Patch(int number)
    {
        var patch = NoChange.Add("v", (long)number);
        return random.Next(3) switch
        {
            0 => patch.Add("n", (long)random.Next(5)),
            1 => patch.Add($"x{random.Next(6)}", null),
            _ => patch.Add($"x{random.Next(6)}", (long)number),
        };
    }

    private string DrawCategory() => ((char)('a' + random.Next(4))).ToString();

    private ulong DrawId() => (ulong)random.Next(1, Keys + 1);

    private ulong Take(List<ulong> free)
    {
        int index = random.Next(free.Count);
        ulong id = free[index];
        free.RemoveAt(index);
        return id;
    }
}
