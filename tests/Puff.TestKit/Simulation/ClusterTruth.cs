using Puff.Engine;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.TestKit.Simulation;

/// <summary>
/// Watches the store and keeps what is true: which log entry is real, in which order requests took effect, what each namespace contains, what may be deleted.
/// Complains at once about everything that can be seen from the store alone.
/// </summary>
internal sealed class ClusterTruth(
    SimulatedWorld world, SimulatedStore store, EngineSettings settings, TimeSpan clockTolerance, Action<string> complain) : IStoreWitness
{
    private readonly SortedDictionary<string, NamespaceTruth> namespaces = new(StringComparer.Ordinal);
    private readonly Reachability reachability = new(settings.Root, settings.Grace - clockTolerance);
    private readonly EngineContext raw = new(
        settings, new EngineComponents { Store = store.Inner, Time = new SimulatedTime(world, null, TimeSpan.Zero), Random = new Random(1) });

    public Dictionary<int, ClientOperation> Operations { get; } = [];

    public IEnumerable<NamespaceTruth> Namespaces => namespaces.Values;

    /// <summary>Entries that landed where nobody will look: trimmed slots, ended epochs.</summary>
    public int StrayEntries { get; private set; }

    public int Publications { get; private set; }

    /// <summary>Changes of the index queue and of leases.</summary>
    public int QueueWrites { get; private set; }

    /// <summary>Counted again with every publication.</summary>
    public int CodedSegments { get; private set; }

    public int GroupedSegments { get; private set; }

    public int GrownTrees { get; private set; }

    /// <summary>Nearest documents that a search of all codes found, and should have found.</summary>
    public (int Found, int Wanted) Nearest { get; private set; }

    public int Deletions { get; private set; }

    public NamespaceTruth Of(string name)
    {
        if (!namespaces.TryGetValue(name, out var truth))
        {
            namespaces.Add(name, truth = new NamespaceTruth(new NamespaceKeys(settings.Root, name)));
        }

        return truth;
    }

    public void Written(string key, byte[] content, int operation)
    {
        if (NamespaceKeys.OwnerOf(settings.Root, key) is not { } name)
        {
            // The index queue and leases: nothing is lost with them.
            QueueWrites++;
            return;
        }

        var truth = Of(name);
        if (truth.Keys.ParseWalEntry(key) is { } entry)
        {
            EntryWritten(truth, key, entry.Epoch, entry.Sequence, content);
        }
        else if (key == truth.Keys.Current)
        {
            ManifestWritten(truth, ManifestFormat.Read(content), operation);
        }
    }

    public void Deleted(string key)
    {
        Deletions++;
        if (reachability.Forbids(key, world.Now) is { } reason)
        {
            complain($"{key} was deleted although {reason}");
        }
    }

    /// <summary>Objects that are reached and gone.</summary>
    public IEnumerable<string> Missing() =>
        reachability.Reached.Where(k => SimulatedStore.Wait(store.Inner.HeadAsync(k, StorePurpose.User, CancellationToken.None)) is null);

    /// <summary>
    /// Objects that nothing reaches and nobody will ever delete; pins of branches that were never published among them.
    /// </summary>
    public IEnumerable<string> Litter()
    {
        var found = namespaces.Values.SelectMany(n => SimulatedStore.Wait(store.Inner.ListAsync(
            new ListOptions(n.Keys.Folder), StorePurpose.User, CancellationToken.None)).Objects).Select(o => o.Key).ToArray();
        var pins = namespaces.Values.Where(n => n.Manifest is not null).SelectMany(n => n.Manifest!.PinsHeld).Intersect(found).ToArray();

        // A tombstone stays for good; what opens a namespace goes with its life.
        var alive = namespaces.Values.Where(n => n.Manifest is { Deleted: false });
        var heads = namespaces.Values.Select(n => n.Keys.Current).Concat(alive.Select(n => n.Keys.Opening));
        var wanted = pins.Concat(pins.SelectMany(HeldBy)).Concat(heads).ToHashSet(StringComparer.Ordinal);
        return found.Where(k => !wanted.Contains(k) && !reachability.IsReached(k));
    }

    private IEnumerable<string> HeldBy(string pin)
    {
        var content = SimulatedStore.Wait(store.Inner.GetAsync(pin, default, StorePurpose.User, CancellationToken.None)).Content!;
        var read = PinFormat.Read(content.Span);
        content.Release();
        return read.Keys.Concat(
            read.Tails.SelectMany(t => Reachability.EntriesOf(new NamespaceKeys(settings.Root, t.Name), t.Epoch, t.From, t.Through)));
    }

    private void EntryWritten(NamespaceTruth truth, string key, ulong epoch, long sequence, byte[] content)
    {
        if (truth.Manifest is not { } manifest || manifest.Epoch != epoch || manifest.Deleted || truth.IsEnded || sequence <= manifest.IndexedThrough)
        {
            StrayEntries++;
            world.Trace("stray entry", key, 0);
            return;
        }

        if (sequence != truth.LastSequence + 1)
        {
            complain($"{key} was written after {truth.LastSequence}");
            return;
        }

        truth.LastSequence = sequence;
        reachability.Reach(key);
        Apply(truth, WalEntry.Open(key, PoisonedMemory.CopyOf(content), epoch, sequence));
    }

    private void Apply(NamespaceTruth truth, WalEntry entry)
    {
        var state = truth.Now;
        foreach (int number in OperationsIn(entry))
        {
            var operation = Operations[number];
            if (operation.Committed is not null)
            {
                complain($"{operation} was applied twice");
            }

            operation.Committed = world.Step;
            state = operation.Write!.Apply(state, out var expected);
            operation.Expected = expected;
            truth.Add(world.Step, state, isVisible: false);
        }

        if (entry.ReadOptions() is { } options)
        {
            state = state with { IsReadOnly = options.ReadOnly };
            truth.Settings.Add((world.Step, options.ReadOnly));
            truth.Add(world.Step, state, isVisible: false);
        }

        if (entry.DeletesNamespace)
        {
            truth.IsEnded = true;
            truth.Deletions.Add(world.Step);
            state = ModelState.Absent;
        }

        truth.Add(world.Step, state, isVisible: true);
    }

    /// <summary>The requests in an entry, by their markers, in order.</summary>
    private static List<int> OperationsIn(WalEntry entry)
    {
        var numbers = new List<int>();
        foreach (var operation in OperationFormat.Enumerate(entry.Operations))
        {
            if (operation.Kind == OperationKind.Upsert && operation.Id.AsUInt >= ModelWrite.FirstMarker)
            {
                numbers.Add((int)(operation.Id.AsUInt - ModelWrite.FirstMarker));
            }
        }

        return numbers;
    }

    private void ManifestWritten(NamespaceTruth truth, Manifest next, int operation)
    {
        Publications++;
        var old = truth.Manifest;
        if (old is null || old.Epoch != next.Epoch)
        {
            BeginLife(truth, old, next);
        }
        else
        {
            Continue(truth, old, next);
        }

        foreach (string key in old is null ? [] : reachability.NamedBy(old).ToArray())
        {
            reachability.GiveUp(key, world.Now);
        }

        foreach (string key in reachability.NamedBy(next))
        {
            reachability.Reach(key);
            if (SimulatedStore.Wait(store.Inner.HeadAsync(key, StorePurpose.User, CancellationToken.None)) is null)
            {
                complain($"manifest version {next.Version} of \"{truth.Keys.Name}\" was published with {key}, which does not exist");
            }
        }

        truth.Manifest = next;
        Compare(truth, next, old?.Epoch != next.Epoch && next.BornLive ? operation : null);
    }

    private void BeginLife(NamespaceTruth truth, Manifest? old, Manifest next)
    {
        if (truth.Now.IsLive)
        {
            complain($"a new epoch of \"{truth.Keys.Name}\" began while it was alive");
        }

        if (old is not null)
        {
            foreach (string key in Reachability.EntriesOf(truth.Keys, old.Epoch, old.IndexedThrough + 1, truth.LastSequence))
            {
                reachability.GiveUp(key, world.Now);
            }
        }

        truth.LastSequence = 0;
        truth.IsEnded = false;
    }

    private void Continue(NamespaceTruth truth, Manifest old, Manifest next)
    {
        if (next.Version != old.Version + 1 || next.IndexedThrough < old.IndexedThrough || next.IndexedThrough > truth.LastSequence
            || (next.Deleted && !truth.IsEnded) || (old.Deleted && !next.Deleted))
        {
            complain($"manifest of \"{truth.Keys.Name}\": version {old.Version} through {old.IndexedThrough} (deleted {old.Deleted}) became "
                + $"version {next.Version} through {next.IndexedThrough} (deleted {next.Deleted}), and the log ends at {truth.LastSequence}");
        }

        foreach (string key in Reachability.EntriesOf(truth.Keys, next.Epoch, old.IndexedThrough + 1, Math.Min(next.IndexedThrough, truth.LastSequence)))
        {
            reachability.GiveUp(key, world.Now);
        }
    }

    /// <summary>Loads the namespace from the bare store and compares it with the model; a namespace born of another takes the content it has.</summary>
    private void Compare(NamespaceTruth truth, Manifest manifest, int? bornBy)
    {
        NamespaceView view;
        try
        {
            var loader = new NamespaceLoader(raw, truth.Keys, new ManifestStore(raw, truth.Keys));
            view = SimulatedStore.Wait(new ValueTask<NamespaceView>(loader.LoadAsync(CancellationToken.None)));
        }
        catch (Exception failure) when (failure is PuffException or AggregateException)
        {
            complain($"\"{truth.Keys.Name}\" version {manifest.Version} cannot be loaded: {failure.Message}");
            return;
        }

        try
        {
            if (bornBy is { } operation)
            {
                Born(truth, view.State, operation);
            }

            CheckCodes(truth, view.State);
            string stored = view.State.IsLive ? ReadAll(view.State).Text : "";
            if (view.State.IsLive != truth.Now.IsLive || stored != truth.Now.Text)
            {
                complain($"\"{truth.Keys.Name}\" version {manifest.Version} through {manifest.IndexedThrough} is not what the log says"
                    + ModelState.Difference(truth.Now.Text, stored));
            }
        }
        finally
        {
            view.State.Release();
        }
    }

    /// <summary>Every tree can be read, every group of codes belongs to a node, and exactly the documents with a vector have codes.</summary>
    private void CheckCodes(NamespaceTruth truth, NamespaceState state)
    {
        foreach (var segment in state.Manifest.Segments)
        {
            foreach (var problem in SimulatedStore.Wait(SegmentVerifier.VerifyAsync(store.Inner, segment, state.Manifest.Trees, CancellationToken.None)))
            {
                complain($"\"{truth.Keys.Name}\" version {state.Manifest.Version}: {problem.Key}: {problem.Message}");
            }

            CodedSegments += segment.Trees.Count;
            GroupedSegments += segment.Trees.Count(t => t.TreeId != 0);
        }

        GrownTrees += state.Manifest.Trees.Count(t => t.Parts.Count > 1);
        using var snapshot = state.Snapshot();
        var (found, wanted) = CodeSearchCheck.Run(snapshot, Publications);
        Nearest = (Nearest.Found + found, Nearest.Wanted + wanted);
    }

    /// <summary>A branch or copy: its content must be its source's at some moment since the request began.</summary>
    private void Born(NamespaceTruth truth, NamespaceState state, int number)
    {
        var born = ReadAll(state);
        truth.Add(world.Step, born, isVisible: true);
        if (!Operations.TryGetValue(number, out var operation) || operation.Source is null)
        {
            complain($"\"{truth.Keys.Name}\" was born alive, and no client asked for it");
            return;
        }

        if (operation.Committed is not null)
        {
            complain($"{operation} was applied twice");
        }

        operation.Committed = world.Step;
        operation.Expected = new ModelResult(born.Documents.Count, 0, 0);
        if (!Of(operation.Source).During(operation.Invoked, world.Step).Any(s => s.IsLive && s.Text == born.Text))
        {
            complain($"{operation} brought something its source did not contain");
        }
    }

    private static ModelState ReadAll(NamespaceState state)
    {
        using var snapshot = state.Snapshot();
        var result = QueryExecutor.Execute(snapshot, Everything(), CancellationToken.None);
        return new ModelState
        {
            IsLive = true,
            IsReadOnly = state.Options.ReadOnly,
            Documents = ModelState.DocumentsOf(result.Rows!),
            Attributes = ModelState.Absent.Attributes.Union(state.Schema.Attributes.Select(a => a.Name)),
        };
    }

    public static QueryRequest Everything() => new()
    {
        RankBy = new OrderRank([new OrderKey("id", false)]),
        Limit = 10_000,
        Select = new AttributeSelection(true, null, null),
    };
}
